/** Rules compiled to an index: the same answers as the interpreter, without looking at every rule. */
import { isMet, type Evaluation, type RuleMatcher } from './evaluation.ts'
import { createRuleIndex } from './rule-index.ts'
import type { Rule } from '../policy/rule.ts'

/** Builds a matcher over `rules`, in the order of the file. */
export function createCompiledMatcher(rules: readonly Rule[]): RuleMatcher {
  const index = createRuleIndex(rules)
  const concerning = (evaluation: Evaluation) => index.concerning(evaluation)
  return {
    concerning,
    match(evaluation) {
      const found = concerning(evaluation).filter((rule) =>
        isMet(rule.when, rule.effect, evaluation),
      )
      return found.find((rule) => rule.effect === 'deny') ?? found[0]
    },
  }
}
