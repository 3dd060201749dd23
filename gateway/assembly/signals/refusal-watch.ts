/** Tokens in a minute that are turned away before somebody is told: one wrong clock is not an attack. */
export const REFUSED_SIGNALS_MIN = 20
const MINUTE_MS = 60_000

/**
 * Counts what is turned away; `onMany` is called once a minute at most, when there were
 * {@link REFUSED_SIGNALS_MIN} of them. `now`: monotonic milliseconds.
 */
export function createRefusalWatch(now: () => number, onMany: () => void): () => void {
  let since = -Infinity
  let count = 0
  return () => {
    if (now() - since >= MINUTE_MS) [since, count] = [now(), 0]
    count += 1
    if (count === REFUSED_SIGNALS_MIN) onMany()
  }
}
