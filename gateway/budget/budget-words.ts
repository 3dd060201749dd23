/** Budgets in words, for callers and operators. */
import type { BudgetName } from '../domain/budget.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'

/** `bytes in a day`, `answers under way at once`. */
function whatOf({ unit, window }: BudgetName): string {
  if (window === undefined) return 'answers under way at once'
  return `${unit} in ${window === 'hour' ? 'an' : 'a'} ${window}`
}

/** A budget is used up: 429, with when to come back. */
export function exhausted(budget: BudgetName, retryAfterMs: number): Refusal {
  const { limit, max, source } = budget
  const retryAfter = secondsOf(retryAfterMs)
  const detail =
    `Budget ${limit} is used up: ${max} ${whatOf(budget)} (${source}). ` +
    `Try again in ${retryAfter} s, or ask the operator to raise it.`
  return refuse('budget_exhausted', { detail, retryAfter })
}

/** An answer announces more than the whole budget: 429 as well, but to wait is no use. */
export function neverFits(budget: BudgetName, retryAfterMs: number): Refusal {
  const { limit, max, source } = budget
  const detail =
    `The answer is longer than the whole budget ${limit}: ${max} ${whatOf(budget)} (${source}). ` +
    'Waiting does not help: ask for less, or ask the operator to raise it.'
  return refuse('budget_exhausted', { detail, retryAfter: secondsOf(retryAfterMs) })
}

/** An answer is longer than one answer may be. */
export function tooLong(budget: BudgetName): Refusal {
  const { limit, max, source } = budget
  const detail =
    `The answer is longer than budget ${limit} allows: ${max} ${whatOf(budget)} (${source}). ` +
    'Ask for less, or ask the operator to raise it.'
  return refuse('response_over_limit', { detail })
}

/** The store cannot be asked, and what may be given without it has been given. */
export function unavailable(): Refusal {
  return refuse('state_unavailable', { retryAfter: 1 })
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000))
}
