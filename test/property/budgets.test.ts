/** However callers and replicas take turns, a budget is exceeded by one lease a replica at most. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { leaseOf } from '../../gateway/budget/account-rules.ts'
import type { OpenBudget } from '../../gateway/domain/budget.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import { amount, budgetsOver, movableClock, occasion, turn } from '../support/budgets.ts'

const step = fc.record({
  replica: fc.nat(2),
  bytes: fc.integer({ min: 1, max: 400 }),
  waits: fc.boolean(),
  sweeps: fc.boolean(),
})

describe('a budget over replicas', () => {
  it('lets through at most its maximum and one lease of each', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3_000 }),
        fc.array(step, { maxLength: 60 }),
        async (max, steps) => {
          const clock = movableClock()
          const store = createMemoryStore({ clock })
          const replicas = [0, 1, 2].map(() => budgetsOver(store, clock))
          let through = 0
          const asked = occasion([amount({ max })])
          for (const { replica, bytes, waits, sweeps } of steps) {
            const opened = await replicas[replica]?.open(asked)
            if (opened === undefined || 'refusal' in opened) continue
            through += await send(opened, bytes)
            opened.close()
            if (waits) await turn()
            clock.ms += 11_000
            if (sweeps) for (const one of replicas) one.sweep()
          }
          // The whole run takes less than the window.
          expect(clock.ms).toBeLessThan(3_600_000)
          expect(through).toBeLessThanOrEqual(max + 3 * leaseOf(max, 0.05))
        },
      ),
      { numRuns: 60 },
    )
  }, 60_000)
})

async function send(budget: OpenBudget, bytes: number): Promise<number> {
  for (;;) {
    const verdict = budget.take(bytes)
    if (verdict === undefined) return bytes
    if (verdict !== 'wait') return 0
    await budget.ready()
  }
}
