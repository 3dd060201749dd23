/** When an event that could not be delivered is tried again. */

const FIRST_MS = 1_000
const LAST_MS = 15 * 60_000

/**
 * Milliseconds before the attempt after `failures` failures (from 1): doubling from 1 s to 15 min, half
 * of it by chance (`random`, in [0, 1)), so that what failed together does not come back together.
 * `askedMs`: what the receiver asked for, as far as it is not longer than the longest.
 */
export function retryDelayMs(failures: number, random: number, askedMs = 0): number {
  const ceiling = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 30))
  return Math.max(ceiling * (0.5 + random / 2), Math.min(LAST_MS, askedMs))
}
