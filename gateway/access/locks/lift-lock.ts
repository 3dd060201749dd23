/** Lifting a lock, by one person or by two. */
import { decline, type Command, type Declined, type Ruled } from '../command.ts'
import { isLockedOut } from '../elevation/lockouts.ts'
import type { Lock } from '../lock.ts'
import type { AccessState } from '../state.ts'
import { isInForce } from './in-force.ts'
import { isOnCaller, type LockCaller } from './lock-on-caller.ts'
import { reasonProblem } from './set-lock.ts'

/** How long one person's word waits for the other's. */
export const LIFT_ASK_MS = 86_400_000

/** Who wants a lock lifted and why. */
export interface LiftAsk extends LockCaller {
  readonly id: string
  readonly reason: string
  /** `locks.second_person_to_lift`. */
  readonly secondPerson: boolean
}

/**
 * Lifts a lock. Where a second person must agree, the first one's ask is kept for
 * {@link LIFT_ASK_MS}, and the ask of another person within that time lifts it: the result then has
 * `lifted`, before that `liftAsked`. Whoever set it may be one of the two; nobody is both, and the
 * word of somebody who is locked out by now does not count.
 *
 * Declines: `not_found`, `already_done` (lifted, or its time is over), `person_unknown` where two
 * people must agree or the lock is on a person, `second_person` when the same person asks again,
 * `invalid` for the reason, `not_eligible` for whom the lock is on.
 */
export function liftLock(ask: LiftAsk): Command<Lock> {
  return (state, now): Ruled<Lock> => {
    const lock = state.locks.get(ask.id)
    if (lock === undefined) return decline('not_found', 'There is no lock of that id.')
    if (!isInForce(lock, now)) {
      const how = lock.lifted === undefined ? 'Its time is over' : 'It was lifted before'
      return decline('already_done', `${how}; nothing is locked by it.`)
    }
    const problem = reasonProblem(ask.reason)
    if (problem !== undefined) return decline('invalid', problem)
    const own = refusalOfOwn(lock, ask, state)
    if (own !== undefined) return own
    return ask.secondPerson ? together({ lock, state }, ask, now) : lifted(lock, [ask.by], ask, now)
  }
}

function refusalOfOwn({ target }: Lock, ask: LiftAsk, state: AccessState): Declined | undefined {
  const isOn = isOnCaller(target, ask, state)
  if (isOn === 'no') return undefined
  if (isOn === 'yes') {
    return decline('not_eligible', 'The lock is on you; somebody whom it is not on must lift it.')
  }
  const detail = 'The lock is on a person, and your token does not say that you are another one.'
  return decline('person_unknown', detail)
}

interface Found {
  readonly lock: Lock
  readonly state: AccessState
}

function together({ lock, state }: Found, ask: LiftAsk, now: number): Ruled<Lock> {
  const { id, by, person, reason } = ask
  if (person === undefined) {
    return decline(
      'person_unknown',
      'Two people lift a lock, and your token does not say who you are.',
    )
  }
  const first = standingAsk({ lock, state }, ask, now)
  if (first === undefined) {
    const event = { type: 'lock.lift-asked', id, by, person, reason } as const
    return { events: [event], result: { ...lock, liftAsked: { by, person, at: now, reason } } }
  }
  if (first.person === person || first.by === by) {
    return decline('second_person', 'You have asked already; somebody else must ask as well.')
  }
  return lifted(lock, [first.by, by], ask, now)
}

/** The first one's ask, while it is not too old and they are not locked out themselves by now. */
function standingAsk(
  { lock: { liftAsked }, state }: Found,
  { holdingsOf }: LiftAsk,
  now: number,
): Lock['liftAsked'] {
  if (liftAsked === undefined || liftAsked.at + LIFT_ASK_MS <= now) return undefined
  const { by: id, person } = liftAsked
  const first = { id, person, holds: state.people.get(id)?.holds ?? [] }
  const isOut = isLockedOut(state, now, { person: first, holds: holdingsOf(first) }, ['admin'])
  return isOut ? undefined : liftAsked
}

function lifted(lock: Lock, by: readonly string[], { reason }: LiftAsk, at: number): Ruled<Lock> {
  const event = { type: 'lock.lifted', id: lock.id, by, reason } as const
  return { events: [event], result: { ...lock, lifted: { by, at, reason } } }
}
