import type { Clock } from '../domain/clock.ts'
import type { LockoutStore } from '../domain/shared-state.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { createLockouts, type Lockouts } from '../pep/watching/lockouts.ts'

/** Keeps the list of lockouts, counted and told of: once when it fails, once when it is back. */
export function openLockouts(parts: {
  readonly store: LockoutStore
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}): Lockouts {
  const { store, clock, log, metrics } = parts
  let isFailing = false
  return createLockouts({
    store,
    clock,
    schedule: (run, delayMs) => {
      const timer = setTimeout(run, delayMs).unref()
      return () => clearTimeout(timer)
    },
    onRead: (count) => {
      metrics.lockoutsRead(count, clock.now())
      if (isFailing) log.info({ count }, 'the list of lockouts is read again')
      isFailing = false
    },
    onFailure: (error) => {
      if (!isFailing) log.error({ err: error }, 'the list of lockouts cannot be kept')
      isFailing = true
    },
  })
}
