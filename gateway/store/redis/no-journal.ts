import type { JournalStore } from '../../domain/journal.ts'
import { unavailable } from '../unavailable.ts'

/** A journal that cannot be had: nobody takes it for an empty one. */
export function noJournal(): JournalStore {
  const refused = (): Promise<never> => Promise.reject(unavailable('it keeps no journal'))
  return {
    head: refused,
    append: refused,
    entriesAfter: refused,
    snapshot: refused,
    keepSnapshot: refused,
    onHint: () => () => undefined,
    announce: refused,
    noteUses: refused,
    uses: refused,
    cursor: refused,
  }
}
