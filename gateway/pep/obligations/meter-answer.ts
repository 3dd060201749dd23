/** Puts the count of what leaves around everything else that becomes of an answer. */
import { AnswerUse, meterTunnel } from '../../budget/answer-use.ts'
import { meterResponse } from '../../budget/metered-response.ts'
import type { DecidedOperation } from '../../domain/access.ts'
import type { BudgetOccasion } from '../../domain/budget.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/**
 * Meters the answer where there are budgets, or more may come with what is found in the request
 * later. Outermost: bytes are counted as they leave. An answer that is cut for its budget is no
 * incident, which would page people.
 */
export function meterAnswer(exchange: Exchange, services: Services): void {
  const { budget } = exchange
  if (budget === undefined) return
  const { countsBytes, reads } = budget
  if (!countsBytes && !reads.tokens && !reads.vectors && !mayName(exchange)) return
  if (exchange.upgrade !== undefined) {
    ;(exchange.meters ??= []).push(meterTunnel(budget))
    return
  }
  const use = new AnswerUse(budget)
  exchange.use = use
  exchange.guard = meterResponse(established(exchange.guard, 'guard'), {
    budget,
    use,
    bodyless: exchange.admitted?.method === 'HEAD',
    onRefused: () => services.metrics.obligation('budget.amount', 'refused'),
  })
}

/** Whether more operations may come to light while it is under way. */
export function mayName({ classification, transport }: Exchange): boolean {
  const { watch, frames } = established(classification, 'classification')
  return transport === 'grpc' || watch !== undefined || frames !== undefined
}

/** What budgets are opened for, or looked for, with these decisions. */
export function occasionOf(
  exchange: Exchange,
  decisions: readonly DecidedOperation[],
): BudgetOccasion {
  return {
    decisions,
    subject: established(exchange.subject, 'subject'),
    environment: established(exchange.environment, 'environment'),
  }
}

/** Counts from now on against the budgets of `decisions` too; why it may not go on, if so. */
export function budgetMore(
  exchange: Exchange,
  decisions: readonly DecidedOperation[],
): Refusal | undefined {
  if (!hasBudgets(decisions)) return undefined
  if (exchange.budget === undefined) return refuse('obligation_unknown')
  return exchange.budget.more(occasionOf(exchange, decisions))
}

/** Whether every budget of `decisions` is being counted already. */
export function isBudgeted(exchange: Exchange, decisions: readonly DecidedOperation[]): boolean {
  if (!hasBudgets(decisions)) return true
  return exchange.budget?.covers(occasionOf(exchange, decisions)) === true
}

/** Whether any of `decisions` comes with a budget. */
export function hasBudgets(decisions: readonly DecidedOperation[]): boolean {
  return decisions.some(({ decision }) =>
    decision.obligations.some(({ type }) => isBudgetType(type)),
  )
}

/** Whether an obligation of this type is a budget. */
export function isBudgetType(type: string): boolean {
  return type === 'budget.amount' || type === 'budget.streams'
}

/** Charges what the answer used and gives places back; what was counted stays to be recorded. */
export function endBudget(exchange: Exchange): void {
  const { budget, use } = exchange
  if (budget === undefined) return
  use?.charge()
  budget.close()
  if (budget.exhausted !== undefined) exchange.exhausted = budget.exhausted
}
