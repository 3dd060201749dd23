/** What is kept for good over keys and values, taken out and put in. */
import type { JournalEntry } from '../../domain/journal.ts'
import { KEPT_AFTER_END_MS, type GrantUse } from '../claims.ts'
import { saysMore, type KeptGrantUse, type StoreContents } from '../contents.ts'
import type { KeyValues, Transaction } from '../key-values.ts'
import {
  dropEntries,
  keepEntry,
  keepMark,
  keepSnapshotText,
  markEvenHalf,
  removeSnapshot,
} from './journal-state.ts'
import { cursorsIn, keepCursors } from './kept-lists.ts'

const GRANTS = 'g'

/** The contents of `values`. */
export function createLocalContents(values: KeyValues): StoreContents {
  return {
    async *grantUses() {
      yield* await values.transact(false, grantUsesIn)
    },
    keepGrantUse: (kept) => values.transact(true, (tx) => keepGrantUse(tx, kept)),
    cursors: () => values.read(cursorsIn),
    async beginJournal() {
      // One transaction drops as many entries as it may; the mark says that there is more to do.
      while (!(await values.transact(true, dropJournal))) continue
    },
    putEntries: (entries) => values.transact(true, (tx) => putEntries(tx, entries)),
    finishJournal: ({ snapshot, cursors, ...mark }) =>
      values.transact(true, (tx) => {
        keepMark(tx, mark)
        keepCursors(tx, cursors)
        if (snapshot !== undefined) keepSnapshotText(tx, snapshot)
      }),
  }
}

function grantUsesIn(tx: Transaction): readonly KeptGrantUse[] {
  return [...tx.entries(GRANTS)].map(([key, value]) => {
    return { grant: key.slice(GRANTS.length), use: value as GrantUse }
  })
}

function keepGrantUse(tx: Transaction, { grant, use }: KeptGrantUse): void {
  const key = GRANTS + grant
  if (saysMore(tx.get(key) as GrantUse | undefined, use)) return
  tx.put(key, use, use.expiresAt + KEPT_AFTER_END_MS)
}

/** Whether everything is gone. */
function dropJournal(tx: Transaction): boolean {
  const mark = markEvenHalf(tx)
  removeSnapshot(tx)
  keepCursors(tx, [])
  const trimmedTo = dropEntries(tx, mark, mark.seq)
  keepMark(tx, { ...mark, trimmedTo, filling: true })
  return trimmedTo === mark.seq
}

function putEntries(tx: Transaction, entries: readonly JournalEntry[]): void {
  const mark = markEvenHalf(tx)
  const [first, last] = [entries[0], entries.at(-1)]
  if (first === undefined || last === undefined) return
  // Before the first of them nothing is there, whatever was there before.
  const isFirst = mark.trimmedTo === mark.seq
  const trimmedTo = isFirst ? first.seq - 1 : mark.trimmedTo
  for (const entry of entries) keepEntry(tx, entry)
  keepMark(tx, { ...mark, seq: last.seq, at: last.at, trimmedTo, filling: true })
}
