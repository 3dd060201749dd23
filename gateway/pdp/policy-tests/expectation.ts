/** What a case must come to, and whether a decision is that. */
import type { Decision, Obligation } from '../../domain/access.ts'
import { OBLIGATION_TYPES } from '../../domain/obligations.ts'
import { REASON_CODES, type Reason } from '../../domain/reasons.ts'
import type { OutcomeSpec } from '../../settings/schemas/policy-tests.ts'
import { meant, type Said } from './said.ts'
import type { ExpectedObligation, ExpectedOutcome } from './suite.ts'

/** The expectation as written, in one shape. */
export function outcomeFrom(spec: OutcomeSpec): ExpectedOutcome {
  if (typeof spec === 'string') return { effect: spec }
  const { effect, reason, rule, obligations } = spec
  return {
    effect,
    ...(reason !== undefined && { reason: reason as Reason }),
    ...(rule !== undefined && { rule }),
    ...(obligations !== undefined && { obligations }),
  }
}

/** Why no decision could ever be what is expected. */
export function outcomeProblem(spec: OutcomeSpec): Said | undefined {
  if (typeof spec === 'string') return undefined
  const { effect, reason, obligations = [] } = spec
  if (reason !== undefined && !(REASON_CODES as readonly string[]).includes(reason)) {
    const remedy = meant(reason, REASON_CODES, 'The codes are listed in docs/operations.md.')
    return { message: `there is no reason \`${reason}\``, remedy }
  }
  if (effect === 'permit' && reason !== undefined) {
    return { message: 'a permit has no reason', remedy: 'Remove the reason, or expect a deny.' }
  }
  if (effect !== 'permit' && obligations.length > 0) {
    const message = 'only a permit comes with obligations'
    return { message, remedy: 'Remove the obligations, or expect a permit.' }
  }
  const types: readonly string[] = OBLIGATION_TYPES
  const strange = obligations.find(({ type }) => !types.includes(type))
  if (strange === undefined) return undefined
  const remedy = meant(strange.type, types, `Use one of: ${types.join(', ')}.`)
  return { message: `there is no obligation \`${strange.type}\``, remedy }
}

/** In what `decision` differs from what was expected, in words; empty when it does not. */
export function differences(expected: ExpectedOutcome, decision: Decision): string[] {
  const found: string[] = []
  const effect = effectOf(decision)
  if (expected.effect === 'refused') {
    if (!isRefused(effect)) found.push(`is ${effect}; a case that is not listed must be refused`)
  } else if (effect !== expected.effect) found.push(`is ${effect}, not ${expected.effect}`)
  const { reason, rule, obligations } = expected
  if (reason !== undefined && decision.reason !== reason) {
    found.push(`the reason is ${decision.reason ?? 'none'}, not ${reason}`)
  }
  if (rule !== undefined && !isRule(rule, decision)) {
    found.push(`another rule decides than ${rule}`)
  }
  if (obligations !== undefined && !sameObligations(obligations, decision.obligations)) {
    found.push('the obligations are others')
  }
  return found
}

/** One word for a decision, as expectations use them. */
export function effectOf(decision: Decision): 'permit' | 'deny' | 'step-up' | 'indeterminate' {
  if (decision.effect === 'permit' || decision.effect === 'indeterminate') return decision.effect
  return decision.reason === 'step_up_required' ? 'step-up' : 'deny'
}

/** What cannot be decided is refused on the wire, but no test has shown why: that is no pass. */
function isRefused(effect: ReturnType<typeof effectOf>): boolean {
  return effect === 'deny' || effect === 'step-up'
}

function isRule(expected: string, { rule }: Decision): boolean {
  if (rule === undefined) return false
  if (/^[^,\s]+:\d+$/.test(expected)) return expected === `${rule.file}:${rule.line}`
  return spaced(expected) === spaced(rule.text)
}

/** Padding and spaces around commas say nothing. */
function spaced(row: string): string {
  return row
    .split(',')
    .map((cell) => cell.trim().replaceAll(/ +/g, ' '))
    .join(', ')
}

function sameObligations(
  expected: readonly ExpectedObligation[],
  actual: readonly Obligation[],
): boolean {
  const left = [...actual]
  for (const want of expected) {
    const at = left.findIndex((obligation) => isObligation(want, obligation))
    if (at < 0) return false
    left.splice(at, 1)
  }
  return left.length === 0
}

function isObligation({ type, ...parameters }: ExpectedObligation, actual: Obligation): boolean {
  return (
    actual.type === type &&
    Object.entries(parameters).every(
      ([name, value]) => JSON.stringify(actual.parameters[name]) === JSON.stringify(value),
    )
  )
}
