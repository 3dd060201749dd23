/**
 * One engine with one rule set, in a process of its own so that its memory is its own. Arguments:
 * engine, rows, milliseconds to measure. Prints one line of JSON. Needs `--expose-gc`.
 */
import { setFlagsFromString } from 'node:v8'
import { ENGINES, prepare } from '../policy/engines.ts'
import { measure } from '../policy/measure.ts'
import { buildRequests, EXPECTED, REQUEST_KINDS } from '../policy/requests.ts'
import { benchRules, ROLES } from '../policy/rule-set.ts'
import type { EngineRun } from '../policy/report.ts'

/** More than the caches of one core hold, and the same for every size. */
const REQUESTS = 8192
const ROWS_MAX = 100_000

const [engineText = '', rowsText = '', measureText = '1000'] = process.argv.slice(2)
const engine = ENGINES.find((name) => name === engineText)
if (engine === undefined) throw new Error(`no engine is called ${engineText}`)
// V8 of Node 20 aborts now and then ("unreachable code") where a call into WebAssembly was inlined.
if (engine === 'cedar') setFlagsFromString('--no-turbo-inline-js-wasm-calls')
const rows = Number(rowsText)
// The file may hold so many rows, and 50 of them give groups their roles.
const rules = benchRules(Math.min(rows, ROWS_MAX - ROLES))

const load = prepare(engine, rules)
const before = memory()
const started = performance.now()
const startedCpu = process.cpuUsage()
const loaded = await load()
const loadMs = performance.now() - started
const { user, system } = process.cpuUsage(startedCpu)
const loadCpuMs = (user + system) / 1000
const memoryMiB = (memory() - before) / 2 ** 20

const timings = REQUEST_KINDS.map((kind) => {
  const requests = buildRequests(rules, kind, REQUESTS)
  for (const question of requests.slice(0, 4).map(loaded.ask)) {
    const effect = loaded.effect(question)
    const isRight = (effect === 'permit') === (EXPECTED[kind] === 'permit')
    if (!isRight) throw new Error(`${engine} answers a ${kind} with ${effect}`)
  }
  const measureMs = Number(measureText)
  return { kind, ...measure(loaded, requests, { warmUpMs: measureMs / 2, measureMs }) }
})
process.stdout.write(
  `${JSON.stringify({ engine, rows, loadMs, loadCpuMs, memoryMiB, timings } satisfies EngineRun)}\n`,
)

function memory(): number {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('start this with --expose-gc')
  for (let i = 0; i < 3; i++) gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
