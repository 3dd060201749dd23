/** What locks of the journal, and not knowing of them, do to requests and to what is under way. */
import type { Lock } from '../../access/lock.ts'
import type { LockFacts } from '../../access/view.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { isPrivileged, type Operation } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/** What is known anew soon, or somebody is on the way. */
const RETRY_S = 5

/** The parts of an exchange that locks look at. */
export type Lockable = Pick<
  Exchange,
  'subject' | 'environment' | 'admitted' | 'classification' | 'decisions' | 'latest'
>

/**
 * Everything a lock can be on, once the environment was gathered. What the subject holds is by the
 * rules in force now.
 */
export function lockFactsOf(
  exchange: Lockable,
  operations: readonly Operation[] = operationsOf(exchange),
): LockFacts {
  const subject = established(exchange.subject, 'subject')
  const { client, devices } = established(exchange.environment, 'environment')
  const upstream = exchange.admitted?.route?.entry.name
  return {
    subject,
    holdings: exchange.latest().policy.holdingsOf(subject),
    client: client.ip,
    ...(devices === undefined ? {} : { devices }),
    operations,
    ...(upstream === undefined ? {} : { upstream }),
  }
}

/** All that was decided on, messages that came later included. */
function operationsOf({ classification, decisions }: Lockable): readonly Operation[] {
  return decisions ?? classification?.operations ?? []
}

/** Why a lock refuses this now, from memory. */
export function lockedNow(
  exchange: Lockable,
  { access }: Pick<Services, 'access'>,
  operations?: readonly Operation[],
): Refusal | undefined {
  const lock = access.lockOn(lockFactsOf(exchange, operations))
  return lock === undefined ? undefined : lockedBy(lock)
}

/**
 * Since when, and how to ask. Never the reason, which is for those who set it, nor what it is on:
 * the caller would learn who or what else is locked.
 */
export function lockedBy({ id, at }: Lock): Refusal {
  return refuse('locked', {
    detail: `Access is locked since ${new Date(at).toISOString()}. Name ${id} to the operator.`,
    lockedBy: id,
  })
}

/**
 * Why this cannot go on while it is not known what is locked, granted and revoked: always for what
 * is privileged, for the rest where `store.when_stale` says so. What goes on has it on its record.
 */
export function tooStale(
  exchange: Exchange,
  { access }: Pick<Services, 'access'>,
  operations: readonly Operation[] = operationsOf(exchange),
): Refusal | undefined {
  if (access.fresh) return undefined
  exchange.staleMs = access.stalenessMs
  const isRefused =
    // Before the first reading no lock is known to go by.
    !Number.isFinite(access.stalenessMs) ||
    exchange.runtime.whenStale === 'refuse' ||
    operations.some(({ action }) => isPrivileged(action))
  if (!isRefused) return undefined
  return refuse('state_unavailable', {
    detail: 'It is not known what is locked and granted.',
    retryAfter: RETRY_S,
  })
}

/**
 * Ends an exchange that is being forwarded with {@link lockedBy}.
 * @returns whether it was ended; not when it is not being forwarded yet: it is asked again then
 */
export function endLocked(
  exchange: Pick<Exchange, 'cut' | 'lockedBy'>,
  { metrics }: Pick<Services, 'metrics'>,
  lock: Lock,
): boolean {
  const { cut } = exchange
  if (cut === undefined || exchange.lockedBy !== undefined) return false
  metrics.streamCut('locked')
  exchange.lockedBy = lock.id
  cut(lockedBy(lock))
  return true
}

/** Ends it if a lock of now is on it; not being able to find out is a reason as well (I6). */
export function endIfLocked(exchange: Exchange, services: Services): boolean {
  if (exchange.cut === undefined || exchange.environment === undefined) return false
  try {
    const lock = services.access.lockOn(lockFactsOf(exchange))
    return lock !== undefined && endLocked(exchange, services, lock)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'looking for locks failed')
    exchange.cut(refuse('indeterminate'))
    return true
  }
}
