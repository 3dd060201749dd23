// `npm run bench`: builds the gateway and the bench, then measures. Arguments are handed on; see
// `npm run bench -- --help`. The bench runs compiled, like the gateway it measures: a loader that
// translates on the fly would change the code of the peers.
import { spawn, spawnSync } from 'node:child_process'

const steps = [
  ['scripts/build.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', 'test/bench/tsconfig.json'],
]
for (const step of steps) {
  const { status } = spawnSync(process.execPath, step, { stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(1)
}
const bench = spawn(
  process.execPath,
  ['--enable-source-maps', 'dist/test/bench/main.js', ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill(signal))
bench.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))
