/**
 * Keeps a flood of refused requests from filling the disk: past a bound within one second, refusals
 * of the same reason and caller are counted, and the count is recorded when the second is over.
 * What was permitted and what is privileged is always recorded whole.
 */
import type { Clock } from '../../domain/clock.ts'
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'
import { PreparedRecord } from '../line/prepared.ts'
import { isPrivileged, type Action } from '../../domain/vocabulary.ts'

/** See the head of this file. */
export interface RefusalCounter {
  /** Whether the record was counted instead, and must not be written. */
  takes(record: LedgerRecord): boolean
  /** Hands on the counts of a second that is over, or of any when `now`. */
  flush(now?: boolean): void
}

/** What {@link createRefusalCounter} needs. */
export interface RefusalCounterOptions {
  readonly clock: Clock
  /** Refusals of one second that are recorded whole. */
  readonly perSecond: number
  write(record: LedgerRecord): void
}

interface Count {
  readonly fields: Readonly<Record<string, LedgerValue | undefined>>
  readonly first: LedgerValue | undefined
  readonly from: number
  last: LedgerValue | undefined
  to: number
  count: number
}

/** Callers told apart in one second; the rest is counted by reason alone. */
const CALLERS_MAX = 1_024
/** Reasons are words of this program: a few dozen. */
const REASONS_MAX = 256
const SECOND_MS = 1_000
const DENIED = '"effect":"deny"'

/** Builds a {@link RefusalCounter}. */
export function createRefusalCounter(options: RefusalCounterOptions): RefusalCounter {
  const { clock, perSecond } = options
  const counts = new Map<string, Count>()
  let startedMs = clock.monotonicMs()
  let whole = 0
  const flush = (now = false): void => {
    const nowMs = clock.monotonicMs()
    if (!now && nowMs - startedMs < SECOND_MS) return
    startedMs = nowMs
    whole = 0
    const over = [...counts.values()]
    counts.clear()
    for (const count of over) options.write(recordOf(count))
  }
  return {
    flush,
    takes: (record) => {
      if (!isPlainRefusal(record)) return false
      flush()
      if (whole < perSecond) {
        whole += 1
        return false
      }
      return add(counts, record, clock.now())
    },
  }
}

function add(counts: Map<string, Count>, { type, fields }: LedgerRecord, at: number): boolean {
  const { reason, sub, iss, ip, id } = fields
  const caller = { of: type, reason, ...(sub === undefined ? { ip } : { iss, sub }) }
  const key = JSON.stringify(caller)
  const isRoom = counts.has(key) || counts.size < CALLERS_MAX
  const [name, kept] = isRoom
    ? [key, caller]
    : [JSON.stringify([type, reason]), { of: type, reason }]
  const known = counts.get(name)
  if (known !== undefined) {
    known.count += 1
    known.last = id
    known.to = at
    return true
  }
  if (counts.size >= CALLERS_MAX + REASONS_MAX) return false
  counts.set(name, { fields: kept, first: id, last: id, from: at, to: at, count: 1 })
  return true
}

function recordOf({ fields, first, last, from, to, count }: Count): LedgerRecord {
  const period = { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
  return {
    type: 'decision.refused',
    fields: { effect: 'deny', ...fields, count, ...period, first, last },
  }
}

/** A refusal in full, of nothing that is privileged: what it asked for is named in `ops`. */
function isPlainRefusal(record: LedgerRecord): boolean {
  const { type } = record
  if (type === 'protocol.rejected') return true
  if (type !== 'decision') return false
  // JSON escapes quotes within strings: these words are members, of the record or of what is in it.
  if (record instanceof PreparedRecord && !record.json.includes(DENIED)) return false
  const { effect, ops } = record.fields
  if (effect !== 'deny') return false
  if (ops === undefined) return true
  return Array.isArray(ops) && ops.every((op: LedgerValue) => !asksPrivileged(op))
}

function asksPrivileged(op: LedgerValue): boolean {
  if (op === null || typeof op !== 'object' || Array.isArray(op)) return true
  const { act } = op as Readonly<Record<string, LedgerValue | undefined>>
  return typeof act !== 'string' || isPrivileged(act as Action)
}
