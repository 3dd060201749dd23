// The tests of the store need a real redis-server. Installs it where that is one command away, else
// says how; never lets the tests be skipped.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const isThere = () => spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0

/** Whether redis-server can be started. Tells what it does on standard error. */
export function ensureRedis() {
  if (isThere()) return true
  const isRoot = process.getuid?.() === 0
  if (isRoot && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')) {
    console.error('Installing redis-server, which the tests of the store need (apt-get) …')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const run = (...args) =>
      spawnSync('apt-get', args, { env, stdio: ['ignore', 2, 2], timeout: 300_000 }).status === 0
    const install = () => run('install', '-y', '--no-install-recommends', 'redis-server')
    if ((install() || (run('update') && install())) && isThere()) return true
  }
  console.error(
    'redis-server is not in PATH, and the tests of the store need it (version 7 or later):\n' +
      '  Debian, Ubuntu: sudo apt-get install redis-server\n' +
      '  macOS:          brew install redis\n' +
      '  Fedora:         sudo dnf install valkey-compat-redis',
  )
  return false
}
