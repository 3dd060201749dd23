/** Filters of approvals.yaml, for one call. */
import type { AccessRequest } from '../domain/access.ts'
import type { CompiledPolicy } from '../pdp/compiled-policy.ts'
import { createEvaluation } from '../pdp/engine/evaluation.ts'
import { evaluate, parseExpression } from '../pdp/policy/expression.ts'

/**
 * Whether an expression over conditions is known to hold for `call`: what is unknown does not, nor
 * does what is no expression or names a condition that these rules do not have. Never throws.
 */
export function filtersOf(
  { conditions, holdingsOf }: Pick<CompiledPolicy, 'conditions' | 'holdingsOf'>,
  call: AccessRequest,
): (expression: string) => boolean {
  return (expression) => {
    const parsed = parseExpression(expression)
    if (!parsed.ok) return false
    try {
      const evaluation = createEvaluation(call, holdingsOf(call.subject), conditions)
      return evaluate(parsed.value, evaluation.truthOf) === 'true'
    } catch {
      // A request made under other rules may name what is not there any more.
      return false
    }
  }
}
