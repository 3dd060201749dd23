// Compiles gateway/ to dist/gateway and copies the data files that the code reads beside itself.
import { spawnSync } from 'node:child_process'
import { cpSync, chmodSync, rmSync } from 'node:fs'
import { extname } from 'node:path'

rmSync('dist', { recursive: true, force: true })
const tsc = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'],
  {
    stdio: 'inherit',
  },
)
if (tsc.status !== 0) process.exit(1)
const data = new Set(['', '.yaml', '.csv', '.safetensors', '.json'])
cpSync('gateway', 'dist/gateway', {
  recursive: true,
  filter: (source) => data.has(extname(source)),
})
chmodSync('dist/gateway/main.js', 0o755)
