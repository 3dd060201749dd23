/** Budgets at work, and what they tell of themselves. */
import { randomUUID } from 'node:crypto'
import { createBudgets, type RunningBudgets } from '../budget/budgets.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'

/** Budgets with a timer; `stop` ends it and gives back what was not used. */
export function openBudgets(
  { state, clock, metrics, log }: Pick<Services, 'state' | 'clock' | 'metrics' | 'log'>,
  { lease, whenUnavailable }: Settings['budgets'],
): RunningBudgets {
  let wasAnswering = true
  const budgets = createBudgets({
    store: state,
    clock,
    leasePercent: lease,
    whenUnavailable,
    holder: randomUUID(),
    events: {
      onUsed: ({ limit, unit, n }) => metrics.budgetUsed(limit, unit, n),
      onRefused: ({ limit, unit }) => metrics.budgetRefused(limit, unit),
      onWait: (ms) => metrics.budgetLeaseWait(ms),
      onStore(isAnswering, error) {
        metrics.budgetStore(isAnswering)
        if (isAnswering === wasAnswering) return
        wasAnswering = isAnswering
        const words = whenUnavailable === 'continue' ? ALONE : REFUSED
        if (isAnswering) log.info({}, 'the store answers again; budgets are counted together')
        else log.error({ err: error }, words)
      },
    },
  })
  const timer = setInterval(() => {
    budgets.sweep()
    metrics.budgetKeys(budgets.keys)
  }, SWEEP_MS)
  timer.unref()
  return {
    open: (occasion) => budgets.open(occasion),
    sweep: () => budgets.sweep(),
    get keys() {
      return budgets.keys
    },
    stop() {
      clearInterval(timer)
      return budgets.stop()
    },
  }
}

const SWEEP_MS = 1_000

const ALONE = 'the store does not answer; each replica counts budgets for itself'
const REFUSED =
  'the store does not answer; requests with budgets are refused when their credit is used up'
