/** Duties that come with a permit, from `rules/limits.yaml`. */
import type { Obligation } from '../../domain/access.ts'
import type { Evaluation } from '../engine/evaluation.ts'
import { limitsSchema, type WeightsSpec } from '../../settings/schemas/limits.ts'
import { classDemandsOf, type ClassDemand } from './class-demands.ts'
import { weightsDemand } from './demands.ts'
import { createLimitIndex, type Limit } from './limit-index.ts'
import { mergeObligations } from './merge-obligations.ts'

/** The limits of one revision. Immutable. */
export interface LimitTable {
  /** The duties of a permit; where several limits speak of one thing, the strictest. */
  obligationsFor(evaluation: Evaluation): readonly Obligation[]
  /** Names of the conditions that limits use. */
  readonly conditions: ReadonlySet<string>
  /** Names of the limits, and of the budgets that models have by themselves. */
  readonly names: readonly string[]
  /** The budget that a model of a declared size has by itself. */
  readonly weights: WeightsSpec
  /** What is said of classes of data, whomever it is for. */
  readonly classes: readonly ClassDemand[]
}

const NONE: readonly Obligation[] = []
const NO_NAMES: ReadonlySet<string> = new Set()

/** The budgets that models have by themselves, and where that is written. */
export interface OwnBudgets {
  readonly weights: WeightsSpec
  readonly source: string
}

const BY_DEFAULT: OwnBudgets = {
  weights: limitsSchema.parse({ limits: {} }).weights,
  source: 'limits.yaml',
}

/** What a rule folder without `limits.yaml` has: only what models have by themselves. */
export const NO_LIMITS: LimitTable = createLimitTable([], NO_NAMES, BY_DEFAULT)

/** Builds the table; `conditions` are the names that any `when` of `limits` uses. */
export function createLimitTable(
  limits: readonly Limit[],
  conditions: ReadonlySet<string>,
  { weights, source }: OwnBudgets = BY_DEFAULT,
): LimitTable {
  const index = createLimitIndex(limits)
  const written = (evaluation: Evaluation): readonly Obligation[] => {
    const applying = index.applying(evaluation)
    const [only] = applying
    if (only === undefined) return NONE
    return applying.length === 1 ? only.obligations : mergeObligations(applying)
  }
  return Object.freeze({
    conditions,
    weights,
    names: Object.freeze([...limits.map(({ name }) => name), 'weights']),
    classes: classDemandsOf(limits),
    obligationsFor(evaluation: Evaluation) {
      const own = weightsDemand(evaluation.request, weights, source)
      const demanded = written(evaluation)
      return own === undefined ? demanded : [...demanded, own]
    },
  })
}
