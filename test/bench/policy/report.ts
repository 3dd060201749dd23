/** What the bench of the policy found, as data and as text. */
import type { Machine } from '../machine.ts'
import { table } from '../report.ts'
import { median } from '../statistics.ts'
import type { EngineName } from './engines.ts'
import type { Timing } from './measure.ts'
import { REQUEST_KINDS, type RequestKind } from './requests.ts'

/** What one process reports of one engine with one rule set. */
export interface EngineRun {
  readonly engine: EngineName
  readonly rows: number
  readonly loadMs: number
  /** Processor time of loading, the collector's own threads included. */
  readonly loadCpuMs: number
  /** Heap and array memory that loading left behind. For Cedar that includes its own, in WebAssembly. */
  readonly memoryMiB: number
  readonly timings: readonly ({ readonly kind: RequestKind } & Timing)[]
}

/** Medians over the rounds. */
export interface PolicyRow extends Timing {
  readonly engine: EngineName
  readonly rows: number
  readonly kind: RequestKind
  readonly loadMs: number
  readonly loadCpuMs: number
  readonly memoryMiB: number
  /** p50 over that of the compiled engine with the same rows and requests. */
  readonly ratio: number | undefined
}

/** p50 at the largest size over p50 at the smallest. */
export interface Flatness {
  readonly engine: EngineName
  readonly kind: RequestKind
  readonly ratio: number
}

/** Everything a run found. */
export interface PolicyReport {
  readonly machine: Machine
  readonly rounds: number
  /** How many processes wanted a core, over a minute, when it began and when it ended. */
  readonly busy: readonly [number, number]
  /** What was not measured, or in one round only, and why. */
  readonly leftOut: readonly string[]
  readonly rows: readonly PolicyRow[]
  readonly flatness: readonly Flatness[]
}

/** Puts the rounds of all engines together. */
export function policyReport(
  about: Pick<PolicyReport, 'machine' | 'rounds' | 'busy' | 'leftOut'>,
  runs: readonly EngineRun[],
): PolicyReport {
  const sizes = [...new Set(runs.map((run) => run.rows))]
  const engines = [...new Set(runs.map((run) => run.engine))]
  const rows = sizes.flatMap((size) =>
    engines.flatMap((engine) => {
      const same = runs.filter((run) => run.rows === size && run.engine === engine)
      return same.length === 0 ? [] : REQUEST_KINDS.map((kind) => rowOf(same, kind))
    }),
  )
  const p50Of = (engine: EngineName, { rows: size, kind }: PolicyRow) =>
    rows.find((row) => row.engine === engine && row.rows === size && row.kind === kind)?.p50Us
  return {
    ...about,
    rows: rows.map((row) => {
      const compiled = p50Of('compiled', row)
      return { ...row, ratio: compiled === undefined ? undefined : row.p50Us / compiled }
    }),
    flatness: engines.flatMap((engine) => flatnessOf(engine, rows)),
  }
}

function rowOf(runs: readonly EngineRun[], kind: RequestKind): PolicyRow {
  const timings = runs.flatMap((run) => run.timings.filter((timing) => timing.kind === kind))
  const of = (key: keyof Timing) => median(timings.map((timing) => timing[key]))
  const [first] = runs
  if (first === undefined) throw new Error('a row needs a run')
  return {
    engine: first.engine,
    rows: first.rows,
    kind,
    decisions: timings.reduce((sum, { decisions }) => sum + decisions, 0),
    p50Us: of('p50Us'),
    p99Us: of('p99Us'),
    meanUs: of('meanUs'),
    loadMs: median(runs.map((run) => run.loadMs)),
    loadCpuMs: median(runs.map((run) => run.loadCpuMs)),
    memoryMiB: median(runs.map((run) => run.memoryMiB)),
    ratio: undefined,
  }
}

function flatnessOf(engine: EngineName, rows: readonly PolicyRow[]): Flatness[] {
  return REQUEST_KINDS.flatMap((kind) => {
    const same = rows.filter((row) => row.engine === engine && row.kind === kind)
    const [first, last] = [same[0], same.at(-1)]
    if (first === undefined || last === undefined || first === last) return []
    return [{ engine, kind, ratio: last.p50Us / first.p50Us }]
  })
}

/** The report for a terminal. */
export function policyText(report: PolicyReport): string {
  const { machine, rounds, rows, flatness, leftOut } = report
  const head = ['rows', 'engine', 'requests', 'p50', 'p99', 'mean', 'x compiled', 'decisions']
  const cells = rows.map((row) => [
    String(row.rows),
    row.engine,
    row.kind,
    us(row.p50Us),
    us(row.p99Us),
    us(row.meanUs),
    row.ratio === undefined ? '-' : row.ratio.toFixed(row.ratio < 10 ? 2 : 0),
    String(row.decisions),
  ])
  const loads = rows
    .filter(({ kind }) => kind === 'hit')
    .map((row) => [
      String(row.rows),
      row.engine,
      `${Math.round(row.loadMs)} ms`,
      `${Math.round(row.loadCpuMs)} ms`,
      `${row.memoryMiB.toFixed(1)} MiB`,
    ])
  const flat = flatness.map(({ engine, kind, ratio }) => [engine, kind, ratio.toFixed(2)])
  return `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.date}
50 roles, callers with five of them; medians of ${rounds} interleaved rounds, a process each
Load average ${report.busy.map((load) => load.toFixed(1)).join(' at the start, ')} at the end
${leftOut.map((text) => `${text}\n`).join('')}
One decision
${table([head, ...cells]).join('\n')}

Loading
${table([['rows', 'engine', 'time', 'CPU', 'memory'], ...loads]).join('\n')}

p50 at the largest size over p50 at the smallest
${table([['engine', 'requests', 'ratio'], ...flat]).join('\n')}

${NOTE}
`
}

const NOTE = `Every engine is timed for the same while; where it made few decisions ("decisions"), a p99 is its slowest.
Each request is written anew before it is timed, concerns one rule (none: "miss", "unknown") at every size,
and 8,192 of them go round over all rules. The clock is part of every figure (0.05 µs). Cedar parsed its policies before; each
call hands it the caller and the model as JSON. Its memory counts what its WebAssembly grew by.`

function us(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} ms`
  return `${value.toFixed(value < 100 ? 2 : 0)} µs`
}
