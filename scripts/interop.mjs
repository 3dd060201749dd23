// `npm run test:interop`: real model servers from PyPI, driven through the gateway by their real
// clients, and the files of the audit log in front of Go programs that verify such logs. What they need
// is installed once into .cache/interop, outside of package.json. Says what it does as it goes, ends
// with a table. Arguments are handed to jest; with `ledger` alone, only that one is prepared for.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const CACHE = resolve('.cache/interop')
const RESULTS = join(CACHE, 'results.jsonl')
/** Versions of Python that the pinned packages have wheels for, the preferred one first. */
const PYTHONS = ['python3.11', 'python3.12', 'python3.13', 'python3']
/** The OCI registry that everybody runs. */
const REGISTRY = 'github.com/distribution/distribution/v3/cmd/registry@v3.1.2'

const say = (text) => console.error(text)
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(0)} s`

/** Runs a command, its output shown; true when it ended well. */
function run(command, args, options = {}) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2], ...options })
  return status === 0
}

function findPython() {
  const ask = 'import sys, venv, ensurepip; print("%d.%d" % sys.version_info[:2])'
  for (const name of PYTHONS) {
    const { status, stdout } = spawnSync(name, ['-c', ask], { encoding: 'utf8' })
    if (status !== 0) continue
    const [, minor] = stdout.trim().split('.').map(Number)
    if (minor >= 11) return { name, version: stdout.trim() }
  }
  return undefined
}

/** Does `make` once for these inputs; a folder that was left half done is made anew. */
function once(folder, inputs, make) {
  const stamp = join(CACHE, folder, '.stamp')
  const wanted = createHash('sha256').update(inputs.join('\0')).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true
  rmSync(join(CACHE, folder), { recursive: true, force: true })
  mkdirSync(join(CACHE, folder), { recursive: true })
  const started = Date.now()
  if (!make(join(CACHE, folder))) return false
  writeFileSync(stamp, wanted)
  say(`ok   ${folder} (${seconds(started)})`)
  return true
}

function environment(python, name) {
  const requirements = resolve(`test/interop/requirements-${name}.txt`)
  return once(name, [python.version, readFileSync(requirements, 'utf8')], (folder) => {
    say(`...  ${name}: a virtual environment of Python ${python.version}, once`)
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--progress-bar', 'off']
    return (
      run(python.name, ['-m', 'venv', folder]) &&
      run(join(folder, 'bin/python'), [...pip, '--quiet', '--requirement', requirements])
    )
  })
}

function nodeClients() {
  const lock = readFileSync('test/interop/node/package-lock.json', 'utf8')
  return once('node', [lock], (folder) => {
    say('...  node: the client of the Hugging Face Hub, once')
    for (const file of ['package.json', 'package-lock.json']) {
      writeFileSync(join(folder, file), readFileSync(`test/interop/node/${file}`))
    }
    const npm = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
    return run('npm', npm, { cwd: folder })
  })
}

const hasGo = () => spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0

function registry() {
  if (!hasGo()) return 'there is no Go to build it with'
  const built = once('registry', [REGISTRY], (folder) => {
    say('...  registry: OCI distribution, built once')
    return run('go', ['install', REGISTRY], { env: { ...process.env, GOBIN: folder } })
  })
  return built ? undefined : 'it did not build'
}

/** Verifies audit logs with nothing of ours: its modules are pinned in go.mod and go.sum. */
function ledgercheck() {
  if (!hasGo()) return { INTEROP_NO_GO: 'there is no Go to build the verifier with' }
  const source = resolve('test/interop/go')
  const inputs = readdirSync(source).map((name) => readFileSync(join(source, name), 'utf8'))
  const built = once('ledgercheck', inputs, (folder) => {
    say('...  ledgercheck: a verifier of logs in Go, built once')
    const go = ['build', '-mod=readonly', '-o', join(folder, 'ledgercheck'), '.']
    return run('go', go, { cwd: source })
  })
  return built ? { INTEROP_LEDGERCHECK: join(CACHE, 'ledgercheck/ledgercheck') } : undefined
}

const pad = (cells, widths) =>
  cells
    .map((cell, at) => cell.padEnd(widths[at]))
    .join('  ')
    .trimEnd()

/** Server, client, flow, permissions, result: what the tests wrote down as they went. */
function printTable() {
  if (!existsSync(RESULTS)) return
  const lines = readFileSync(RESULTS, 'utf8').trim().split('\n')
  const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line))
  rows.sort((a, b) => `${a[0]}${a[1]}`.localeCompare(`${b[0]}${b[1]}`))
  const table = [['server', 'client', 'flow', 'permissions', 'result'], ...rows]
  const widths = table[0].map((_, at) => Math.max(...table.map((row) => row[at].length)))
  console.log(table.map((row) => pad(row, widths)).join('\n'))
}

const isLedgerAlone = process.argv[2] === 'ledger' && process.argv.length === 3
mkdirSync(CACHE, { recursive: true })
rmSync(RESULTS, { force: true })
const verifier = ledgercheck()
if (verifier === undefined) {
  say('FAIL ledgercheck: it did not build, see above')
  process.exit(1)
}
if (verifier.INTEROP_NO_GO !== undefined) say(`skip ledger: ${verifier.INTEROP_NO_GO}`)
let without = 'only the ledger was asked for'
if (!isLedgerAlone) {
  const python = findPython()
  if (python === undefined) {
    console.log(
      'skipped: no Python 3.11 or newer with venv and pip; `npm run test:interop ledger` needs none',
    )
    process.exit(0)
  }
  for (const name of ['mlflow', 'mlserver', 'bentoml']) {
    if (environment(python, name)) continue
    say(`FAIL ${name}: its packages did not install, see above`)
    process.exit(1)
  }
  if (!nodeClients()) {
    say('FAIL node: the clients did not install, see above')
    process.exit(1)
  }
  without = registry()
  if (without !== undefined) say(`skip registry: ${without}`)
}
if (!isLedgerAlone && !run(process.execPath, ['scripts/build.mjs'])) process.exit(1)
const jest = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--selectProjects',
    'interop',
    // The servers are heavy: one at a time.
    '--runInBand',
    ...process.argv.slice(2),
  ],
  {
    stdio: ['ignore', 2, 2],
    env: {
      ...process.env,
      ...verifier,
      ...(without === undefined ? {} : { INTEROP_NO_REGISTRY: without }),
    },
  },
)
printTable()
process.exit(jest.status ?? 1)
