/** What a replica of the journal tells those who look after it. */
import type { JournalHead } from '../../domain/journal.ts'
import type { Seen } from './position.ts'

/** Something that somebody may want to know. */
export type ReplicaEvent =
  /** The state is up to date. */
  | { readonly type: 'read'; readonly seq: number }
  /** The store did not answer. */
  | { readonly type: 'unavailable'; readonly error: unknown }
  /** An entry cannot be understood: the state stays as it is until a restart. Told once. */
  | { readonly type: 'damaged'; readonly seq: number; readonly error: unknown }
  /** The journal is not the one that was known. Told once for each that is found. */
  | { readonly type: 'regressed'; readonly known: Seen; readonly found: Omit<JournalHead, 'now'> }
  /** It is the one that was known again, or an operator has accepted the loss. */
  | { readonly type: 'settled'; readonly how: 'returned' | 'accepted' }
  /** Locks that the journal had lost were written into it again. */
  | { readonly type: 'locks-restored'; readonly ids: readonly string[] }
  /** Snapshots, announcements, files and uses: what can be done later as well. */
  | { readonly type: 'upkeep-failed'; readonly what: string; readonly error: unknown }
  | { readonly type: 'snapshot-kept'; readonly seq: number }
  | { readonly type: 'replicas'; readonly count: number }
