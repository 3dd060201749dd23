/**
 * The journal: what happened to requests, grants, locks and reviews, in one order that every replica
 * sees alike (design §7). The store keeps it and does not read it: entries are texts.
 *
 * Whoever appends says which entry it saw last, and is turned away when there is a newer one. So an
 * entry is always decided on the state that it is added to, however many replicas decide at once.
 */

/** One entry. */
export interface JournalEntry {
  /** 1 for the first, then without gaps. */
  readonly seq: number
  /** When the store took it, by the store's clock; milliseconds since the epoch, never less than before. */
  readonly at: number
  readonly text: string
}

/** Where a journal stands. */
export interface JournalHead {
  /**
   * Chosen when the journal is begun, 32 hexadecimal digits. Another one means another journal: the
   * store was emptied or replaced, and what is known of the old one is no longer in it.
   */
  readonly epoch: string
  /** Of the last entry; 0 when there is none. */
  readonly seq: number
  /** The store's clock; never less than the time of the last entry. */
  readonly now: number
}

/** Part of a journal. */
export interface JournalPage extends JournalHead {
  /** In order. */
  readonly entries: readonly JournalEntry[]
  /** Entries up to this one are only in the snapshot; 0 when nothing was trimmed. */
  readonly trimmedTo: number
}

/** What an append led to. `epoch` or `seq` was not that of the journal: nothing was added. */
export type Appended =
  | { readonly appended: true; readonly seq: number; readonly at: number }
  | { readonly appended: false; readonly head: JournalHead }

/** What entries up to `seq` amount to. */
export interface JournalSnapshot {
  readonly epoch: string
  readonly seq: number
  readonly text: string
}

/** A replica that works with the journal. */
export interface ReplicaNotice {
  /** One process; chosen at its start; at most 128 characters. */
  readonly id: string
  /** The last entry that is in force there. */
  readonly seq: number
  /** When it said so, by the store's clock. */
  readonly at: number
  /** Host and process id, for people. */
  readonly name: string
}

/** A privilege that was made use of. */
export interface PrivilegeUse {
  /** Names the privilege and its holder; at most 2,048 characters. */
  readonly privilege: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Entries that one append may add. */
export const JOURNAL_BATCH_MAX = 64

/** Characters of one entry: a request with everything that belongs to it. */
export const JOURNAL_ENTRY_MAX = 65_536

/** Entries of one page. */
export const JOURNAL_PAGE_MAX = 1_000

/** Characters of a page, past which it ends; one entry is always in it. */
export const JOURNAL_PAGE_CHARS = 1_048_576

/** Characters of a snapshot. */
export const JOURNAL_SNAPSHOT_MAX = 67_108_864

/** Uses that one call may note; uses that are kept. */
export const USES_BATCH_MAX = 1_000
export const USES_MAX = 100_000

/** Replicas that are listed, and names that have a cursor; of more, the last to come are refused. */
export const REPLICAS_MAX = 4_096
export const CURSORS_MAX = 1_000

/**
 * Keeps a journal. Every method rejects with ERR_STORE_UNAVAILABLE when the store cannot answer
 * within its bounds; after an append that failed it is not known whether it was done.
 */
export interface JournalStore {
  head(): Promise<JournalHead>
  /**
   * Adds `texts`, all or none and nobody else's between them, if the journal is that of `after` and
   * its last entry is `after.seq`. Texts are well-formed UTF-16. What was added survives a crash of the process, and of the machine
   * as far as the store can promise it (`docs/operations.md`).
   */
  append(texts: readonly string[], after: Omit<JournalHead, 'now'>): Promise<Appended>
  /**
   * At most `max` (up to {@link JOURNAL_PAGE_MAX}) entries behind `seq`, and where the journal stands.
   * There are more when the last of them is not that of the page's `seq`: long ones end a page early.
   */
  entriesAfter(seq: number, max: number): Promise<JournalPage>
  /** The newest snapshot, if there is one. */
  snapshot(): Promise<JournalSnapshot | undefined>
  /**
   * Keeps `snapshot` instead of an older one, and drops the entries it stands for but for the last
   * `keep`. Does nothing when the epoch is another one or a newer snapshot is there.
   */
  keepSnapshot(snapshot: JournalSnapshot, keep: number): Promise<void>
  /**
   * Calls `listener` soon after somebody may have appended. Only a hint: it can come late, twice,
   * for nothing, or not at all (threats §2.L 370). The returned function ends it.
   */
  onHint(listener: () => void): () => void
  /** Says that `replica` is there for the next `ttlMs`; answers who is, itself included. */
  announce(replica: Omit<ReplicaNotice, 'at'>, ttlMs: number): Promise<readonly ReplicaNotice[]>
  /** Keeps the latest time of each; at most 1,000 at once. */
  noteUses(uses: readonly PrivilegeUse[]): Promise<void>
  /** Latest uses of the last 400 days, at most 100,000. */
  uses(): Promise<readonly PrivilegeUse[]>
  /** How far somebody has come, by name; 0 at first. With `to` it goes forward, and never back. */
  cursor(name: string, to?: number): Promise<number>
}
