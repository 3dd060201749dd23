/**
 * The journal over keys and values: of one process, or of all processes of one machine. An append is
 * one transaction, on disk before it is answered; reads take no turns with writers. Hints reach the
 * process that appended, and other processes find what is new when they look.
 */
import type { JournalStore } from '../../domain/journal.ts'
import {
  checkCursor,
  checkEntries,
  checkPage,
  checkReplica,
  checkSnapshot,
  checkUses,
} from '../asks.ts'
import type { KeyValues } from '../key-values.ts'
import { createHints } from './hints.ts'
import {
  appendTo,
  headOf,
  keepSnapshotIn,
  markIn,
  markOf,
  pageOf,
  snapshotIn,
  type JournalMark,
} from './journal-state.ts'
import { announceIn, cursorIn, cursorsIn, noteUsesIn, seqOf, usesIn } from './kept-lists.ts'

/** The journal in `values`; `now` is the store's time. */
export function createLocalJournal(values: KeyValues, now: () => number): JournalStore {
  return { ...entries(values, now), ...lists(values, now) }
}

type Part<K extends keyof JournalStore> = Pick<JournalStore, K>

function entries(
  values: KeyValues,
  now: () => number,
): Part<'head' | 'append' | 'entriesAfter' | 'snapshot' | 'keepSnapshot' | 'onHint'> {
  const hints = createHints()
  const begun = (): Promise<JournalMark> => values.transact(true, markIn)
  return {
    async head() {
      const mark = await values.read(markOf)
      return headOf(mark ?? (await begun()), now())
    },
    async append(texts, after) {
      checkEntries(texts)
      const appended = await values.transact(true, (tx) => appendTo(tx, texts, after, now()))
      if (appended.appended) hints.tell()
      return appended
    },
    async entriesAfter(seq, max) {
      checkPage(seq, max)
      const page = await values.read((reader) => {
        const mark = markOf(reader)
        return mark === undefined ? undefined : pageOf(reader, mark, { seq, max, now: now() })
      })
      return page ?? { ...headOf(await begun(), now()), entries: [], trimmedTo: 0 }
    },
    snapshot: () =>
      values.read((reader) => {
        const mark = markOf(reader)
        return mark === undefined ? undefined : snapshotIn(reader, mark)
      }),
    async keepSnapshot(snapshot, keep) {
      checkSnapshot(snapshot, keep)
      await values.transact(true, (tx) => keepSnapshotIn(tx, snapshot, keep))
    },
    onHint: (listener) => hints.add(listener),
  }
}

function lists(
  values: KeyValues,
  now: () => number,
): Part<'announce' | 'noteUses' | 'uses' | 'cursor'> {
  return {
    async announce(replica, ttlMs) {
      checkReplica(replica, ttlMs)
      return values.transact(false, (tx) => announceIn(tx, replica, ttlMs, now()))
    },
    async noteUses(uses) {
      checkUses(uses)
      if (uses.length > 0) await values.transact(false, (tx) => noteUsesIn(tx, uses, now()))
    },
    uses: () => values.transact(false, usesIn),
    async cursor(name, to) {
      checkCursor(name, to)
      if (to === undefined) return values.read((reader) => seqOf(cursorsIn(reader), name))
      return values.transact(true, (tx) => cursorIn(tx, name, to))
    },
  }
}
