/**
 * One request under judgement: what its subject holds, and each condition looked at once at most.
 * Rules are judged against this object, so that all of them see the same moment and facts.
 */
import type { AccessRequest, Truth } from '../../domain/access.ts'
import type { ConditionSet } from '../conditions/condition-set.ts'
import type { Condition, Verdict } from '../conditions/condition.ts'
import { evaluate, type Expression } from '../policy/expression.ts'
import { coversResource, type RuleEffect } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'

/** See the module. */
export interface Evaluation {
  readonly request: AccessRequest
  /** Subjects of rules that the caller holds. */
  readonly holdings: ReadonlySet<string>
  readonly verdictOf: (name: string) => Verdict
  readonly truthOf: (name: string) => Truth
}

/** Replaces the test of a condition, for "what if": a truth, or `undefined` to leave it be. */
export type Assumption = (condition: Condition) => Truth | undefined

/** Starts the judgement of one request. */
export function createEvaluation(
  request: AccessRequest,
  holdings: ReadonlySet<string>,
  conditions: ConditionSet,
  assume?: Assumption,
): Evaluation {
  const verdicts = new Map<string, Verdict>()
  const verdictOf = (name: string): Verdict => {
    const known = verdicts.get(name)
    if (known !== undefined) return known
    const condition = conditions.get(name)
    const truth = assume?.(condition)
    const verdict = truth === undefined ? condition.test(request) : { truth, detail: 'assumed' }
    verdicts.set(name, verdict)
    return verdict
  }
  return { request, holdings, verdictOf, truthOf: (name) => verdictOf(name).truth }
}

/** Whether the rule speaks of this subject, action and resource, its conditions aside. */
export function concerns(rule: Rule, { request, holdings }: Evaluation): boolean {
  return (
    coversAction(rule.action, request.action) &&
    holdings.has(rule.subject) &&
    coversResource(rule.resource, request.resource, rule.effect)
  )
}

/** An allow needs its conditions to be true; a deny applies unless they are known to be false. */
export function isMet(when: Expression, effect: RuleEffect, evaluation: Evaluation): boolean {
  const truth = evaluate(when, evaluation.truthOf)
  return effect === 'allow' ? truth === 'true' : truth !== 'false'
}

/**
 * Finds the rule that decides: the first deny that applies in the order of the file, else the first
 * allow, else none. Pure and synchronous; throws when it cannot tell, never guesses.
 */
export interface RuleMatcher {
  match(evaluation: Evaluation): Rule | undefined
  /**
   * The rules about this subject, action and resource, their conditions aside, in the order of the
   * file: what {@link concerns} says of each, without looking at all of them where it can be helped.
   */
  concerning(evaluation: Evaluation): readonly Rule[]
}

/** The definition, read off the page; what an engine answers must never differ from it. */
export function matchByDefinition(
  rules: readonly Rule[],
  evaluation: Evaluation,
): Rule | undefined {
  const applies = (rule: Rule) =>
    concerns(rule, evaluation) && isMet(rule.when, rule.effect, evaluation)
  return (
    rules.find((rule) => rule.effect === 'deny' && applies(rule)) ??
    rules.find((rule) => rule.effect === 'allow' && applies(rule))
  )
}
