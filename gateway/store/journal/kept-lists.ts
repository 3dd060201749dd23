/** Who works with the journal, what was made use of, and how far somebody has come. */
import {
  CURSORS_MAX,
  REPLICAS_MAX,
  USES_MAX,
  type PrivilegeUse,
  type ReplicaNotice,
} from '../../domain/journal.ts'
import { digestOf } from '../digests.ts'
import { KEPT_PREFIX, type Reader, type Transaction } from '../key-values.ts'
import { unavailable } from '../unavailable.ts'

const REPLICAS_KEY = 'replicas of the journal'
const CURSORS_KEY = `${KEPT_PREFIX} cursors`
const USES_PREFIX = 'u'
/** How many were added since the list was last cut; sorts outside of {@link USES_PREFIX}. */
const USES_ADDED_KEY = 'added uses of privileges'
/** Uses that are added between two cuts of the list. */
const CUT_EVERY = 10_000
/** A use is kept so long; milliseconds. */
export const USE_KEPT_MS = 400 * 86_400_000
const FOREVER = Number.MAX_SAFE_INTEGER

interface KeptNotice {
  readonly notice: ReplicaNotice
  readonly until: number
}

/** Says that a replica is there; answers all that are. @throws ERR_STORE_UNAVAILABLE */
export function announceIn(
  tx: Transaction,
  replica: Omit<ReplicaNotice, 'at'>,
  ttlMs: number,
  now: number,
): readonly ReplicaNotice[] {
  const kept = (tx.get(REPLICAS_KEY) as readonly KeptNotice[] | undefined) ?? []
  const others = kept.filter(({ notice, until }) => notice.id !== replica.id && until > now)
  if (others.length >= REPLICAS_MAX) throw unavailable('too many replicas are there')
  const { id, seq, name } = replica
  const all = [...others, { notice: { id, seq, at: now, name }, until: now + ttlMs }]
  tx.put(REPLICAS_KEY, all, Math.max(...all.map(({ until }) => until)))
  return all.map(({ notice }) => notice)
}

/** Keeps the latest time of each. */
export function noteUsesIn(tx: Transaction, uses: readonly PrivilegeUse[], now: number): void {
  let added = 0
  for (const { privilege, at } of uses) {
    const key = USES_PREFIX + digestOf('use', privilege)
    const known = tx.get(key) as PrivilegeUse | undefined
    if (at <= now - USE_KEPT_MS || (known !== undefined && known.at >= at)) continue
    if (known === undefined) added += 1
    tx.put(key, { privilege, at }, at + USE_KEPT_MS)
  }
  if (added === 0) return
  const sum = added + ((tx.get(USES_ADDED_KEY) as number | undefined) ?? 0)
  if (sum >= CUT_EVERY) usesIn(tx)
  tx.put(USES_ADDED_KEY, sum % CUT_EVERY, FOREVER)
}

/** The latest uses; of more than are kept, the oldest are dropped. */
export function usesIn(tx: Transaction): readonly PrivilegeUse[] {
  const all = [...tx.entries(USES_PREFIX)].map(([, value]) => value as PrivilegeUse)
  if (all.length <= USES_MAX) return all
  all.sort((a, b) => b.at - a.at)
  for (const { privilege } of all.slice(USES_MAX)) {
    tx.remove(USES_PREFIX + digestOf('use', privilege))
  }
  return all.slice(0, USES_MAX)
}

/** Cursors by name. */
export type Cursors = readonly (readonly [name: string, seq: number])[]

/** All of them. */
export function cursorsIn(reader: Reader): Cursors {
  return (reader.get(CURSORS_KEY) as Cursors | undefined) ?? []
}

/** Keeps `cursors` in the place of those that were there. */
export function keepCursors(tx: Transaction, cursors: Cursors): void {
  tx.put(CURSORS_KEY, cursors, FOREVER)
}

/** Takes a cursor forward; answers where it is. @throws ERR_STORE_UNAVAILABLE */
export function cursorIn(tx: Transaction, name: string, to: number): number {
  const cursors = cursorsIn(tx)
  const others = cursors.filter(([known]) => known !== name)
  if (others.length >= CURSORS_MAX) throw unavailable('it has too many cursors')
  const before = others.length === cursors.length ? 0 : seqOf(cursors, name)
  if (to <= before) return before
  keepCursors(tx, [...others, [name, to]])
  return to
}

/** Where a cursor is; 0 when it never went anywhere. */
export function seqOf(cursors: Cursors, name: string): number {
  return cursors.find(([known]) => known === name)?.[1] ?? 0
}
