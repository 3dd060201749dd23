/** The time of the store, as far as it is known here. */
import type { Clock } from '../../domain/clock.ts'

/** Milliseconds since the epoch, by one clock for all replicas. */
export interface StoreTime {
  /** Never goes back, whatever the clocks of this machine and of the store do (threats §2.H 275). */
  now(): number
  /** The store said `now` in its answer to an ask that was sent at `askedAtMs` (monotonic). */
  observe(now: number, askedAtMs: number): void
}

/**
 * Follows the store by the monotonic clock between two answers. The store looked at its clock after
 * it was asked, so that what is told here is never behind it: a grant ends early by the time an
 * answer takes, at most, and never late. Before the first answer the clock of the machine must do.
 */
export function createStoreTime(clock: Clock): StoreTime {
  let offset: number | undefined
  let latest = -Infinity
  return {
    now() {
      if (offset === undefined) return clock.now()
      latest = Math.max(latest, Math.floor(clock.monotonicMs() + offset))
      return latest
    },
    observe(now, askedAtMs) {
      offset = now - askedAtMs
    },
  }
}
