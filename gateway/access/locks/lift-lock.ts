/** Lifting a lock, by one person or by two. */
import { decline, type Command, type Ruled } from '../command.ts'
import type { Lock, LockTarget } from '../lock.ts'
import type { AccessState } from '../state.ts'
import { isInForce } from './in-force.ts'
import { reasonProblem } from './set-lock.ts'

/** How long one person's word waits for the other's. */
export const LIFT_ASK_MS = 86_400_000

/** Who wants a lock lifted and why. */
export interface LiftAsk {
  readonly id: string
  readonly by: string
  /** Person key; absent when the token does not say which person it is. */
  readonly person?: string
  /** Groups, roles, device, token (`<issuer name> <jti>`) and session of the caller. */
  readonly holds: readonly string[]
  readonly reason: string
  /** `locks.second_person_to_lift`. */
  readonly secondPerson: boolean
}

/**
 * Lifts a lock. Where a second person must agree, the first one's ask is kept for
 * {@link LIFT_ASK_MS}, and the ask of another person within that time lifts it: the result then has
 * `lifted`, before that `liftAsked`. Whoever set it may be one of the two; nobody is both.
 *
 * Declines: `not_found`, `already_done` (lifted, or its time is over), `person_unknown`,
 * `second_person` when the same person asks again, `invalid` for the reason, `not_eligible` for whom
 * the lock is on.
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
    if (isOwn(lock.target, ask, state)) {
      return decline('not_eligible', 'The lock is on you; somebody whom it is not on must lift it.')
    }
    return ask.secondPerson ? together(lock, ask, now) : lifted(lock, [ask.by], ask, now)
  }
}

/** Whether the caller is who the lock is on, by this account or another; whatever actions it is for. */
function isOwn(target: LockTarget, { by, person, holds }: LiftAsk, state: AccessState): boolean {
  const isMine = (account: string): boolean =>
    account === by || (person !== undefined && state.people.get(account)?.person === person)
  if (target.kind === 'user') return isMine(target.id)
  if (target.kind === 'issued-before') return isMine(target.subject)
  if (target.kind === 'person') return target.id === person
  if ('issuer' in target) return holds.includes(`${target.issuer} ${target.id}`)
  return 'id' in target && holds.includes(target.id)
}

function together(lock: Lock, ask: LiftAsk, now: number): Ruled<Lock> {
  const { id, by, person, reason } = ask
  if (person === undefined) {
    return decline(
      'person_unknown',
      'Two people lift a lock, and your token does not say who you are.',
    )
  }
  const first = lock.liftAsked
  if (first === undefined || first.at + LIFT_ASK_MS <= now) {
    const event = { type: 'lock.lift-asked', id, by, person, reason } as const
    return { events: [event], result: { ...lock, liftAsked: { by, person, at: now, reason } } }
  }
  if (first.person === person) {
    return decline('second_person', 'You have asked already; somebody else must ask as well.')
  }
  return lifted(lock, [first.by, by], ask, now)
}

function lifted(lock: Lock, by: readonly string[], { reason }: LiftAsk, at: number): Ruled<Lock> {
  const event = { type: 'lock.lifted', id: lock.id, by, reason } as const
  return { events: [event], result: { ...lock, lifted: { by, at, reason } } }
}
