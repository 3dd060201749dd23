/** `npm run bench -- policy`: what a decision costs, by engine and by the number of rules. */
import { spawn } from 'node:child_process'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { ENGINES, type EngineName } from './engines.ts'
import { policyReport, policyText, type EngineRun } from './report.ts'

/** What is measured, and how it is told. */
export interface PolicyBenchOptions {
  readonly format: 'text' | 'json'
  readonly rounds: number
  readonly measureMs: number
  readonly sizes: readonly number[]
  readonly engines: readonly EngineName[]
  /** Also what takes minutes, see {@link roundsOf}. */
  readonly all: boolean
}

export const POLICY_USAGE = `npm run bench -- policy [options]

  --quick           one short round (about a minute)
  --rounds N        rounds per engine and size (default 3)
  --rows N          only this size (repeatable; default 10, 1000 and 100000)
  --engine NAME     only ${ENGINES.join(', ')} (repeatable)
  --all             Casbin in every round, and Cedar with more than 1000 rows (half an hour)
  --format json     the report as JSON instead of text
`

const ROUNDS_MAX = 50
const ROWS_MAX = 100_000
/** An interpreter with the largest set answers a few times a second; more takes too long. */
const PROCESS_MS_MAX = 10 * 60_000

/** @throws Error for an option that is not known or out of bounds; `undefined` asks for help. */
export function parsePolicyOptions(args: readonly string[]): PolicyBenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rows: { type: 'string', multiple: true, default: ['10', '1000', '100000'] },
      engine: { type: 'string', multiple: true, default: [...ENGINES] },
      format: { type: 'string', default: 'text' },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { format, quick } = values
  if (format !== 'text' && format !== 'json') throw new Error('--format is text or json')
  return {
    format,
    rounds: numberOf('--rounds', values.rounds ?? (quick ? '1' : '3'), ROUNDS_MAX),
    measureMs: quick ? 500 : 2_000,
    sizes: values.rows.map((text) => numberOf('--rows', text, ROWS_MAX)),
    engines: values.engine.map(engineOf),
    all: values.all,
  }
}

function numberOf(option: string, text: string, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= most) return number
  throw new Error(`${option} is a number from 1 to ${most}`)
}

function engineOf(text: string): EngineName {
  const engine = ENGINES.find((name) => name === text)
  if (engine === undefined) throw new Error(`--engine is one of ${ENGINES.join(', ')}`)
  return engine
}

/** Measures and prints. @param programs the folder of the compiled programs */
export async function policyBench(args: readonly string[], programs: string): Promise<void> {
  const options = parsePolicyOptions(args)
  if (options === undefined) {
    process.stdout.write(POLICY_USAGE)
    return
  }
  const [busyBefore = 0] = loadavg()
  const runs: EngineRun[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const rows of options.sizes) {
      for (const engine of options.engines) {
        if (round >= roundsOf(engine, rows, options)) continue
        process.stderr.write(`round ${round + 1}: ${engine}, ${rows} rows\n`)
        const given = [engine, String(rows), String(options.measureMs)]
        const program = join(programs, 'policy.js')
        const run = (await runEngine(program, given)) ?? (await runEngine(program, given))
        if (run === undefined) throw new Error(`${given.join(' ')} was ended by a signal twice`)
        runs.push(run)
      }
    }
  }
  const [busyAfter = 0] = loadavg()
  const { rounds } = options
  const about = { machine: describeMachine(), rounds, leftOut: leftOutOf(options) }
  const report = policyReport({ ...about, busy: [busyBefore, busyAfter] }, runs)
  process.stdout.write(
    options.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : policyText(report),
  )
}

/** From so many rows on, a decision of an interpreter takes seconds. */
const ROWS_SLOW = 10_000

/** In how many rounds an engine takes part: the slow ones would make the whole last half an hour. */
function roundsOf(engine: EngineName, rows: number, { rounds, all }: PolicyBenchOptions): number {
  if (all || engine === 'compiled' || rows < ROWS_SLOW) return rounds
  return engine === 'cedar' ? 0 : 1
}

function leftOutOf(options: PolicyBenchOptions): string[] {
  return options.sizes.flatMap((rows) =>
    options.engines.flatMap((engine) => {
      const rounds = roundsOf(engine, rows, options)
      if (rounds === options.rounds) return []
      const what = rounds === 0 ? 'not measured' : 'one round only'
      return [`${engine} with ${rows} rows: ${what}, as a decision takes seconds (--all)`]
    }),
  )
}

/** `undefined` when a signal ended it: V8 of Node 20 can abort where Cedar calls its WebAssembly. */
function runEngine(program: string, args: readonly string[]): Promise<EngineRun | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--expose-gc', program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: PROCESS_MS_MAX,
    })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(out) as EngineRun)
      else if (code === null) {
        process.stderr.write(`${args.join(' ')} was ended by ${signal ?? 'a signal'}\n`)
        resolve(undefined)
      } else reject(new Error(`${args.join(' ')} ended with ${code}`))
    })
  })
}
