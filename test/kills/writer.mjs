// Appends records as fast as they are taken until it is killed, and prints what it was promised:
// `d <id>` is on disk and signed, `k <id>` is in the hands of the kernel. Runs the built gateway's code:
// one start must not take as long as everything else together.
//   node writer.mjs DIST DIR KEY SEED
import { randomUUID } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [dist, dir, key, seed] = process.argv.slice(2)
const load = (path) => import(pathToFileURL(join(dist, 'gateway', path)).href)
const { openLedger } = await load('audit/ledger.js')
const { createKeySigner } = await load('audit/signing/signer-port.js')
const { parseSkey } = await load('audit/tree/note.js')
const { systemClock } = await load('domain/clock.js')

const run = Number(seed)
const ledger = await openLedger({
  dir,
  log: 'kills/audit/n1',
  bootId: randomUUID(),
  owner: { pid: process.pid, host: 'here', isAlive: () => false },
  clock: systemClock,
  // Small, so that many are killed while they change over.
  segmentBytesMax: 16_384 << (run % 5),
  versions: {},
  signer: createKeySigner([parseSkey(readFileSync(key, 'utf8'))]),
})
writeSync(1, 'open\n')

// Several chains, each of which waits for its own records, as requests do. Bounded, should nobody
// end it.
const CHAINS = 1 + (run % 8)
const RECORDS_MAX = 200_000
for (let chain = 0; chain < CHAINS; chain++) void follow(chain)

async function follow(chain) {
  for (let i = 0; i < RECORDS_MAX / CHAINS; i++) {
    const isPrivileged = (i + chain) % 7 === 0
    const id = `${run}-${chain}-${i}`
    const pad = 'x'.repeat((i * 37 + chain * 11) % 900)
    const record = { type: 'decision', fields: { id, effect: 'permit', pad } }
    await ledger.append(record, isPrivileged ? 'disk' : 'kernel')
    writeSync(1, `${isPrivileged ? 'd' : 'k'} ${id}\n`)
  }
}
