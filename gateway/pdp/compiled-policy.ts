import type { LimitTable } from './limits/limits.ts'
import type { ConditionSet } from './conditions/condition-set.ts'
import type { RuleMatcher } from './engine/evaluation.ts'
import type { HoldingsOf } from './policy/role-links.ts'
import type { PolicyTable } from './policy/rule.ts'

/** One revision of the rules, checked, self-tested and immutable. Swap the reference to change it. */
export interface CompiledPolicy {
  /** `sha256:<hex>` over the rule files. */
  readonly revision: string
  readonly table: PolicyTable
  readonly conditions: ConditionSet
  readonly holdingsOf: HoldingsOf
  readonly matcher: RuleMatcher
  /** What `limits.yaml` demands of permitted requests. */
  readonly limits: LimitTable
  /** The same revision with its shadow rules in force too; absent when it has none. */
  readonly shadow?: CompiledPolicy
}
