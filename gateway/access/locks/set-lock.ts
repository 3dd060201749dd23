/** Setting a lock. */
import type { Action } from '../../domain/vocabulary.ts'
import { decline, type Command, type Declined, type Ruled } from '../command.ts'
import { isId } from '../ids.ts'
import type { Lock, LockCause, LockTarget } from '../lock.ts'
import type { AccessState } from '../state.ts'
import { isInForce } from './in-force.ts'
import { canonicalActions, canonicalTarget, isSameTarget } from './target.ts'

/** Locks in force at once. */
export const LOCKS_MAX = 10_000

/**
 * Locks in force on one and the same target, which a request may have to look through. As many again
 * of some actions only: these keep nobody from locking all of them.
 */
export const LOCKS_ON_ONE_MAX = 64

/** A lock for longer is one without an end, which somebody has to lift. */
export const LOCK_TTL_MAX_MS = 400 * 86_400_000

/** How far clocks of issuers may go ahead of the store's. */
const AHEAD_MAX_MS = 300_000

const REASON_CHARS_MAX = 2_000

/** What is to be locked, by whom and why. */
export interface LockAsk {
  /** Made by `newId('lock', …)` before, so that it stays the same when the command is run again. */
  readonly id: string
  readonly target: LockTarget
  /** Every action when absent. */
  readonly actions?: readonly Action[]
  /** 1 to 2,000 characters. */
  readonly reason: string
  readonly cause: LockCause
  /** `user:…`, or `issuer:<name>` of a signal. */
  readonly by: string
  /** Person key, where somebody sets it. */
  readonly person?: string
  /** 1 s to 400 d; until it is lifted when absent. */
  readonly ttlMs?: number
}

/**
 * Sets a lock; from the moment on in which the journal has it. Declines with `invalid`, and with
 * `too_many` past {@link LOCKS_MAX} in force, or {@link LOCKS_ON_ONE_MAX} on the same target.
 */
export function setLock(ask: LockAsk): Command<Lock> {
  return (state, now): Ruled<Lock> => {
    const target = canonicalTarget(ask.target)
    if ('problem' in target) return decline('invalid', sentence(target.problem))
    const actions = ask.actions === undefined ? undefined : canonicalActions(ask.actions)
    const problem = problemOf(ask, now) ?? crowded(state, { ...ask, target }, now)
    if (problem !== undefined) return problem
    if (ask.actions !== undefined && actions === undefined) {
      return decline('invalid', 'Name at least one action, and only actions there are.')
    }
    const lock: Lock = {
      id: ask.id,
      target,
      ...(actions === undefined ? {} : { actions }),
      reason: ask.reason,
      cause: ask.cause,
      by: ask.by,
      ...(ask.person === undefined ? {} : { person: ask.person }),
      at: now,
      ...(ask.ttlMs === undefined ? {} : { expiresAt: now + ask.ttlMs }),
    }
    return { events: [{ type: 'lock.set', lock }], result: lock }
  }
}

function problemOf({ id, reason, ttlMs, target }: LockAsk, now: number): Declined | undefined {
  if (!isId('lock', id)) return decline('invalid', 'The id of the lock is not well formed.')
  const text = reasonProblem(reason)
  if (text !== undefined) return decline('invalid', text)
  if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs >= 1_000)) {
    return decline('invalid', 'A lock lives for a second at least.')
  }
  if (ttlMs !== undefined && ttlMs > LOCK_TTL_MAX_MS) {
    return decline('invalid', 'A lock lives for at most 400 days; leave the time out for longer.')
  }
  if (target.kind === 'issued-before' && target.before > now + AHEAD_MAX_MS) {
    return decline('invalid', 'That is in the future: lock the user to keep out later tokens too.')
  }
  return undefined
}

/** What is wrong with a reason that somebody gives, or `undefined`. */
export function reasonProblem(reason: string): string | undefined {
  if (reason.trim() === '') return 'Say why: the reason is for those who come after you.'
  if (reason.length > REASON_CHARS_MAX) {
    return `A reason has at most ${REASON_CHARS_MAX} characters.`
  }
  return undefined
}

function crowded(
  state: AccessState,
  { target, actions }: Pick<LockAsk, 'target' | 'actions'>,
  now: number,
): Declined | undefined {
  let all = 0
  let same = 0
  for (const lock of state.locks.values()) {
    // Those of signals have a bound of their own: a flood of logouts must not disarm the switch.
    if (!isInForce(lock, now) || lock.cause.kind === 'signal') continue
    all += 1
    const isLike = (lock.actions === undefined) === (actions === undefined)
    if (isLike && isSameTarget(lock.target, target)) same += 1
  }
  if (all >= LOCKS_MAX) {
    return decline('too_many', `There are ${all} locks in force; lift those that are done with.`)
  }
  if (same >= LOCKS_ON_ONE_MAX) {
    return decline('too_many', `There are ${same} locks on the same already; lift some of them.`)
  }
  return undefined
}

function sentence(problem: string): string {
  return `${problem.charAt(0).toUpperCase()}${problem.slice(1)}.`
}
