// Installs the locked dependencies when they are missing or older than the lock file, so that
// `npm run demo` and `npm test` work as the first and only command on a fresh clone.
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, statSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`modelgate needs Node 20.19 or newer; this is ${process.version}.`)
  process.exit(2)
}

const installed = 'node_modules/.package-lock.json'
const current =
  existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs
// `npm ci` empties what a link points to: the packages of another checkout.
const isLinked = lstatSync('node_modules', { throwIfNoEntry: false })?.isSymbolicLink() === true
if (!current && isLinked) {
  console.error('node_modules is a link, and older than package-lock.json: it is used as it is.')
} else if (!current) {
  console.error('Installing the locked dependencies (npm ci) …')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const result =
    npm === undefined
      ? spawnSync('npm', args, { stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
      : spawnSync(process.execPath, [npm, ...args], { stdio: ['ignore', 2, 2] })
  if (result.status !== 0) {
    console.error('npm ci failed; the message above says why.')
    process.exit(1)
  }
}
