/**
 * How the cost of work grows with its size. A limit in milliseconds says more of the machine than of
 * the code; what is compared with itself, a moment later and in one process, does not.
 */

/** Of several runs the quickest is the one that nothing else took the processor from. */
const RUNS = 5

/** Milliseconds of the quickest of several runs of `work`. */
export function quickest(work: () => void): number {
  let least = Infinity
  for (let run = 0; run < RUNS; run++) {
    const begun = performance.now()
    work()
    least = Math.min(least, performance.now() - begun)
  }
  return least
}

/**
 * How many times as long `large` takes as `small`. Ten times as much work is about 10 when each part
 * is done once, and about 100 when each part looks at all others.
 */
export function timesAsLong(large: () => void, small: () => void): number {
  // In this order: what is compiled on the way is compiled for both.
  const most = quickest(large)
  return most / quickest(small)
}

/** What {@link timesAsLong} stays under when ten times as much is done in one pass. */
export const IN_ONE_PASS = 60
