import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'

const EVERY_MS = 10
const TIMEOUT_MS = 10_000

/**
 * Looks until `probe` gives a value: the demo watches effects, it never guesses how long they take.
 * @throws ERR_INTERNAL after ten seconds, naming `what`
 */
export async function waitFor<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  const startedMs = systemClock.monotonicMs()
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (systemClock.monotonicMs() - startedMs > TIMEOUT_MS) {
      throw new GatewayError('ERR_INTERNAL', `${what} did not happen within ${TIMEOUT_MS} ms`)
    }
    await pause(EVERY_MS)
  }
}
