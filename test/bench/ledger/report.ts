/** What the ledger bench found, as numbers and as text. */
import type { Machine } from '../machine.ts'
import { median } from '../statistics.ts'

/** One run of a ledger in a process of its own. A request is two records: decision and outcome. */
export interface LedgerRun {
  /** `full`: as many as it takes; `paced`: a few every millisecond. */
  readonly mode: string
  readonly requests: number
  readonly seconds: number
  readonly recordsPerSecond: number
  /** Time of processor of the event loop for a request; what the measuring takes is subtracted. */
  readonly loopUs: number
  /** The same by the clock: with what other processes took of the core. */
  readonly wallUs: number
  /** Time of processor of all threads, that of the measuring included. */
  readonly cpuUs: number
  /** Growth of the resident memory while it was measured. */
  readonly growthMiB: number
}

/** One verification of a log in a process of its own. */
export interface VerifyRun {
  readonly records: number
  readonly megabytes: number
  readonly seconds: number
  readonly megabytesPerMinute: number
  /** The most memory it ever had. */
  readonly peakMiB: number
}

/** Everything that was measured. */
export interface LedgerReport {
  readonly machine: Machine
  readonly rounds: number
  readonly busy: number
  readonly full: readonly LedgerRun[]
  readonly paced: readonly LedgerRun[]
  readonly verify: readonly VerifyRun[]
}

/** What is wanted of a ledger. */
export const WANTED = { recordsPerSecond: 50_000, loopUs: 8, megabytesPerMinute: 500 }

/** Whether the medians are what is wanted. */
export function isAsWanted(report: LedgerReport): boolean {
  return rowsOf(report).every(({ ok }) => ok)
}

/** The report as text. */
export function ledgerText(report: LedgerReport): string {
  const { machine, rounds, busy } = report
  const rows = rowsOf(report).map(
    ({ what, value, wanted, ok }) =>
      `  ${what.padEnd(52)} ${value.padStart(14)}   wanted ${wanted}   ${ok ? 'as wanted' : 'NOT AS WANTED'}`,
  )
  const paced = report.paced.map(({ recordsPerSecond }) => recordsPerSecond)
  return `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.date}
Medians of ${rounds} rounds, on one core, with signed checkpoints; load average ${busy.toFixed(1)}
A request is two records, decision and outcome, about 1.2 KB.

${rows.join('\n')}
  ${'paced, a few requests every millisecond'.padEnd(52)} ${`${us(report.paced, 'loopUs')} µs`.padStart(14)}   event loop, ${Math.round(median(paced))} records/s
  ${'time of processor for a request, all threads'.padEnd(52)} ${`${us(report.full, 'cpuUs')} µs`.padStart(14)}
`
}

interface Row {
  readonly what: string
  readonly value: string
  readonly wanted: string
  readonly ok: boolean
}

function rowsOf({ full, verify }: LedgerReport): readonly Row[] {
  const rows: Row[] = []
  if (full.length > 0) {
    const speed = median(full.map(({ recordsPerSecond }) => recordsPerSecond))
    const loopUs = median(full.map((run) => run.loopUs))
    rows.push(
      {
        what: 'records a second, sustained',
        value: Math.round(speed).toLocaleString('en'),
        wanted: '≥ 50,000',
        ok: speed >= WANTED.recordsPerSecond,
      },
      {
        what: 'time of the event loop for a request',
        value: `${loopUs.toFixed(2)} µs`,
        wanted: `≤ ${WANTED.loopUs} µs`,
        ok: loopUs <= WANTED.loopUs,
      },
    )
  }
  if (verify.length > 0) rows.push(verifyRow(verify))
  return rows
}

function verifyRow(verify: readonly VerifyRun[]): Row {
  const speed = median(verify.map(({ megabytesPerMinute }) => megabytesPerMinute))
  const { megabytes, peakMiB } = verify[0] ?? { megabytes: 0, peakMiB: 0 }
  return {
    what: `verification of ${Math.round(megabytes)} MB (at most ${Math.round(peakMiB)} MiB of memory)`,
    value: `${Math.round(speed).toLocaleString('en')} MB/min`,
    wanted: `≥ ${WANTED.megabytesPerMinute} MB/min`,
    ok: speed >= WANTED.megabytesPerMinute,
  }
}

function us(runs: readonly LedgerRun[], of: 'loopUs' | 'cpuUs'): string {
  return median(runs.map((run) => run[of])).toFixed(2)
}
