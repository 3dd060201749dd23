/** Duties that come with a permit, from `rules/limits.yaml`. */
import type { Obligation } from '../../domain/access.ts'
import type { Evaluation } from '../engine/evaluation.ts'
import { createLimitIndex, type Limit } from './limit-index.ts'
import { mergeObligations } from './merge-obligations.ts'

/** The limits of one revision. Immutable. */
export interface LimitTable {
  /** The duties of a permit; where several limits speak of one thing, the strictest. */
  obligationsFor(evaluation: Evaluation): readonly Obligation[]
  /** Names of the conditions that limits use. */
  readonly conditions: ReadonlySet<string>
}

const NONE: readonly Obligation[] = []
const NO_NAMES: ReadonlySet<string> = new Set()

/** No limit at all: what a rule folder without `limits.yaml` has. */
export const NO_LIMITS: LimitTable = { obligationsFor: () => NONE, conditions: NO_NAMES }

/** Builds the table; `conditions` are the names that any `when` of `limits` uses. */
export function createLimitTable(
  limits: readonly Limit[],
  conditions: ReadonlySet<string>,
): LimitTable {
  if (limits.length === 0) return NO_LIMITS
  const index = createLimitIndex(limits)
  return Object.freeze({
    conditions,
    obligationsFor(evaluation: Evaluation) {
      const applying = index.applying(evaluation)
      const [only] = applying
      if (only === undefined) return NONE
      return applying.length === 1 ? only.obligations : mergeObligations(applying)
    },
  })
}
