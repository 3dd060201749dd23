/** Entries of the journal, read. */
import { GatewayError } from '../../domain/errors.ts'
import type { JournalEntry } from '../../domain/journal.ts'
import type { AccessEvent, AccessEventType, JournalledEvent } from '../events.ts'
import type { AccessState } from '../state.ts'

/** An entry, read. */
export interface ReadEntry extends JournalledEvent {
  readonly seq: number
  readonly at: number
}

/** One kind of event. */
export type EventOf<T extends AccessEventType> = Extract<AccessEvent, { readonly type: T }>

/** What each of these kinds of event does to the state; `at` is the store's time of the entry. */
export type Folds<T extends AccessEventType> = {
  readonly [K in T]: (state: AccessState, event: EventOf<K>, at: number) => AccessState
}

/** Form of the entries that this version writes and reads. */
const FORM = 1

/** Reads an entry. @throws ERR_INTERNAL when it is of no form that this version knows */
export function readEntry({ seq, at, text }: JournalEntry): ReadEntry {
  const read = JSON.parse(text) as JournalledEvent
  if (read.v === FORM) return { ...read, seq, at }
  throw unknownEntry(seq)
}

/** The text of an entry; what it follows comes last, where {@link previousIn} looks. */
export function entryText({ prev, ...entry }: JournalledEvent): string {
  return JSON.stringify({ ...entry, prev })
}

const PREVIOUS = /^,"prev":"([0-9a-f]{32})"\}$/

/** Characters of what {@link PREVIOUS} describes. */
const PREVIOUS_LENGTH = 43

/**
 * What the entry of this text says that it follows, without reading the rest. A quotation mark within
 * a string is written with a backslash, so that nothing else of an entry can end like this.
 */
export function previousIn(text: string): string | undefined {
  return PREVIOUS.exec(text.slice(-PREVIOUS_LENGTH))?.[1]
}

/** The failure of an entry that cannot be understood. */
export function unknownEntry(seq: number): GatewayError {
  return new GatewayError('ERR_INTERNAL', `entry ${seq} of the journal is of no kind known here`)
}
