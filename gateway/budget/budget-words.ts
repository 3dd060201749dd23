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
  const detail = `Budget ${limit}: ${max} ${whatOf(budget)} (${source}).`
  return refuse('budget_exhausted', { detail, retryAfter: secondsOf(retryAfterMs) })
}

/** An answer is longer than the whole budget, or than one answer may be. */
export function tooLong(budget: BudgetName): Refusal {
  const { limit, max, source } = budget
  const detail = `Budget ${limit}: ${max} ${whatOf(budget)} (${source}).`
  return refuse('response_over_limit', { detail })
}

/** The store cannot be asked, and what may be given without it has been given. */
export function unavailable(): Refusal {
  return refuse('state_unavailable', { retryAfter: 1 })
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000))
}
