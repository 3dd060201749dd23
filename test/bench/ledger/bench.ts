/**
 * `npm run bench -- ledger`: how fast records are taken, what they cost the event loop, how fast a log is
 * verified.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { generateSkey } from '../../../gateway/audit/tree/note.ts'
import { createChildren, type Children } from '../children.ts'
import { describeMachine } from '../machine.ts'
import { isAsWanted, ledgerText, type LedgerReport, type LedgerRun } from './report.ts'
import { verifyOnce } from './verify.ts'

export const LEDGER_USAGE = `npm run bench -- ledger [append] [verify] [options]

npm run bench -- ledger query [million records]   a log of so many (10, some 6 GB), indexed and asked

  --quick           one short round
  --rounds N        rounds (default 3)
  --seconds N       length of each run (default 5)
  --format json     the report as JSON instead of text
`

const PARTS = ['append', 'verify']
const BOUND = 60
const CORE = 1

/** What is measured. */
interface LedgerBenchOptions {
  readonly parts: readonly string[]
  readonly rounds: number
  readonly seconds: number
  readonly format: 'text' | 'json'
}

/** @throws Error for an option that is not known or out of bounds; `undefined` asks for help. */
export function parseLedgerOptions(args: readonly string[]): LedgerBenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      format: { type: 'string', default: 'text' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { format, quick } = values
  if (format !== 'text' && format !== 'json') throw new Error('--format is text or json')
  const stranger = positionals.find((part) => !PARTS.includes(part))
  if (stranger !== undefined) throw new Error(`${stranger} is not one of ${PARTS.join(', ')}`)
  return {
    parts: positionals.length === 0 ? PARTS : positionals,
    rounds: bounded('rounds', values.rounds ?? (quick ? '1' : '3')),
    seconds: bounded('seconds', values.seconds ?? (quick ? '2' : '5')),
    format,
  }
}

function bounded(name: string, text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= BOUND) return value
  throw new Error(`--${name} is a number from 1 to ${BOUND}`)
}

/** Measures and prints; less than what is wanted is a failure. @param programs the compiled programs */
export async function ledgerBench(args: readonly string[], programs: string): Promise<void> {
  const options = parseLedgerOptions(args)
  if (options === undefined) {
    process.stdout.write(LEDGER_USAGE)
    return
  }
  const machine = describeMachine()
  const children = createChildren(machine.cores > 1 ? machine.taskset : undefined)
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-bench-ledger-'))
  try {
    const measured = await measure({ options, children, folder, programs })
    const report = { machine, rounds: options.rounds, busy: loadavg()[0] ?? 0, ...measured }
    process.stdout.write(
      options.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : ledgerText(report),
    )
    if (!isAsWanted(report)) process.exitCode = 1
  } finally {
    await children.stopAll()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Measuring {
  readonly options: LedgerBenchOptions
  readonly children: Children
  readonly folder: string
  readonly programs: string
}

async function measure(
  measuring: Measuring,
): Promise<Pick<LedgerReport, 'full' | 'paced' | 'verify'>> {
  const { options, children, folder } = measuring
  const { parts, rounds } = options
  const key = join(folder, 'key')
  writeFileSync(key, `${generateSkey('bench/audit/n1')}\n`, { mode: 0o600 })
  const measured = { full: [] as LedgerRun[], paced: [] as LedgerRun[], verify: [] as VerifyRuns }
  for (let round = 1; round <= rounds; round++) {
    const dir = join(folder, `log-${round}`)
    process.stderr.write(`round ${round} of ${rounds}\n`)
    const full = await append(measuring, { mode: 'full', dir, key })
    if (parts.includes('append')) {
      measured.full.push(full)
      const paced = join(folder, 'paced')
      measured.paced.push(await append(measuring, { mode: 'paced', dir: paced, key }))
      rmSync(paced, { recursive: true, force: true })
    }
    if (parts.includes('verify')) {
      measured.verify.push(await verifyOnce({ children, core: CORE, dir, key, folder }))
    }
    rmSync(dir, { recursive: true, force: true })
  }
  return measured
}

type VerifyRuns = LedgerReport['verify'][number][]

async function append(
  { options, children, programs }: Measuring,
  { mode, dir, key }: { readonly mode: string; readonly dir: string; readonly key: string },
): Promise<LedgerRun> {
  const output = await children.run({
    name: 'ledger',
    command: process.execPath,
    args: [join(programs, 'ledger.js'), mode, dir, String(options.seconds), key],
    core: CORE,
  })
  return JSON.parse(output) as LedgerRun
}
