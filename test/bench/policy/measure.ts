/** Times decisions one by one. */
import type { LoadedEngine } from './engines.ts'

/** Microseconds; `decisions` is how many were timed. */
export interface Timing {
  readonly decisions: number
  readonly p50Us: number
  readonly p99Us: number
  readonly meanUs: number
}

/** How long to warm up and to measure, in milliseconds. */
export interface MeasureOptions {
  readonly warmUpMs: number
  readonly measureMs: number
}

/** At least so many are timed, however long one takes. */
const DECISIONS_MIN = 3
/** The compiler of V8 goes by calls; on a busy machine the time alone does not bring enough. */
const WARM_UP_DECISIONS = 50_000
const WARM_UP_STRETCH = 4
const SAMPLES_MAX = 2_000_000

/** Goes round the questions until the time is up. */
export function measure(
  { decide }: Pick<LoadedEngine, 'decide'>,
  questions: readonly unknown[],
  { warmUpMs, measureMs }: MeasureOptions,
): Timing {
  let next = 0
  const one = (): boolean => decide(questions[next++ % questions.length])
  const started = performance.now()
  const isWarm = (): boolean => {
    const spentMs = performance.now() - started
    return spentMs > warmUpMs * WARM_UP_STRETCH || (spentMs > warmUpMs && next >= WARM_UP_DECISIONS)
  }
  while (!isWarm()) one()
  const samples = new Float64Array(SAMPLES_MAX)
  let count = 0
  let total = 0
  const end = performance.now() + measureMs
  for (let now = performance.now(); count < SAMPLES_MAX;) {
    one()
    const after = performance.now()
    samples[count++] = after - now
    total += after - now
    now = after
    if (now >= end && count >= DECISIONS_MIN) break
  }
  const sorted = samples.subarray(0, count).sort()
  const at = (share: number) => (sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0) * 1000
  return { decisions: count, p50Us: at(0.5), p99Us: at(0.99), meanUs: (total / count) * 1000 }
}
