/** What the bench of the classifier found, as data and as text. */
import type { Machine } from '../machine.ts'
import type { Timing } from '../policy/measure.ts'
import { table } from '../report.ts'
import { median } from '../statistics.ts'
import { MADE_UP } from './packs.ts'
import { KINDS, type Kind } from './requests.ts'

/** What one process reports of one pack. */
export interface PackRun {
  readonly pack: string
  readonly routes: number
  readonly loadMs: number
  readonly timings: readonly ({ readonly kind: Kind } & Timing)[]
}

/** Medians over the rounds. */
export interface ClassifyRow extends Timing {
  readonly pack: string
  readonly routes: number
  readonly kind: Kind
  /** p50 of the best round. */
  readonly p50LeastUs: number
  /** Largest p50 that is wanted; absent where none is stated. */
  readonly wantedUs: number | undefined
}

/** Everything a run found. */
export interface ClassifyReport {
  readonly machine: Machine
  readonly rounds: number
  /** How many processes wanted a core, over a minute, when it began and when it ended. */
  readonly busy: readonly [number, number]
  readonly rows: readonly ClassifyRow[]
  /** p50 of the largest made-up pack over that of the smallest, of the best round of each. */
  readonly flatness: readonly { readonly kind: Kind; readonly ratio: number }[]
}

/** Largest p50, µs, and largest ratio between packs of any size, that are wanted. */
const WANTED_US: Partial<Record<Kind, number>> = { path: 3, 'json-front': 10, 'json-end': 10 }
export const FLATNESS_MAX = 1.5

/** Puts the rounds together. */
export function classifyReport(
  about: Pick<ClassifyReport, 'machine' | 'rounds' | 'busy'>,
  runs: readonly PackRun[],
): ClassifyReport {
  const packs = [...new Set(runs.map(({ pack }) => pack))]
  const rows = packs.flatMap((pack) => KINDS.flatMap((kind) => rowOf(runs, pack, kind)))
  return { ...about, rows, flatness: KINDS.flatMap((kind) => flatnessOf(rows, kind)) }
}

function rowOf(runs: readonly PackRun[], pack: string, kind: Kind): ClassifyRow[] {
  const same = runs.filter((run) => run.pack === pack)
  const timings = same.flatMap((run) => run.timings.filter((timing) => timing.kind === kind))
  if (timings.length === 0) return []
  const of = (key: keyof Timing) => median(timings.map((timing) => timing[key]))
  return [
    {
      pack,
      routes: same[0]?.routes ?? 0,
      kind,
      decisions: timings.reduce((sum, { decisions }) => sum + decisions, 0),
      p50Us: of('p50Us'),
      p50LeastUs: Math.min(...timings.map(({ p50Us }) => p50Us)),
      p99Us: of('p99Us'),
      meanUs: of('meanUs'),
      wantedUs: WANTED_US[kind],
    },
  ]
}

function flatnessOf(rows: readonly ClassifyRow[], kind: Kind): ClassifyReport['flatness'] {
  const made = rows
    .filter((row) => row.kind === kind && MADE_UP.test(row.pack))
    .sort((a, b) => a.routes - b.routes)
  const [first, last] = [made[0], made.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  // The best round of each: a slow phase of the machine is no property of a pack.
  return [{ kind, ratio: last.p50LeastUs / first.p50LeastUs }]
}

/** The report for a terminal. */
export function classifyText({ machine, rounds, busy, rows, flatness }: ClassifyReport): string {
  const cells = rows.map((row) => [
    row.pack,
    String(row.routes),
    row.kind,
    us(row.p50Us),
    us(row.p99Us),
    us(row.meanUs),
    row.wantedUs === undefined
      ? '-'
      : `${row.p50Us <= row.wantedUs ? 'yes' : 'NO'} (${row.wantedUs} µs)`,
  ])
  const flat = flatness.map(({ kind, ratio }) => [
    kind,
    ratio.toFixed(2),
    `${ratio <= FLATNESS_MAX ? 'yes' : 'NO'} (${FLATNESS_MAX})`,
  ])
  return `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.date}
Medians of ${rounds} interleaved rounds, a process each
Load average ${busy.map((load) => load.toFixed(1)).join(' at the start, ')} at the end

One classification
${table([['pack', 'routes', 'requests', 'p50', 'p99', 'mean', 'p50 as wanted'], ...cells]).join('\n')}

p50 of the largest made-up pack over that of the smallest, best rounds
${table([['requests', 'ratio', 'as wanted'], ...flat]).join('\n')}

${NOTE}
`
}

const NOTE = `Requests go round over 16 routes, spread over the pack ("path-all": over all of them). Each is written anew before it is timed: headers
are parsed, the body is at hand; of "target" alone, parsing the target is timed too. Bodies have 1 KiB; what decides is their
first member ("json-front") or their last. The clock is part of every figure (0.05 µs), and where there is a body, two turns of the
queue of promises.`

function us(value: number): string {
  return `${value.toFixed(value < 100 ? 2 : 0)} µs`
}
