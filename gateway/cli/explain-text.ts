import type { AccessRequest, Decision, Obligation } from '../domain/access.ts'
import { resourceText } from '../domain/vocabulary.ts'
import type { ExplainedDecision, ExplainedRule } from '../pdp/decision/explain.ts'
import type { StandingDeny, Way, WhatWouldPermit } from '../pdp/decision/what-would-permit.ts'
import { plainText } from '../domain/plain-text.ts'

/** An explained decision for people; `all` also shows rules about others. */
export function explainedText(
  request: AccessRequest,
  explained: ExplainedDecision,
  all: boolean,
): string {
  const { decision, holdings, rules, shadow, wouldPermit } = explained
  const shown = all
    ? rules
    : rules.filter(({ matched }) => matched.subject && matched.action && matched.resource)
  const { id } = request.subject
  const asked = plainText(`${id} ${request.action} ${resourceText(request.resource)}`)
  const lines = [
    `${decision.effect.toUpperCase()}  ${asked}`,
    ...(decision.explanation === '' ? [] : [`  ${decision.explanation}`]),
    ...(decision.reason === undefined ? [] : [`  reason    ${decision.reason}`]),
    ...(decision.rule === undefined ? [] : [`  rule      ${placeOf(decision)}`]),
    ...decision.obligations.map((one) => `  must      ${obligationText(one)}`),
    ...(shadow === undefined ? [] : [`  shadow    ${shadowText(decision, shadow)}`]),
    `  holds     ${plainText(holdings.join(', '))}`,
    `  revision  ${decision.revision}`,
    '',
    shown.length === 0
      ? 'No rule is about this subject, action and resource.'
      : 'Rules considered:',
    ...shown.flatMap(ruleLines),
    ...(wouldPermit === undefined ? [] : wouldPermitLines(wouldPermit)),
  ]
  return `${lines.join('\n')}\n`
}

/** `policy.csv:3`, or nothing. */
export function placeOf({ rule }: Decision): string {
  return rule === undefined ? '' : `${rule.file}:${rule.line}`
}

function obligationText({ type, parameters, source }: Obligation): string {
  const { limit, per, unit, window, max } = parameters
  if (type === 'budget.amount') {
    const what = `${String(unit)} in ${window === 'hour' ? 'an' : 'a'} ${String(window)}`
    return `budget ${String(limit)}: at most ${String(max)} ${what}, counted per ${String(per)}, by ${source}`
  }
  if (type === 'budget.streams') {
    return `budget ${String(limit)}: at most ${String(max)} answers at once, counted per ${String(per)}, by ${source}`
  }
  const values = Object.entries(parameters).map(([name, value]) => `${name} ${String(value)}`)
  return `${type} (${values.join(', ')}), by ${source}`
}

function shadowText(enforced: Decision, shadow: Decision): string {
  if (shadow.effect === enforced.effect) return `the same with the shadow rules: ${shadow.effect}`
  const why = shadow.reason === undefined ? '' : ` (${shadow.reason})`
  return `with the shadow rules: ${shadow.effect}${why}, by ${placeOf(shadow)}`
}

function ruleLines(explained: ExplainedRule): string[] {
  const { rule, matched, conditions, when, truth, applies, shadow } = explained
  const missed = Object.entries(matched)
    .filter(([, hit]) => !hit)
    .map(([name]) => name)
  const verdict =
    missed.length > 0
      ? `not about this ${missed.join(', ')}`
      : applies
        ? 'applies'
        : `does not apply (${when} is ${truth})`
  return [
    `  ${rule.file}:${rule.line}  ${rule.text}`,
    `      ${shadow === true ? `shadow, not in force; ${verdict}` : verdict}`,
    ...(missed.length > 0
      ? []
      : conditions.map(
          (c) => `      ${c.truth.padEnd(8)}${c.name}${c.detail === '' ? '' : `: ${c.detail}`}`,
        )),
  ]
}

function wouldPermitLines({ ways, complete, denies }: WhatWouldPermit): string[] {
  return [
    '',
    ...(denies.length === 0 ? [] : ['In the way:', ...denies.map(denyLine)]),
    ways.length === 0
      ? 'No change of conditions, and no other group or role, would permit this.'
      : 'It would be permitted if, all else being the same:',
    ...ways.flatMap(wayLines),
    ...(complete ? [] : ['  There may be more ways than these.']),
  ]
}

function denyLine({ rule, about, canEnd }: StandingDeny): string {
  const end = canEnd ? 'until its conditions are known not to hold' : 'whatever else holds'
  return `  ${rule.file}:${rule.line}  denies this to ${about}, ${end}`
}

function wayLines(way: Way, index: number): string[] {
  const { rule, hold, conditions } = way
  const changes = [
    ...(hold === undefined ? [] : [`the caller held ${hold}`]),
    ...conditions.map((c) => `${c.name} (${c.kind}) were ${c.needed}; it is ${c.now}: ${c.detail}`),
  ]
  const by = `by ${rule.file}:${rule.line}`
  return changes.map((change, at) =>
    at === 0 ? `  ${index + 1}. ${change}  [${by}]` : `     and ${change}`,
  )
}
