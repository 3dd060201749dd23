import type { AccessRequest, Decision, RuleReference, Truth } from '../../domain/access.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import { createDecisionPoint, evaluationOf } from './decision-point.ts'
import { isMet, type Evaluation } from '../engine/evaluation.ts'
import { evaluate, namesIn } from '../policy/expression.ts'
import { assertDecidable } from './request-check.ts'
import { coversResource, type RuleEffect } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import { whatWouldPermit, type WhatWouldPermit } from './what-would-permit.ts'

/** One condition of a rule, as judged. */
export interface ExplainedCondition {
  readonly name: string
  readonly truth: Truth
  readonly detail: string
}

/** One rule, and how far it got. */
export interface ExplainedRule {
  readonly rule: RuleReference
  readonly effect: RuleEffect
  readonly matched: {
    readonly subject: boolean
    readonly action: boolean
    readonly resource: boolean
  }
  /** The `when` column in its canonical spelling, and its truth. */
  readonly when: string
  readonly truth: Truth
  readonly conditions: readonly ExplainedCondition[]
  /** Whether it took part in the decision: a deny that applies, or an allow that holds. */
  readonly applies: boolean
  /** Set on a shadow rule, which takes part in nothing. */
  readonly shadow?: true
}

/** A decision with everything that was considered. */
export interface ExplainedDecision {
  readonly decision: Decision
  /** Everything the caller holds that a rule may name: id, groups, roles and what they lead to. */
  readonly holdings: readonly string[]
  /** Every rule, in the order of the file. Empty when the request could not be judged at all. */
  readonly rules: readonly ExplainedRule[]
  /** What the decision would be if the shadow rules were enforced, where there are some. */
  readonly shadow?: Decision
  /** Of a refusal: the smallest changes that would permit. */
  readonly wouldPermit?: WhatWouldPermit
}

/** Decides like the live gateway and says of every rule what it made of the request. Never throws. */
export function explainDecision(policy: CompiledPolicy, request: AccessRequest): ExplainedDecision {
  const point = createDecisionPoint(policy)
  const decision = point.decide(request)
  const other = point.decideShadow?.(request)
  const shadow = other === undefined ? {} : { shadow: other }
  try {
    assertDecidable(request)
    const evaluation = evaluationOf(policy, request)
    const { rules: inForce, shadowed } = policy.table
    const enforced = new Set(inForce)
    const rules = shadowed.map((rule): ExplainedRule => {
      const explained = explainRule(rule, evaluation)
      return enforced.has(rule) ? explained : { ...explained, shadow: true }
    })
    const changes =
      decision.effect === 'permit' ? {} : { wouldPermit: whatWouldPermit(policy, request) }
    return { decision, holdings: [...evaluation.holdings], rules, ...shadow, ...changes }
  } catch {
    // The decision above is then indeterminate and says so.
    return { decision, holdings: [], rules: [] }
  }
}

function explainRule(rule: Rule, evaluation: Evaluation): ExplainedRule {
  const { request, holdings } = evaluation
  const matched = {
    subject: holdings.has(rule.subject),
    action: coversAction(rule.action, request.action),
    resource: coversResource(rule.resource, request.resource, rule.effect),
  }
  const names = new Set(namesIn(rule.when).map(({ name }) => name))
  return {
    rule: rule.reference,
    effect: rule.effect,
    matched,
    when: rule.whenText,
    truth: evaluate(rule.when, evaluation.truthOf),
    conditions: [...names].map((name) => ({ name, ...evaluation.verdictOf(name) })),
    applies:
      matched.subject &&
      matched.action &&
      matched.resource &&
      isMet(rule.when, rule.effect, evaluation),
  }
}
