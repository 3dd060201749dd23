/** What one subject did under one limit, in a window that slides in steps of an eighth. */
import { EXTRACTION_RULES, type ExtractionRule } from '../domain/incidents.ts'
import { createDistinctCounter, type DistinctCounter } from './distinct-counter.ts'
import type { RequestFeatures } from './features.ts'
import { createSweepMemory, type SweepMemory } from './sweep-memory.ts'

/** Parts of a window: what is counted is never older than the window, nor less than 7/8 of it. */
const PARTS = 8

/** A part of requests that is too many, from so many requests on. */
export interface ShareThreshold {
  readonly share: number
  readonly of: number
}

/** What counts as taking a model apart; thresholds of `detect` in `limits.yaml`. */
export interface ExtractionWatch {
  /** Name of the limit. */
  readonly limit: string
  readonly windowMs: number
  readonly distinctPrompts?: number
  readonly vectors?: number
  readonly logits?: ShareThreshold
  readonly sweep?: ShareThreshold
}

/** A threshold that was reached, with what was counted. */
export interface Suspicion {
  readonly rule: ExtractionRule
  readonly limit: string
  readonly windowMs: number
  /** Requests in the window. */
  readonly requests: number
  /** Different prompts (about), inputs, or requests, as the rule counts. */
  readonly count: number
  /** The share or number it was measured by. */
  readonly threshold: number
  /** Of a share: the number of requests from which it is judged. */
  readonly of?: number
}

const [REQUESTS, LOGITS, VECTORS, SWEEPS, COUNTS] = [0, 1, 2, 3, 4] as const

/** Counts of one subject; at most 6.5 KiB. */
export class SubjectWindow {
  readonly windowMs: number
  private readonly partMs: number
  private readonly counts = new Float64Array(PARTS * COUNTS)
  private readonly totals = new Float64Array(COUNTS)
  private distinct: DistinctCounter | undefined
  private sweeps: SweepMemory | undefined
  private part: number
  private readonly firedAtMs = new Map<ExtractionRule, number>()

  /** `nowMs`: monotonic. */
  constructor(windowMs: number, nowMs: number) {
    this.windowMs = windowMs
    this.partMs = windowMs / PARTS
    this.part = Math.floor(nowMs / this.partMs)
  }

  /** Counts a request; what it made reach its threshold, each rule once in a window. */
  observe(watch: ExtractionWatch, features: RequestFeatures, nowMs: number): readonly Suspicion[] {
    this.slide(nowMs)
    this.add(REQUESTS, 1)
    if (features.asksLogits) this.add(LOGITS, 1)
    if (features.vectors > 0) this.add(VECTORS, features.vectors)
    if (watch.distinctPrompts !== undefined) {
      this.distinct ??= createDistinctCounter(PARTS)
      this.distinct.add(this.part % PARTS, features.hashA, features.hashB)
    }
    if (watch.sweep !== undefined) {
      this.sweeps ??= createSweepMemory()
      if (this.sweeps.isStep(features)) this.add(SWEEPS, 1)
    }
    return EXTRACTION_RULES.flatMap((rule) => this.judge(rule, watch, nowMs) ?? [])
  }

  private slide(nowMs: number): void {
    const now = Math.floor(nowMs / this.partMs)
    const steps = Math.min(PARTS, now - this.part)
    for (let step = 0; step < steps; step++) {
      const part = (now - step) % PARTS
      this.distinct?.clear(part)
      for (let which = 0; which < COUNTS; which++) {
        const at = part * COUNTS + which
        this.totals[which] = (this.totals[which] ?? 0) - (this.counts[at] ?? 0)
        this.counts[at] = 0
      }
    }
    this.part = Math.max(this.part, now)
  }

  private add(which: number, amount: number): void {
    const at = (this.part % PARTS) * COUNTS + which
    this.counts[at] = (this.counts[at] ?? 0) + amount
    this.totals[which] = (this.totals[which] ?? 0) + amount
  }

  private judge(
    rule: ExtractionRule,
    watch: ExtractionWatch,
    nowMs: number,
  ): Suspicion | undefined {
    const { limit, windowMs } = watch
    const measured = this.measure(rule, watch)
    if (measured === undefined) return undefined
    const firedAt = this.firedAtMs.get(rule)
    if (firedAt !== undefined && nowMs - firedAt < windowMs) return undefined
    this.firedAtMs.set(rule, nowMs)
    return { rule, limit, windowMs, requests: this.totals[REQUESTS] ?? 0, ...measured }
  }

  private measure(
    rule: ExtractionRule,
    watch: ExtractionWatch,
  ): Pick<Suspicion, 'count' | 'threshold' | 'of'> | undefined {
    const { distinctPrompts, vectors, logits, sweep } = watch
    switch (rule) {
      case 'distinct_prompts': {
        if (distinctPrompts === undefined) return undefined
        const count = Math.round(this.distinct?.estimate() ?? 0)
        return count >= distinctPrompts ? { count, threshold: distinctPrompts } : undefined
      }
      case 'vectors': {
        const count = this.totals[VECTORS] ?? 0
        if (vectors === undefined || count < vectors) return undefined
        return { count, threshold: vectors }
      }
      case 'logits':
        return this.shareOf(LOGITS, logits)
      case 'sweep':
        return this.shareOf(SWEEPS, sweep)
    }
  }

  private shareOf(which: number, threshold: ShareThreshold | undefined) {
    if (threshold === undefined) return undefined
    const requests = this.totals[REQUESTS] ?? 0
    const count = this.totals[which] ?? 0
    if (requests < threshold.of || count < threshold.share * requests) return undefined
    return { count, threshold: threshold.share, of: threshold.of }
  }
}
