import type { BudgetRefusal, OpenBudget } from '../../domain/budget.ts'
import { established, type Exchange } from '../exchange.ts'
import { hasBudgets, isBudgetType, mayName, occasionOf } from '../obligations/meter-answer.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 6. Counts the permitted request against every budget of its decisions, from memory; what its
 * answer uses is counted as it passes. Waits for the store only for what is more than one lease
 * ahead of it, and then not long. What may name more resources later is opened without any budget.
 */
export function budget(exchange: Exchange, services: Services): StageResult | Promise<StageResult> {
  const decisions = established(exchange.decisions, 'decisions')
  if (!hasBudgets(decisions) && !mayName(exchange)) return undefined
  const opened = services.budgets.open(occasionOf(exchange, decisions))
  return opened instanceof Promise
    ? opened.then((one) => begin(exchange, services, one))
    : begin(exchange, services, opened)
}

function begin(
  exchange: Exchange,
  services: Services,
  opened: OpenBudget | BudgetRefusal,
): StageResult {
  const isRefused = 'refusal' in opened
  for (const { decision } of established(exchange.decisions, 'decisions')) {
    for (const { type } of decision.obligations) {
      if (!isBudgetType(type)) continue
      services.metrics.obligation(type, isRefused ? 'refused' : 'unchanged')
    }
  }
  if (!isRefused) {
    exchange.budget = opened
    return undefined
  }
  if (opened.budget !== undefined) exchange.exhausted = opened.budget
  return opened.refusal
}
