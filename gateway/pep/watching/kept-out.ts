/** What becomes of requests and streams of subjects that are kept out. */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Lockout } from '../../domain/shared-state.ts'
import { isPrivileged } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/** When it is not known who is kept out, it will be soon, or somebody is on the way. */
const RETRY_S = 5

/**
 * Why the caller may do nothing now, from memory. Where the list of lockouts is too old to be relied
 * on, privileged actions wait; to infer and to read goes on with what is known.
 */
export function keptOut(exchange: Exchange, services: Services): Refusal | undefined {
  const { lockouts } = services
  const lockout = lockouts.find(established(exchange.subject, 'subject').id)
  if (lockout !== undefined) return lockedOut(lockout)
  if (lockouts.fresh) return undefined
  const { operations } = established(exchange.classification, 'classification')
  if (!operations.some(({ action }) => isPrivileged(action))) return undefined
  return refuse('state_unavailable', {
    detail: 'It is not known who is kept out after incidents.',
    retryAfter: RETRY_S,
  })
}

/** Until when, because of what, and what to do about it. */
export function lockedOut({ until, decisionId }: Lockout): Refusal {
  return refuse('locked_out', {
    detail:
      `You are kept out until ${new Date(until).toISOString()} because of decision ${decisionId}. ` +
      'Name that decision to the operator, who can let you in again.',
    lockedBy: decisionId,
  })
}

/**
 * Ends an exchange of a subject that is kept out, unless it is the one that was the cause, which is
 * ended by whoever found it, or is not being forwarded yet.
 * @returns whether it was ended
 */
export function endLockedOut(exchange: Exchange, services: Services, lockout: Lockout): boolean {
  const { cut } = exchange
  if (cut === undefined || exchange.id === lockout.decisionId) return false
  services.metrics.streamCut('locked_out')
  exchange.lockedBy = lockout.decisionId
  cut(lockedOut(lockout))
  return true
}
