// Preloaded into a built gateway by tests, which Node does in each of its threads: the one that writes
// the ledger stops when the file `hold` is in the working directory, and fails as the file `fail` says.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const LOOK_MS = 5
const nothing = new Int32Array(new SharedArrayBuffer(4))

if (!isMainThread) {
  setInterval(() => {
    if (existsSync('hold')) holdAndFail()
  }, LOOK_MS).unref()
}

function holdAndFail() {
  writeFileSync('held', '')
  while (!existsSync('fail')) Atomics.wait(nothing, 0, 0, LOOK_MS)
  const how = readFileSync('fail', 'utf8')
  if (how === 'exit') process.exit(0)
  if (how === 'throw') throw new Error('an error that nobody expected')
  // Until there is no memory left for this thread.
  const kept = []
  for (;;) kept.push(new Array(10_000).fill(kept.length + 0.5))
}
