// `npm run demo`: builds what is not built, then runs the demonstration with the built gateway.
import { spawn, spawnSync } from 'node:child_process'

const build = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 2, 2] })
if (build.status !== 0) process.exit(1)
const demo = spawn(
  process.execPath,
  ['--enable-source-maps', 'dist/gateway/main.js', 'demo', ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => demo.kill(signal))
demo.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))
