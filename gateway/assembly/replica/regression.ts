/** What is kept in force while the journal is not the one that was known. */
import type { AccessEventType } from '../../access/events.ts'
import type { Lock } from '../../access/lock.ts'
import type { AccessState } from '../../access/state.ts'
import type { Seen } from './position.ts'

/** A journal that is not the one that was known. */
export interface Regression {
  readonly known: Seen
  readonly found: { readonly epoch: string; readonly seq: number }
}

/**
 * What may be added to a journal that has lost entries: what takes privilege away, and what gives
 * none. Whatever gives some would be decided on a past that people have acted on already.
 */
const RESTRICTING: ReadonlySet<AccessEventType> = new Set([
  'lock.set',
  'request.denied',
  'request.cancelled',
  'grant.revoked',
  'signal.received',
  'person.seen',
  'drill.begun',
  'drill.reported',
  // Before it is sent, so that it cannot be lost; it ends where nothing was made of a training.
  'registration.begun',
  'registration.ended',
  // The registry has made it: until it is released, the entry takes its use away.
  'version.registered',
  'incident.raised',
  'decision.refused',
  'decision.exported',
] satisfies AccessEventType[])

/** Whether an event of this type takes no lock and gives no privilege. */
export function isRestricting(type: AccessEventType): boolean {
  return RESTRICTING.has(type)
}

/** Locks of `state` that nobody has lifted and that are not over at `now`. */
export function locksInForce({ locks }: AccessState, now: number): readonly Lock[] {
  return [...locks.values()].filter(
    ({ lifted, expiresAt }) => lifted === undefined && (expiresAt ?? Infinity) > now,
  )
}

/** `state` with `locks` that are not in it: as requests see it. */
export function withLocks(state: AccessState, locks: readonly Lock[]): AccessState {
  const missing = locks.filter(({ id }) => !state.locks.has(id))
  if (missing.length === 0) return state
  return {
    ...state,
    locks: new Map([...state.locks, ...missing.map((one) => [one.id, one] as const)]),
  }
}
