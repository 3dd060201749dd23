/** A case of a policy test that came out otherwise, for people. */
import type { Decision } from '../../domain/access.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { effectOf } from '../../pdp/policy-tests/expectation.ts'
import type { CaseFailure } from '../../pdp/policy-tests/run-suites.ts'
import type { ExpectedOutcome, PolicyCase } from '../../pdp/policy-tests/suite.ts'

/** `alice export fraud (model:fraud-detector@3), from the office`. */
export function caseText(policyCase: PolicyCase): string {
  const { principal, action, resourceName, resource, environmentName } = policyCase
  const where = environmentName === undefined ? '' : `, ${environmentName}`
  return `${principal} ${action} ${resourceName} (${resourceText(resource)})${where}`
}

/** Expected and actual, the deciding rule, and the conditions that failed: a line each. */
export function failureLines({ case: { expected }, decision }: CaseFailure): string[] {
  const { rule, failedConditions, explanation } = decision
  return [
    `expected  ${expectedText(expected)}`,
    `actual    ${actualText(decision)}`,
    ...(explanation === '' ? [] : [`why       ${explanation}`]),
    ...(rule === undefined ? [] : [`rule      ${rule.file}:${rule.line}  ${rule.text}`]),
    ...failedConditions.map(
      ({ name, truth, detail }) => `failed    ${name} is ${truth}: ${detail}`,
    ),
  ]
}

function expectedText({ effect, reason, rule, obligations }: ExpectedOutcome): string {
  const parts = [
    effect === 'refused' ? 'deny (not listed)' : effect,
    ...(reason === undefined ? [] : [reason]),
    ...(rule === undefined ? [] : [`by ${rule}`]),
    ...(obligations === undefined ? [] : [`with ${JSON.stringify(obligations)}`]),
  ]
  return parts.join(', ')
}

function actualText(decision: Decision): string {
  const { reason, obligations } = decision
  const duties = obligations.map(({ type, parameters }) => ({ type, ...parameters }))
  return [
    effectOf(decision),
    ...(reason === undefined ? [] : [reason]),
    ...(duties.length === 0 ? [] : [`with ${JSON.stringify(duties)}`]),
  ].join(', ')
}
