/**
 * The sentences of decisions: why, and what to do about it. Made of constants, operator text and
 * closed words; nothing of the request is repeated and no person is named (I16, I24).
 */
import type { FailedCondition } from '../../domain/access.ts'
import type { Action, ResourceKind } from '../../domain/vocabulary.ts'
import { permitsBy, whereIs, type Rule } from '../policy/rule.ts'

const at = (rule: Rule) => rule.where ?? whereIs(rule)

/** For `indeterminate`. */
export const indeterminate =
  'The decision could not be made, so nothing is permitted. ' +
  'Try again; if it persists, tell the operator the decision id.'

/** For `permit`. */
export function permitted(rule: Rule): string {
  return rule.permits ?? permitsBy(rule)
}

/** For `denied_by_rule`; `missing` are conditions that are unknown. */
export function denied(
  rule: Rule,
  kind: ResourceKind,
  missing: readonly FailedCondition[],
): string {
  const why =
    missing.length === 0
      ? 'a deny always wins'
      : `it applies unless its conditions are known not to hold, and ${reasons(missing)}`
  return `${at(rule)} denies this; ${why}. Ask the owner of this ${kind}.`
}

/** For `no_rule`. */
export function noRule(action: Action, kind: ResourceKind): string {
  return `No rule gives you the action ${action} on this ${kind}. Ask its owner for the permission.`
}

/** For `condition_failed`. */
export function conditionFailed(rule: Rule, failed: readonly FailedCondition[]): string {
  return `${at(rule)} would allow this, but ${reasons(failed)}. Meet this, then try again.`
}

/** For `step_up_required`. */
export function stepUp(rule: Rule, failed: readonly FailedCondition[]): string {
  return (
    `${at(rule)} asks for stronger or fresher authentication: ${reasons(failed)}. ` +
    'Authenticate again, then try again.'
  )
}

function reasons(failed: readonly FailedCondition[]): string {
  let all = ''
  for (const { name, truth, detail } of failed) {
    const verb = truth === 'unknown' ? 'is unknown' : 'is not met'
    all += `${all === '' ? '' : ', '}${name} ${verb} (${detail})`
  }
  return all
}
