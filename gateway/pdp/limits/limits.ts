/** Reads `rules/limits.yaml`: duties that come with a permit. */
import type { Obligation } from '../../domain/access.ts'
import type { Evaluation } from '../engine/evaluation.ts'

/** The limits of one revision. Immutable. */
export interface LimitTable {
  /** The duties of a permit; where several limits speak of one thing, the strictest. */
  obligationsFor(evaluation: Evaluation): readonly Obligation[]
}

const NONE: readonly Obligation[] = []

/** No limit at all: what a rule folder without `limits.yaml` has. */
export const NO_LIMITS: LimitTable = { obligationsFor: () => NONE }
