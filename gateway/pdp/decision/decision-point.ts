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
  return (request) => {
    try {
      return judge(policy, request)
    } catch (error) {
      deps.onFailure?.(error)
      return {
        effect: 'indeterminate',
        reason: 'indeterminate',
        explanation: say.indeterminate,
        failedConditions: NONE,
        obligations: NONE,
        revision: policy.revision,
      }
    }
  }
}

function judge(policy: CompiledPolicy, request: AccessRequest): Decision {
  assertDecidable(request)
  const evaluation = evaluationOf(policy, request)
  const rule = policy.matcher.match(evaluation)
  if (rule === undefined) return refuseWithoutDeny(policy, evaluation)
  if (rule.effect === 'allow') return permitBy(policy, evaluation, rule)
  return stepUpInstead(policy, evaluation, [rule]) ?? denyBy(policy, evaluation, rule)
}

/** The permit, with the duties that `limits.yaml` puts on it. */
function permitBy(policy: CompiledPolicy, evaluation: Evaluation, rule: Rule): Decision {
  return {
    effect: 'permit',
    rule: rule.reference,
    explanation: say.permitted(rule),
    failedConditions: NONE,
    obligations: policy.limits.obligationsFor(evaluation),
    revision: policy.revision,
  }
}

/** Starts an evaluation of `request` under `policy`. @throws ERR_DECISION_INDETERMINATE */
export function evaluationOf(
  policy: CompiledPolicy,
  request: AccessRequest,
  assume?: Assumption,
): Evaluation {
  return createEvaluation(request, policy.holdingsOf(request.subject), policy.conditions, assume)
}

/** Written out in each decision: what is spread first costs more than the rest of a refusal. */
const NONE = Object.freeze([] as const)

function denyBy(policy: CompiledPolicy, evaluation: Evaluation, rule: Rule): Decision {
  const missing = unknownConditions(rule.when, evaluation)
  return {
    effect: 'deny',
    reason: 'denied_by_rule',
    rule: rule.reference,
    explanation: say.denied(rule, evaluation.request.resource.kind, missing),
    failedConditions: missing,
    obligations: NONE,
    revision: policy.revision,
  }
}

function refuseWithoutDeny(policy: CompiledPolicy, evaluation: Evaluation): Decision {
  const allows = policy.matcher.concerning(evaluation).filter(isAllow)
  const nearest = nearestOf(allows, evaluation)
  if (nearest === undefined) return refuseWithoutRule(policy, evaluation)
  const stepUp = stepUpInstead(policy, evaluation, allows)
  if (stepUp !== undefined) return stepUp
  const failed = failedConditions(nearest.when, evaluation)
  return {
    effect: 'deny',
    reason: 'condition_failed',
    rule: nearest.reference,
    explanation: say.conditionFailed(nearest, failed),
    failedConditions: failed,
    obligations: NONE,
    revision: policy.revision,
  }
}

const isAllow = ({ effect }: Rule): boolean => effect === 'allow'

function refuseWithoutRule(policy: CompiledPolicy, { request }: Evaluation): Decision {
  return {
    effect: 'not-applicable',
    reason: 'no_rule',
    explanation: say.noRule(request.action, request.resource.kind),
    failedConditions: NONE,
    obligations: NONE,
    revision: policy.revision,
  }
}

/** The rule that the fewest conditions keep from applying; the first in the file among equals. */
function nearestOf(rules: readonly Rule[], evaluation: Evaluation): Rule | undefined {
  if (rules.length < 2) return rules[0]
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
  if (!refusing.some((rule) => hasWeakMfa(rule.when, policy, evaluation))) return undefined
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
    effect: 'deny',
    reason: 'step_up_required',
    rule: blamed.reference,
    explanation: say.stepUp(blamed, failed),
    failedConditions: failed,
    obligations: NONE,
    revision: policy.revision,
    stepUp: mergeStepUps(
      weak.map((name) => policy.conditions.get(name).stepUp?.(evaluation.request) ?? {}),
    ),
  }
}

/** Whether {@link weakMfaIn} finds any; asked of every refusal, so without making a list. */
function hasWeakMfa(when: Expression, policy: CompiledPolicy, evaluation: Evaluation): boolean {
  switch (when.type) {
    case 'name':
      return isWeakMfa(when.name, policy, evaluation)
    case 'not':
      return hasWeakMfa(when.operand, policy, evaluation)
    case 'and':
    case 'or':
      return hasWeakMfa(when.left, policy, evaluation) || hasWeakMfa(when.right, policy, evaluation)
  }
}

function isWeakMfa(name: string, policy: CompiledPolicy, evaluation: Evaluation): boolean {
  return policy.conditions.get(name).kind === 'mfa' && evaluation.truthOf(name) !== 'true'
}

function weakMfaIn(when: Expression, policy: CompiledPolicy, evaluation: Evaluation): string[] {
  const names = new Set(namesIn(when).map(({ name }) => name))
  return [...names].filter((name) => isWeakMfa(name, policy, evaluation))
}

/**
 * What satisfies all of them: the `acr` values they share, and the shortest age. Where they share no
 * authentication context, those of the first: a token can hold several, and gets one at a time.
 */
function mergeStepUps(steps: readonly StepUp[]): StepUp {
  const lists = steps.flatMap((s) => (s.acrValues === undefined ? [] : [s.acrValues.split(' ')]))
  const shared = sharedBy(lists)
  const contexts = steps.flatMap((step) => (step.acrs === undefined ? [] : [step.acrs]))
  const acrs = sharedBy(contexts)
  const ages = steps.flatMap((step) => (step.maxAge === undefined ? [] : [step.maxAge]))
  return {
    ...(shared.length > 0 && { acrValues: shared.join(' ') }),
    ...(contexts[0] !== undefined && { acrs: acrs.length > 0 ? acrs : contexts[0] }),
    ...(ages.length > 0 && { maxAge: Math.min(...ages) }),
  }
}

function sharedBy(lists: readonly (readonly string[])[]): string[] {
  return (lists[0] ?? []).filter((one) => lists.every((list) => list.includes(one)))
}
