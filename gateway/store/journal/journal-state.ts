/** The journal over keys and values: what is where, and the steps that one transaction does. */
import { randomBytes } from 'node:crypto'
import {
  JOURNAL_PAGE_CHARS,
  type Appended,
  type JournalEntry,
  type JournalHead,
  type JournalPage,
  type JournalSnapshot,
} from '../../domain/journal.ts'
import { KEPT_PREFIX, type Reader, type Transaction } from '../key-values.ts'
import { unavailable } from '../unavailable.ts'

const HEAD_KEY = `${KEPT_PREFIX} head`
const SNAPSHOT_KEY = `${KEPT_PREFIX} snapshot`
const FOREVER = Number.MAX_SAFE_INTEGER

/** Entries that one snapshot may drop: the rest go with the next one. */
export const DROPPED_MAX = 10_000

/** Where the journal stands, as it is kept. */
export interface JournalMark {
  readonly epoch: string
  readonly seq: number
  /** Of the last entry. */
  readonly at: number
  readonly trimmedTo: number
  /** It is being put in place from a file: what is there is not all of it yet. */
  readonly filling?: true
}

/** The mark, if there is a journal. @throws ERR_STORE_UNAVAILABLE while one is put in place */
export function markOf(reader: Reader): JournalMark | undefined {
  const mark = reader.get(HEAD_KEY) as JournalMark | undefined
  if (mark?.filling === true) throw unavailable('its journal was not put in place wholly')
  return mark
}

/** The mark; a new journal is begun when there is none. */
export function markIn(tx: Transaction): JournalMark {
  return markOf(tx) ?? begun(tx)
}

/** The same, of a journal that was not put in place wholly too. */
export function markEvenHalf(tx: Transaction): JournalMark {
  return (tx.get(HEAD_KEY) as JournalMark | undefined) ?? begun(tx)
}

function begun(tx: Transaction): JournalMark {
  const mark = { epoch: randomBytes(16).toString('hex'), seq: 0, at: 0, trimmedTo: 0 }
  keepMark(tx, mark)
  return mark
}

/** Keeps `mark` in the place of what was there. */
export function keepMark(tx: Transaction, mark: JournalMark): void {
  tx.put(HEAD_KEY, mark, FOREVER)
}

/** Where the journal stands, for those who ask. */
export function headOf({ epoch, seq, at }: JournalMark, now: number): JournalHead {
  return { epoch, seq, now: Math.max(now, at) }
}

/** Adds `texts` behind the entry that `after` names, or nothing. */
export function appendTo(
  tx: Transaction,
  texts: readonly string[],
  after: Omit<JournalHead, 'now'>,
  now: number,
): Appended {
  const mark = markIn(tx)
  const head = headOf(mark, now)
  if (mark.epoch !== after.epoch || mark.seq !== after.seq) return { appended: false, head }
  const at = head.now
  texts.forEach((text, i) => keepEntry(tx, { seq: mark.seq + 1 + i, at, text }))
  const seq = mark.seq + texts.length
  keepMark(tx, { ...mark, seq, at })
  return { appended: true, seq, at }
}

/** Keeps one entry. */
export function keepEntry(tx: Transaction, { seq, at, text }: JournalEntry): void {
  tx.put(entryKey(seq), { at, text }, FOREVER)
}

/** Entries behind `seq`. @throws ERR_STORE_UNAVAILABLE when one of them is missing */
export function pageOf(
  reader: Reader,
  mark: JournalMark,
  at: { readonly seq: number; readonly max: number; readonly now: number },
): JournalPage {
  const entries: JournalEntry[] = []
  let chars = 0
  const first = Math.max(at.seq, mark.trimmedTo) + 1
  const last = Math.min(mark.seq, first + at.max - 1)
  for (let seq = first; seq <= last && chars < JOURNAL_PAGE_CHARS; seq++) {
    const kept = reader.get(entryKey(seq)) as Omit<JournalEntry, 'seq'> | undefined
    if (kept === undefined) throw unavailable('an entry of its journal is missing')
    entries.push({ seq, ...kept })
    chars += kept.text.length
  }
  return { ...headOf(mark, at.now), entries, trimmedTo: mark.trimmedTo }
}

/** The snapshot that is kept. @throws ERR_STORE_UNAVAILABLE when there must be one and is none */
export function snapshotIn(reader: Reader, mark: JournalMark): JournalSnapshot | undefined {
  const snapshot = reader.get(SNAPSHOT_KEY) as JournalSnapshot | undefined
  if (snapshot !== undefined || mark.trimmedTo === 0) return snapshot
  throw unavailable('the snapshot of its journal is missing')
}

/** Keeps a newer snapshot, and drops entries that it stands for. */
export function keepSnapshotIn(tx: Transaction, snapshot: JournalSnapshot, keep: number): void {
  const mark = markIn(tx)
  const known = snapshotIn(tx, mark)
  const isNews = snapshot.seq > (known?.seq ?? 0) && snapshot.seq <= mark.seq
  if (mark.epoch !== snapshot.epoch || !isNews) return
  keepSnapshotText(tx, snapshot)
  const trimmedTo = dropEntries(tx, mark, snapshot.seq - keep)
  if (trimmedTo > mark.trimmedTo) keepMark(tx, { ...mark, trimmedTo })
}

/** Keeps `snapshot` in the place of what was there. */
export function keepSnapshotText(tx: Transaction, snapshot: JournalSnapshot): void {
  tx.put(SNAPSHOT_KEY, snapshot, FOREVER)
}

/** Drops the snapshot. */
export function removeSnapshot(tx: Transaction): void {
  tx.remove(SNAPSHOT_KEY)
}

/** Drops entries up to `to`, or as many as one transaction may; answers up to which one. */
export function dropEntries(tx: Transaction, mark: JournalMark, to: number): number {
  const last = Math.max(mark.trimmedTo, Math.min(to, mark.trimmedTo + DROPPED_MAX))
  for (let seq = mark.trimmedTo + 1; seq <= last; seq++) tx.remove(entryKey(seq))
  return last
}

function entryKey(seq: number): string {
  // As many digits as the largest number has, so that keys sort as numbers do.
  return `${KEPT_PREFIX}${String(seq).padStart(16, '0')}`
}
