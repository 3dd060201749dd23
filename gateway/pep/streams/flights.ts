/** The exchanges being worked on, of all listeners together: what is counted, cut and waited for. */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Lockout } from '../../domain/shared-state.ts'
import { cutLocked, type FindLock } from './cut-locked.ts'
import { createAgainDecider, type DecidedAgain } from './decide-again.ts'
import type { Exchange } from '../exchange.ts'
import { handle } from '../handle.ts'
import { endLockedOut } from '../watching/kept-out.ts'
import type { Services } from '../runtime.ts'

/** See {@link createFlights}. */
export interface Flights {
  /** Whether new exchanges are refused. */
  readonly isDraining: boolean
  /** Walks the exchange through the pipeline. */
  begin(exchange: Exchange): void
  /** Refuses new exchanges from now on. */
  drain(): void
  /** Exchanges being worked on. */
  inFlight(): number
  /** Resolves when none is being worked on. */
  idle(): Promise<void>
  /** Ends what is being forwarded: answered, told and recorded as `refusal`. */
  cut(refusal: Refusal): void
  /** Ends what is being forwarded for a subject, but for the request that was the cause. */
  cutSubject(lockout: Lockout): void
  /**
   * Ends what is being forwarded under a new lock; answers how many were ended, by id of the lock.
   * See {@link cutLocked}.
   */
  cutLocked(find: FindLock): Promise<ReadonlyMap<string, number>>
  /** Decides again what is being forwarded; to be called when the policy has changed. */
  decideAgain(): Promise<DecidedAgain>
}

/** One for all listeners of a gateway, so that its bound on requests is one bound. */
export function createFlights(services: Services): Flights {
  const exchanges = new Set<Exchange>()
  const waiting: (() => void)[] = []
  const again = createAgainDecider(exchanges, services)
  let isDraining = false
  /** Why nothing new is begun now, if so. */
  const barrier = ({ runtime }: Exchange): Refusal | undefined => {
    if (isDraining) return refuse('draining', { retryAfter: 1 })
    const isFull = exchanges.size > runtime.limits.concurrentRequestsMax
    return isFull ? refuse('overloaded', { retryAfter: 1 }) : undefined
  }
  return {
    get isDraining() {
      return isDraining
    },
    begin(exchange) {
      services.metrics.requestStarted()
      exchanges.add(exchange)
      const done = (): void => {
        exchanges.delete(exchange)
        services.metrics.requestEnded()
        if (exchanges.size === 0) for (const resolve of waiting.splice(0)) resolve()
      }
      handle(exchange, services, barrier(exchange)).then(done, done)
    },
    drain() {
      isDraining = true
    },
    inFlight: () => exchanges.size,
    idle: () =>
      new Promise((resolve) => {
        if (exchanges.size === 0) resolve()
        else waiting.push(resolve)
      }),
    cut(refusal) {
      for (const exchange of [...exchanges]) exchange.cut?.(refusal)
    },
    cutSubject(lockout) {
      for (const exchange of [...exchanges]) {
        if (exchange.subject?.id === lockout.subject) endLockedOut(exchange, services, lockout)
      }
    },
    cutLocked: (find) => cutLocked([...exchanges], services, find),
    decideAgain: () => again.run(),
  }
}
