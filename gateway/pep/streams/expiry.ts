import type { Clock } from '../../domain/clock.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/** Longest time `setTimeout` can count; later expiries are looked at again then. */
const TIMER_MS_MAX = 2_147_483_647

/**
 * Calls `end` when the token of the exchange expires: what was permitted on the strength of a token
 * ends with it, where nobody asks again.
 * @returns stops waiting
 */
export function atExpiry(exchange: Exchange, services: Services, end: () => void): () => void {
  const { expiresAt } = established(exchange.subject, 'subject')
  return atInstant(services.clock, expiresAt, end)
}

/**
 * Calls `end` once the clock says `at`, milliseconds since the epoch; never for what has no end.
 * @returns stops waiting
 */
export function atInstant(clock: Pick<Clock, 'now'>, at: number, end: () => void): () => void {
  const remaining = (): number => at - clock.now()
  let timer: NodeJS.Timeout
  const look = (): void => {
    if (remaining() <= 0) end()
    else arm()
  }
  const arm = (): void => {
    timer = setTimeout(look, Math.min(Math.max(remaining(), 0), TIMER_MS_MAX))
    timer.unref()
  }
  arm()
  return () => clearTimeout(timer)
}
