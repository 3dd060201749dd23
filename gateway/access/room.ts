/** Whether the state has room for more: a snapshot must hold it, or the journal cannot be trimmed. */
import { JOURNAL_SNAPSHOT_MAX } from '../domain/journal.ts'
import { decline, type Declined } from './command.ts'
import type { AccessEvent, AccessEventType } from './events.ts'
import { sizeOfState } from './size.ts'
import type { AccessState } from './state.ts'

/** Characters of the state past which nothing is begun: three quarters of what a snapshot holds. */
export const STATE_CHARS_MAX = (JOURNAL_SNAPSHOT_MAX * 3) / 4

/**
 * The same for versions: registries make them whether there is room or not, and one that is not in the
 * journal is restricted by one process alone. So it is for what they come of: where there is no room
 * for a version, none is registered.
 */
export const VERSIONS_CHARS_MAX = (JOURNAL_SNAPSHOT_MAX * 15) / 16

/** Seconds after which it is worth asking again: what is over makes room by and by. */
const RETRY_S = 3_600

/**
 * What begins something that stays. What takes away, decides or ends always has room, and so has the
 * rest of a campaign that was begun: there is a quarter left for it.
 */
const BEGINNING: ReadonlySet<AccessEventType> = new Set([
  'request.created',
  'request.edited',
  'review.started',
  'training.begun',
  'drill.begun',
] satisfies AccessEventType[])

const OF_VERSIONS: ReadonlySet<AccessEventType> = new Set([
  'registration.begun',
  'version.registered',
] satisfies AccessEventType[])

/** Declined with `too_many` when `events` begin something and `after`, with them, is too large. */
export function withoutRoom(
  events: readonly AccessEvent[],
  after: AccessState,
): Declined | undefined {
  const max = mostFor(events)
  if (max === undefined || sizeOfState(after) <= max) return undefined
  return decline('too_many', 'More is kept than there is room for; try again later.', RETRY_S)
}

function mostFor(events: readonly AccessEvent[]): number | undefined {
  if (events.some(({ type }) => BEGINNING.has(type))) return STATE_CHARS_MAX
  return events.some(({ type }) => OF_VERSIONS.has(type)) ? VERSIONS_CHARS_MAX : undefined
}
