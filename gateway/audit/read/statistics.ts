/** Counts over records, in bounded memory. */
import type { StoredRecord } from './query.ts'
import { valuesOf, type Column } from './terms.ts'

/** How often something was found. */
export interface Counted {
  readonly name: string
  readonly count: number
}

/** Everything that is counted. */
export interface Statistics {
  readonly records: number
  /** Times of the first and the last record, as they say. */
  readonly first: string | undefined
  readonly last: string | undefined
  readonly types: readonly Counted[]
  /** Of decisions. */
  readonly effects: readonly Counted[]
  readonly reasons: readonly Counted[]
  readonly actions: readonly Counted[]
  readonly resources: readonly Counted[]
  readonly subjects: readonly Counted[]
  /** Callers and resources beyond those that were told apart. */
  readonly untold: { readonly resources: number; readonly subjects: number }
  /** Bytes that outcomes say went out, and exports among them. */
  readonly bytesOut: number
  readonly exports: { readonly count: number; readonly bytes: number }
}

/** Takes records one by one. */
export interface StatisticsCounter {
  take(record: StoredRecord): void
  /** The counts so far, of callers and resources the `topMax` most frequent. */
  report(topMax: number): Statistics
}

/** Names told apart in each list. */
const NAMES_MAX = 100_000

/** Counts nothing yet. */
export function createStatistics(): StatisticsCounter {
  const types = new Tally()
  const decided = {
    effect: new Tally(),
    reason: new Tally(),
    action: new Tally(),
    resource: new Tally(),
    subject: new Tally(),
  }
  let [records, bytesOut, exportCount, exportBytes] = [0, 0, 0, 0]
  let first: string | undefined
  let last: string | undefined
  return {
    take(record) {
      const { type, ts } = record
      records += 1
      if (typeof ts === 'string') [first, last] = [first ?? ts, ts]
      types.add(valuesOf(record, 'type').texts)
      if (type === 'decision') countColumns(decided, record, 1)
      // Many refusals of one kind in one second are one record.
      if (type === 'decision.refused') countColumns(decided, record, figure(record['count']))
      if (type === 'outcome') bytesOut += figure(record['bytes_out'])
      if (type !== 'export') return
      exportCount += 1
      exportBytes += figure(record['bytes'])
    },
    report: (topMax) => ({
      records,
      first,
      last,
      types: types.top(Infinity),
      effects: decided.effect.top(Infinity),
      reasons: decided.reason.top(Infinity),
      actions: decided.action.top(Infinity),
      resources: decided.resource.top(topMax),
      subjects: decided.subject.top(topMax),
      untold: { resources: decided.resource.untold, subjects: decided.subject.untold },
      bytesOut,
      exports: { count: exportCount, bytes: exportBytes },
    }),
  }
}

function countColumns(
  tallies: Readonly<Partial<Record<Column, Tally>>>,
  record: StoredRecord,
  times: number,
): void {
  for (const [column, tally] of Object.entries(tallies)) {
    tally.add(valuesOf(record, column as Column).texts, times)
  }
}

function figure(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

/** Counts names; those beyond {@link NAMES_MAX} together. */
class Tally {
  readonly #counts = new Map<string, number>()
  untold = 0

  add(names: readonly string[], times = 1): void {
    for (const name of names) {
      const count = this.#counts.get(name)
      if (count !== undefined || this.#counts.size < NAMES_MAX) {
        this.#counts.set(name, (count ?? 0) + times)
      } else this.untold += times
    }
  }

  /** The most frequent first; the same often, by name. */
  top(max: number): readonly Counted[] {
    return [...this.#counts]
      .map(([name, count]) => ({ name, count }))
      .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
      .slice(0, max)
  }
}
