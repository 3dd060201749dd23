/** A store whose asks are counted and timed. */
import type { Clock } from '../domain/clock.ts'
import type { JournalStore } from '../domain/journal.ts'
import type { SharedStore, StoreOperation } from '../domain/shared-state.ts'

/** Told after each ask. Must not throw. */
export type OnAsk = (operation: StoreOperation, durationMs: number, isAnswered: boolean) => void

/** `store`, with `onAsk` called for each ask. */
export function observedStore(
  store: SharedStore,
  { clock, onAsk }: { readonly clock: Clock; readonly onAsk: OnAsk },
): SharedStore {
  const timed: Timed = async (operation, ask) => {
    const started = clock.monotonicMs()
    try {
      const answer = await ask
      onAsk(operation, clock.monotonicMs() - started, true)
      return answer
    } catch (error) {
      onAsk(operation, clock.monotonicMs() - started, false)
      throw error
    }
  }
  return {
    kind: store.kind,
    get healthy() {
      return store.healthy
    },
    lease: (asks) => timed('lease', store.lease(asks)),
    giveBack: (parts) => timed('give-back', store.giveBack(parts)),
    hold: (ask) => timed('hold', store.hold(ask)),
    claim: (ask) => timed('claim', store.claim(ask)),
    progress: (part) => timed('progress', store.progress(part)),
    release: (part) => timed('release', store.release(part)),
    lock: (...parts) => timed('lock', store.lock(...parts)),
    lockouts: () => timed('lockouts', store.lockouts()),
    unlock: (subject) => timed('unlock', store.unlock(subject)),
    journal: observedJournal(store.journal, timed),
    close: () => store.close(),
  }
}

type Timed = <T>(operation: StoreOperation, ask: Promise<T>) => Promise<T>

function observedJournal(journal: JournalStore, timed: Timed): JournalStore {
  return {
    head: () => timed('journal-head', journal.head()),
    append: (...parts) => timed('journal-append', journal.append(...parts)),
    entriesAfter: (...parts) => timed('journal-read', journal.entriesAfter(...parts)),
    snapshot: () => timed('journal-snapshot', journal.snapshot()),
    keepSnapshot: (...parts) => timed('journal-keep-snapshot', journal.keepSnapshot(...parts)),
    onHint: (listener) => journal.onHint(listener),
    announce: (...parts) => timed('journal-announce', journal.announce(...parts)),
    noteUses: (uses) => timed('journal-note-uses', journal.noteUses(uses)),
    uses: () => timed('journal-uses', journal.uses()),
    cursor: (...parts) => timed('journal-cursor', journal.cursor(...parts)),
  }
}
