// `npm test`: formats, lint, types, import boundaries, build, then every test. Says what it does as
// it goes and ends with `N passed, N failed`. Arguments are handed to jest.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from './ensure-redis.mjs'

const bin = (path) => [process.execPath, `node_modules/${path}`]
const CHECKS = [
  ['formats', [...bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']],
  ['lint', [...bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0']],
  ['types', [...bin('typescript/bin/tsc'), '-p', 'tsconfig.json']],
  [
    'import boundaries',
    [
      ...bin('dependency-cruiser/bin/dependency-cruise.mjs'),
      'gateway',
      'test',
      '--config',
      '.dependency-cruiser.mjs',
    ],
  ],
  ['build', [process.execPath, 'scripts/build.mjs']],
]

/**
 * One process for each: modules of a suite stay in memory, and a process that holds those of all is
 * busy collecting garbage. `interop` needs servers that `npm run test:interop` installs.
 */
const PROJECTS = ['integration', 'e2e', 'fault', 'security', 'property', 'unit']
/** Longest the tests of a project may take: one that hangs must say so, not be waited for. */
const TESTS_MS = 40 * 60_000
/** How long the process may stay once its report is written. */
const LINGER_MS = 30_000

let failedChecks = 0
const hasRedis = ensureRedis()
if (!hasRedis) failedChecks++
let isBuilt = true
for (const [name, [command, ...args]] of CHECKS) {
  const started = Date.now()
  const { status } = spawnSync(command, args, { stdio: ['ignore', 2, 2] })
  if (status !== 0) failedChecks++
  if (name === 'build') isBuilt = status === 0
  console.error(
    `${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`,
  )
}

// Most tests would fail one after another, each after its time was over.
if (!isBuilt) {
  console.error('what does not build is not tested')
  console.log(`${CHECKS.length + 1 - failedChecks} passed, ${failedChecks} failed`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'modelgate-test-'))
let passed = 0
let failed = 0
for (const project of PROJECTS) {
  const report = join(folder, `${project}.json`)
  const problem = await runTests(project, report)
  if (problem !== undefined) console.error(problem)
  const counted = countOf(report)
  passed += counted.passed
  failed += counted.failed
}
rmSync(folder, { recursive: true, force: true })
const total = failed + failedChecks
console.log(`${passed + CHECKS.length + 1 - failedChecks} passed, ${total} failed`)
process.exit(total === 0 ? 0 : 1)

/** What a report counts. */
function countOf(report) {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'))
    // A suite that did not even load has no failed tests of its own, yet it failed.
    const failed = result.numFailedTests + result.numRuntimeErrorTestSuites
    return { passed: result.numPassedTests, failed: result.success ? failed : Math.max(failed, 1) }
  } catch {
    console.error('jest left no report')
    return { passed: 0, failed: 1 }
  }
}

/** Runs jest. Resolves when it is over, with what there is to say beside its report. */
function runTests(project, report) {
  const args = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
  args.push('node_modules/jest/bin/jest.js', '--selectProjects', project, '--passWithNoTests')
  args.push('--json', `--outputFile=${report}`)
  if (process.argv.length > 2) args.push('--', ...process.argv.slice(2))
  const jest = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 2] })
  return new Promise((resolve) => {
    let problem
    const kill = (why) => {
      problem ??= why
      jest.kill('SIGKILL')
    }
    const late = setTimeout(() => kill('the tests did not end in 20 minutes'), TESTS_MS)
    let lingering
    const look = setInterval(() => {
      if (!existsSync(report)) return
      clearInterval(look)
      lingering = setTimeout(
        () => kill('note: the tests ended, but something they left open kept their process'),
        LINGER_MS,
      )
    }, 1_000)
    const over = (why) => {
      clearTimeout(late)
      clearTimeout(lingering)
      clearInterval(look)
      resolve(why)
    }
    jest.once('error', (error) => over(`the tests did not start: ${error.message}`))
    jest.once('exit', () => over(problem))
  })
}
