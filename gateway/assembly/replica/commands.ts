/** Commands on the journal: decided on its newest state, and added to it once. */
import { isDeclined, type Command, type Declined } from '../../access/command.ts'
import { entryText, readEntry, type ReadEntry } from '../../access/fold/entry.ts'
import { fold } from '../../access/fold/fold.ts'
import type { AccessEvent, IdempotentCall } from '../../access/events.ts'
import { withoutRoom } from '../../access/room.ts'
import type { AccessState } from '../../access/state.ts'
import { GatewayError } from '../../domain/errors.ts'
import { JOURNAL_BATCH_MAX, JOURNAL_ENTRY_MAX, type JournalEntry } from '../../domain/journal.ts'
import { digestOf, type Position } from './position.ts'

/** Texts that were put to the store behind an entry. */
export interface Attempt<T> {
  readonly epoch: string
  readonly after: number
  readonly texts: readonly string[]
  readonly result: T
}

/** Decides on the state of a position. @throws ERR_INTERNAL for events that could not be folded by anybody */
export function decideOn<T>(
  command: Command<T>,
  { state, last }: Position,
  now: number,
): (Attempt<T> & { readonly events: readonly AccessEvent[] }) | Declined {
  const ruled = command(state, now)
  if (isDeclined(ruled)) return ruled
  const { events, result, call } = ruled
  const texts = textsOf(events, call, last?.digest)
  const attempt = { epoch: state.epoch, after: state.seq, texts, result, events }
  const isTooMuch = texts.length > JOURNAL_BATCH_MAX || texts.some(isTooLong)
  if (isTooMuch)
    throw new GatewayError('ERR_INTERNAL', 'more than one entry of the journal can hold')
  // What cannot be read back would end the state of every replica.
  const next = fold(state, readBack(attempt, now))
  return withoutRoom(events, next) ?? attempt
}

/** The entries of an attempt that the store took. */
export function entriesOf(
  { after, texts }: Pick<Attempt<unknown>, 'after' | 'texts'>,
  at: number,
): readonly JournalEntry[] {
  return texts.map((text, index) => ({ seq: after + 1 + index, at, text }))
}

/** As {@link entriesOf}, read. */
export function readBack(
  attempt: Pick<Attempt<unknown>, 'after' | 'texts'>,
  at: number,
): readonly ReadEntry[] {
  return entriesOf(attempt, at).map(readEntry)
}

/** What became of an attempt whose answer did not come. */
export type Landing = 'done' | 'not-done' | 'unknown'

/** Looks for an attempt among what was read since; `isAt` knows how entries read. */
export function landingOf(
  { epoch, after, texts }: Attempt<unknown>,
  state: AccessState,
  isAt: (seq: number, text: string) => boolean | undefined,
): Landing {
  if (state.epoch !== epoch || state.seq <= after) return 'unknown'
  const there = texts.map((text, index) => isAt(after + 1 + index, text))
  if (there.every((one) => one === true)) return 'done'
  return there.some((one) => one === false) ? 'not-done' : 'unknown'
}

/** Texts that say what they follow: the first the last entry that is known, the others each other. */
function textsOf(
  events: readonly AccessEvent[],
  call: IdempotentCall | undefined,
  digest: string | undefined,
): readonly string[] {
  let prev = digest
  return events.map((event, at) => {
    const called = at === 0 && call !== undefined ? { call } : {}
    const text = entryText({ v: 1, event, ...called, ...(prev === undefined ? {} : { prev }) })
    prev = digestOf(text)
    return text
  })
}

function isTooLong(text: string): boolean {
  return text.length > JOURNAL_ENTRY_MAX
}
