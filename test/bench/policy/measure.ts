/** Times decisions one by one. */
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import type { LoadedEngine } from './engines.ts'
import { asReceived } from './requests.ts'

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
/** What decides less often than that while it warms up takes milliseconds for each, warm or not. */
const WARM_UP_DECISIONS_SLOW = 1_000
const SAMPLES_MAX = 2_000_000

/**
 * Goes round `requests` until the time is up. Each is written anew right before it is asked, outside
 * of what is timed: a gateway has just made its request, so that it lies in the caches whatever the
 * number of rules, and what is measured is the engine.
 */
export function measure(
  { ask, decide }: Pick<LoadedEngine, 'ask' | 'decide'>,
  requests: readonly AccessRequest[],
  { warmUpMs, measureMs }: MeasureOptions,
): Timing {
  let next = 0
  const nextQuestion = (): unknown => {
    const request = requests[next++ % requests.length]
    if (request === undefined) throw new Error('there is nothing to ask')
    return ask(asReceived(request))
  }
  const started = performance.now()
  const isWarm = (): boolean => {
    const spentMs = performance.now() - started
    if (spentMs > warmUpMs * WARM_UP_STRETCH) return true
    return spentMs > warmUpMs && (next >= WARM_UP_DECISIONS || next < WARM_UP_DECISIONS_SLOW)
  }
  while (!isWarm()) decide(nextQuestion())
  const samples = new Float64Array(SAMPLES_MAX)
  let count = 0
  let total = 0
  const end = performance.now() + measureMs
  for (let now = 0; count < SAMPLES_MAX && (now < end || count < DECISIONS_MIN);) {
    const question = nextQuestion()
    const before = performance.now()
    decide(question)
    now = performance.now()
    samples[count++] = now - before
    total += now - before
  }
  const sorted = samples.subarray(0, count).sort()
  const at = (share: number) => (sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0) * 1000
  return { decisions: count, p50Us: at(0.5), p99Us: at(0.99), meanUs: (total / count) * 1000 }
}
