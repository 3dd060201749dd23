/** Which rule sets were in force during a stretch of time, as the ledger says. */
import { findRecords, newestRecords } from '../audit/read/find.ts'
import { timeOf } from '../audit/read/terms.ts'
import type { StoredRecord } from '../audit/read/query.ts'
import type { HistoryEntry } from './revisions/history-index.ts'
import { isRevision } from './revisions/revision.ts'

/** A rule set, and when it was in force within the time asked for. */
export interface RulesInForce {
  readonly revision: string
  /** When it came into force, ISO 8601; `undefined` when that is not recorded. */
  readonly since: string | undefined
  /** When another one did; `undefined` when none did within that time. */
  readonly until: string | undefined
  /** Who put it in force. */
  readonly by: string | undefined
  /** What says so; the history of the rules, which nothing protects, where the ledger has no record. */
  readonly source: 'ledger' | 'history'
}

/** What is known of a stretch of time. */
export interface PastRules {
  /** Oldest first; each once for every time it was in force. */
  readonly sets: readonly RulesInForce[]
  /** Whether the ledger reaches back to the beginning of that time. */
  readonly complete: boolean
}

/** Times, milliseconds since the epoch; the end is excluded. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

/** Changes within one stretch that are looked at. */
const CHANGES_MAX = 10_000

/**
 * The rule sets in force between `from` and `to`: the one that was there at the beginning, and those that
 * came while it lasted. Where the ledger does not reach back so far, `history`, oldest first, is asked
 * what was there. The chain of the ledger is not verified here.
 */
export async function rulesInForce(
  dir: string,
  { from, to }: Stretch,
  history: readonly HistoryEntry[] = [],
): Promise<PastRules> {
  const type = ['policy.changed']
  const [atStart] = await newestRecords(dir, { type, until: from }, { countMax: 1 })
  const changes: StoredRecord[] = atStart === undefined ? [] : [atStart.record]
  for await (const { record } of findRecords(dir, { type, since: from, until: to })) {
    if (changes.length < CHANGES_MAX) changes.push(record)
  }
  const known = changes.filter(namesRevision)
  const turns = known.filter((one, at) => at === 0 || one['pol'] !== known[at - 1]?.['pol'])
  const sets = turns.map((one, at) => ({
    revision: String(one['pol']),
    since: textIn(one, 'ts'),
    until: textIn(turns[at + 1] ?? {}, 'ts'),
    by: textIn(one, 'by'),
    source: 'ledger' as const,
  }))
  const isWhole = changes.length < CHANGES_MAX && known.length === changes.length
  if (atStart !== undefined || (await beginsAfter(dir, { from, to }))) {
    return { sets, complete: isWhole }
  }
  const before = history.findLast(({ at }) => Date.parse(at) < from)
  if (before === undefined) return { sets, complete: false }
  const { revision, at, by } = before
  const first = { revision, since: at, until: sets[0]?.since, by, source: 'history' as const }
  return { sets: sets[0]?.revision === revision ? sets : [first, ...sets], complete: isWhole }
}

/** Whether the gateway first ran within that time: nothing was in force before. */
async function beginsAfter(dir: string, { from, to }: Stretch): Promise<boolean> {
  for await (const { record } of findRecords(dir, {})) {
    const at = timeOf(record)
    return record['seq'] === 0 && at >= from && at < to
  }
  return false
}

function namesRevision({ pol }: StoredRecord): boolean {
  return typeof pol === 'string' && isRevision(pol)
}

function textIn(record: StoredRecord, name: string): string | undefined {
  const value = record[name]
  return typeof value === 'string' ? value : undefined
}
