/** Latencies in constant memory: buckets 1 % apart, from 1 µs to over a minute. */

/** Collects milliseconds and answers percentiles, each right to about 1 %. */
export interface Histogram {
  record(ms: number): void
  /** The value that `fraction` (0 to 1) of all values do not exceed; 0 without values. */
  percentile(fraction: number): number
  readonly max: number
}

const BUCKETS = 1900
const STEP = Math.log(1.01)

/** An empty histogram. */
export function createHistogram(): Histogram {
  const counts = new Float64Array(BUCKETS)
  let total = 0
  let max = 0
  return {
    record(ms) {
      const bucket = Math.ceil(Math.log(Math.max(1, ms * 1000)) / STEP)
      const at = Math.min(bucket, BUCKETS - 1)
      counts[at] = (counts[at] ?? 0) + 1
      total += 1
      max = Math.max(max, ms)
    },
    percentile(fraction) {
      let left = fraction * total
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        left -= counts[bucket] ?? 0
        if (left <= 0 && total > 0) return Math.min(Math.exp(bucket * STEP) / 1000, max)
      }
      return max
    },
    get max() {
      return max
    },
  }
}
