/** Where in a journal somebody is, and how it is known that it is still the same journal. */
import { createHash } from 'node:crypto'
import { emptyState, type AccessState } from '../../access/state.ts'
import type { JournalEntry } from '../../domain/journal.ts'

/**
 * Which entry is the last one. Its text names the text before it, and that one the text before, so
 * that two journals which agree in it agree in all that led to it; entries written before texts did
 * so are told apart by their own text and time alone.
 */
export interface EntryMark {
  /** When the store took it: the same text put to the store again was taken at another time. */
  readonly at: number
  /** {@link digestOf} its text. */
  readonly digest: string
}

/** A state, and the last entry in it. */
export interface Position {
  readonly state: AccessState
  /** Absent when nothing is in the state, or when its last entry is only in a snapshot. */
  readonly last?: EntryMark
  /**
   * The last entry that was read; absent when that is the last in the state. What comes behind it
   * was added by this process, and nobody has looked what the store has put before it.
   */
  readonly readTo?: number
}

/** What is remembered of a journal across a restart. */
export interface Seen {
  readonly epoch: string
  readonly seq: number
  /** Absent in what versions before this one remembered, too: it is then not known. */
  readonly last?: EntryMark
}

/** Before anything was read. */
export const NOWHERE: Position = Object.freeze({ state: emptyState('') })

/** 128 bits of the SHA-256 of the text of an entry, as 32 hexadecimal digits. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** The mark of one entry. */
export function markOf({ at, text }: Pick<JournalEntry, 'at' | 'text'>): EntryMark {
  return { at, digest: digestOf(text) }
}

/** Whether two marks are of one entry. */
export function isSameMark(one: EntryMark, other: EntryMark): boolean {
  return one.at === other.at && one.digest === other.digest
}

/** What to remember of `position`. */
export function seenOf({ state: { epoch, seq }, last }: Position): Seen {
  return { epoch, seq, ...(last === undefined ? {} : { last }) }
}

/** The last entry of which is known what the store has put before it. */
export function readToOf({ state, readTo }: Position): number {
  return readTo ?? state.seq
}
