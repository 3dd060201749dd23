/**
 * Turns the rule that decides into a {@link Decision}: effect, reason, the conditions that failed,
 * and a sentence for a person. Knows nothing of the engine behind {@link CompiledPolicy.matcher}.
 */
import type { AccessRequest, Decision, StepUp } from '../../domain/access.ts'
import type { DecisionPoint } from '../../domain/ports.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import { createEvaluation, type Assumption, type Evaluation } from '../engine/evaluation.ts'
import { blamesIn, namesIn, type Expression } from '../policy/expression.ts'
import * as say from './explanations.ts'
import { failedConditions, unknownConditions } from './failed-conditions.ts'
import { assertDecidable } from './request-check.ts'
import type { Rule } from '../policy/rule.ts'

/**
 * Decides under one revision. Never throws: what goes wrong inside is `indeterminate`, and
 * `onFailure` hears of it (for the log; never for the caller).
 */
export function createDecisionPoint(
  policy: CompiledPolicy,
  deps: { readonly onFailure?: (error: unknown) => void } = {},
): DecisionPoint {
  const { revision, shadow } = policy
  const decide = decider(policy, deps)
  if (shadow === undefined) return { revision, decide }
  return { revision, decide, decideShadow: decider(shadow, deps) }
}

function decider(
  policy: CompiledPolicy,
  deps: { readonly onFailure?: (error: unknown) => void },
): DecisionPoint['decide'] {
  const permits = permitsOf(policy)
  return (request) => {
    try {
      return judge(policy, permits, request)
    } catch (error) {
      deps.onFailure?.(error)
      return {
        effect: 'indeterminate',
        reason: 'indeterminate',
        explanation: say.indeterminate,
        ...common(policy),
      }
    }
  }
}

/** What each rule that allows says when it decides: the same every time, so it is said once. */
function permitsOf(policy: CompiledPolicy): ReadonlyMap<Rule, Decision> {
  const permits = new Map<Rule, Decision>()
  for (const rule of policy.table.rules) {
    if (rule.effect !== 'allow') continue
    const explanation = say.permitted(rule)
    const permit = {
      effect: 'permit',
      rule: rule.reference,
      explanation,
      ...common(policy),
    } as const
    permits.set(rule, Object.freeze(permit))
  }
  return permits
}

function judge(
  policy: CompiledPolicy,
  permits: ReadonlyMap<Rule, Decision>,
  request: AccessRequest,
): Decision {
  assertDecidable(request)
  const evaluation = evaluationOf(policy, request)
  const rule = policy.matcher.match(evaluation)
  const permit = rule === undefined ? undefined : permits.get(rule)
  if (permit !== undefined) return obliged(permit, policy, evaluation)
  if (rule === undefined) return refuseWithoutDeny(policy, evaluation)
  return stepUpInstead(policy, evaluation, [rule]) ?? denyBy(policy, evaluation, rule)
}

/** The permit with the duties that `limits.yaml` puts on it. */
function obliged(permit: Decision, policy: CompiledPolicy, evaluation: Evaluation): Decision {
  const obligations = policy.limits.obligationsFor(evaluation)
  return obligations.length === 0 ? permit : { ...permit, obligations }
}

/** Starts an evaluation of `request` under `policy`. @throws ERR_DECISION_INDETERMINATE */
export function evaluationOf(
  policy: CompiledPolicy,
  request: AccessRequest,
  assume?: Assumption,
): Evaluation {
  return createEvaluation(request, policy.holdingsOf(request.subject), policy.conditions, assume)
}

function common(policy: CompiledPolicy) {
  return { failedConditions: [], obligations: [], revision: policy.revision } as const
}

function denyBy(policy: CompiledPolicy, evaluation: Evaluation, rule: Rule): Decision {
  const missing = unknownConditions(rule.when, evaluation)
  return {
    ...common(policy),
    effect: 'deny',
    reason: 'denied_by_rule',
    rule: rule.reference,
    failedConditions: missing,
    explanation: say.denied(rule, evaluation.request.resource.kind, missing),
  }
}

function refuseWithoutDeny(policy: CompiledPolicy, evaluation: Evaluation): Decision {
  const { action, resource } = evaluation.request
  const candidates = policy.matcher.concerning(evaluation).filter((rule) => rule.effect === 'allow')
  const nearest = nearestOf(candidates, evaluation)
  if (nearest === undefined) {
    const explanation = say.noRule(action, resource.kind)
    return { ...common(policy), effect: 'not-applicable', reason: 'no_rule', explanation }
  }
  const stepUp = stepUpInstead(policy, evaluation, candidates)
  if (stepUp !== undefined) return stepUp
  const failed = failedConditions(nearest.when, evaluation)
  return {
    ...common(policy),
    effect: 'deny',
    reason: 'condition_failed',
    rule: nearest.reference,
    failedConditions: failed,
    explanation: say.conditionFailed(nearest, failed),
  }
}

/** The rule that the fewest conditions keep from applying; the first in the file among equals. */
function nearestOf(rules: readonly Rule[], evaluation: Evaluation): Rule | undefined {
  let nearest: Rule | undefined
  let fewest = Infinity
  for (const rule of rules) {
    const count = blamesIn(rule.when, evaluation.truthOf).length
    if (count < fewest) {
      nearest = rule
      fewest = count
    }
  }
  return nearest
}

/**
 * The decision when stronger or fresher authentication is all that is missing: the whole matrix is
 * asked again as if every `mfa` condition held, denies included, and must then permit.
 */
function stepUpInstead(
  policy: CompiledPolicy,
  evaluation: Evaluation,
  refusing: readonly Rule[],
): Decision | undefined {
  if (!refusing.some((rule) => weakMfaIn(rule.when, policy, evaluation).length > 0)) {
    return undefined
  }
  const assume: Assumption = (condition) => (condition.kind === 'mfa' ? 'true' : undefined)
  const stronger = evaluationOf(policy, evaluation.request, assume)
  const permitting = policy.matcher.match(stronger)
  if (permitting?.effect !== 'allow') return undefined
  // A deny speaks for itself; of the allows, only the one that would then permit counts.
  const deny = refusing.find((rule) => rule.effect === 'deny')
  const rules = deny === undefined ? [permitting] : [deny, permitting]
  const weak = rules.flatMap((rule) => weakMfaIn(rule.when, policy, evaluation))
  const blamed = deny ?? permitting
  const failed =
    deny === undefined
      ? failedConditions(permitting.when, evaluation)
      : weak.flatMap((name) => failedConditions({ type: 'name', name, offset: 0 }, evaluation))
  return {
    ...common(policy),
    effect: 'deny',
    reason: 'step_up_required',
    rule: blamed.reference,
    failedConditions: failed,
    explanation: say.stepUp(blamed, failed),
    stepUp: mergeStepUps(weak.map((name) => policy.conditions.get(name).stepUp ?? {})),
  }
}

function weakMfaIn(when: Expression, policy: CompiledPolicy, evaluation: Evaluation): string[] {
  const names = new Set(namesIn(when).map(({ name }) => name))
  return [...names].filter(
    (name) => policy.conditions.get(name).kind === 'mfa' && evaluation.truthOf(name) !== 'true',
  )
}

/** What satisfies all of them: the `acr` values they share, and the shortest age. */
function mergeStepUps(steps: readonly StepUp[]): StepUp {
  const lists = steps.flatMap((s) => (s.acrValues === undefined ? [] : [s.acrValues.split(' ')]))
  const shared = (lists[0] ?? []).filter((acr) => lists.every((list) => list.includes(acr)))
  const ages = steps.flatMap((step) => (step.maxAge === undefined ? [] : [step.maxAge]))
  return {
    ...(shared.length > 0 && { acrValues: shared.join(' ') }),
    ...(ages.length > 0 && { maxAge: Math.min(...ages) }),
  }
}
