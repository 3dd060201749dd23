import type { ConditionSet } from './conditions.ts'
import type { RuleMatcher } from './evaluation.ts'
import type { HoldingsOf } from './role-links.ts'
import type { PolicyTable } from './rule.ts'

/** One revision of the rules, checked, self-tested and immutable. Swap the reference to change it. */
export interface CompiledPolicy {
  /** `sha256:<hex>` over the rule files. */
  readonly revision: string
  readonly table: PolicyTable
  readonly conditions: ConditionSet
  readonly holdingsOf: HoldingsOf
  readonly matcher: RuleMatcher
}
