/** `npm run bench -- classify`: what finding out what a request does costs, by pack and kind of request. */
import { spawn } from 'node:child_process'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../machine.ts'
import { classifyReport, classifyText, type PackRun } from './report.ts'

export const CLASSIFY_USAGE = `npm run bench -- classify [options]

  --quick           one short round (about half a minute)
  --rounds N        rounds per pack (default 3)
  --pack NAME       only this pack, built-in or made-N of N routes (repeatable)
  --format json     the report as JSON instead of text
`

/** The smallest and the largest built-in packs, one with a single path, and made-up ones. */
const PACKS = [
  'mlflow-pyfunc',
  'openai',
  'mlflow',
  'sagemaker-api',
  'vertex',
  'made-10',
  'made-1000',
  'made-4000',
]
const ROUNDS_MAX = 50
const PROCESS_MS_MAX = 5 * 60_000

interface ClassifyBenchOptions {
  readonly format: 'text' | 'json'
  readonly rounds: number
  readonly measureMs: number
  readonly packs: readonly string[]
}

/** @throws Error for an option that is not known or out of bounds; `undefined` asks for help. */
export function parseClassifyOptions(args: readonly string[]): ClassifyBenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      pack: { type: 'string', multiple: true, default: PACKS },
      format: { type: 'string', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { format, quick, pack: packs } = values
  if (format !== 'text' && format !== 'json') throw new Error('--format is text or json')
  const rounds = Number(values.rounds ?? (quick ? '1' : '3'))
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX) {
    throw new Error(`--rounds is a number from 1 to ${ROUNDS_MAX}`)
  }
  return { format, rounds, measureMs: quick ? 300 : 1_000, packs }
}

/** Measures and prints. @param programs the folder of the compiled programs */
export async function classifyBench(args: readonly string[], programs: string): Promise<void> {
  const options = parseClassifyOptions(args)
  if (options === undefined) {
    process.stdout.write(CLASSIFY_USAGE)
    return
  }
  const [busyBefore = 0] = loadavg()
  const runs: PackRun[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const pack of options.packs) {
      process.stderr.write(`round ${round + 1}: ${pack}\n`)
      runs.push(await runPack(join(programs, 'classify.js'), [pack, String(options.measureMs)]))
    }
  }
  const [busyAfter = 0] = loadavg()
  const { rounds, format } = options
  const report = classifyReport(
    { machine: describeMachine(), rounds, busy: [busyBefore, busyAfter] },
    runs,
  )
  process.stdout.write(
    format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : classifyText(report),
  )
}

function runPack(program: string, args: readonly string[]): Promise<PackRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: PROCESS_MS_MAX,
    })
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as PackRun)
      else reject(new Error(`${args.join(' ')} ended with ${code ?? 'a signal'}`))
    })
  })
}
