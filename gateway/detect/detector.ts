/**
 * Watches, for each subject and limit, for what takes a model apart: many different prompts, many
 * embeddings, log-probabilities most of the time, one question in all its variants. Counts are of
 * this process alone.
 */
import type { Clock } from '../domain/clock.ts'
import { createFeatureReader, type FeatureReader } from './body-features.ts'
import type { RequestFeatures } from './features.ts'
import { SubjectWindow, type ExtractionWatch, type Suspicion } from './subject-window.ts'

/** Windows kept, each at most 6.5 KiB. */
const WINDOWS_MAX = 10_000

/** See {@link createExtractionDetector}. */
export interface ExtractionDetector {
  /** Reads what is watched out of requests. */
  readonly features: FeatureReader
  /** Counts one request; what it made reach its threshold, each rule once in a window. */
  observe(subject: string, watch: ExtractionWatch, features: RequestFeatures): readonly Suspicion[]
  /** Windows that are kept. */
  readonly windows: number
}

/** What {@link createExtractionDetector} needs. */
export interface ExtractionDetectorDeps {
  readonly clock: Clock
  /** Keys the hashes, so that nobody can choose what they are; random for each process. */
  readonly seed: number
  readonly windowsMax?: number
  /** A subject was forgotten for want of room. */
  readonly onEvicted?: () => void
}

/** A detector that has seen nothing. Of more subjects than there is room for, the idlest goes. */
export function createExtractionDetector(deps: ExtractionDetectorDeps): ExtractionDetector {
  const { clock, seed, windowsMax = WINDOWS_MAX, onEvicted } = deps
  /** By subject, those seen last at the end, and by limit. */
  const subjects = new Map<string, Map<string, SubjectWindow>>()
  let windows = 0
  const evict = (): void => {
    for (const [subject, kept] of subjects) {
      if (windows <= windowsMax || subjects.size === 1) return
      subjects.delete(subject)
      windows -= kept.size
      onEvicted?.()
    }
  }
  const windowOf = (subject: string, watch: ExtractionWatch, nowMs: number): SubjectWindow => {
    const limits = subjects.get(subject) ?? new Map<string, SubjectWindow>()
    subjects.delete(subject)
    subjects.set(subject, limits)
    const known = limits.get(watch.limit)
    if (known?.windowMs === watch.windowMs) return known
    const fresh = new SubjectWindow(watch.windowMs, nowMs)
    if (known === undefined) windows += 1
    limits.set(watch.limit, fresh)
    evict()
    return fresh
  }
  return {
    features: createFeatureReader(seed),
    get windows() {
      return windows
    },
    observe(subject, watch, features) {
      const nowMs = clock.monotonicMs()
      return windowOf(subject, watch, nowMs).observe(watch, features, nowMs)
    },
  }
}
