/** Many keys at once: what one caller makes of them must not be felt by others. */
import { describe, expect, it } from '@jest/globals'
import type { OpenBudget } from '../../../gateway/domain/budget.ts'
import type { Lease, QuotaStore } from '../../../gateway/domain/shared-state.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import {
  ALL,
  amount,
  budgetsOver,
  heldStore,
  movableClock,
  occasion,
  places,
  turn,
} from '../../support/budgets.ts'

const open = (value: unknown): OpenBudget => {
  if (value instanceof Promise || 'refusal' in (value as object)) throw new Error('not opened')
  return value as OpenBudget
}

/** Counts the asks that a store is at work on. */
function slowStore() {
  const waiting: (() => void)[] = []
  const busy = { now: 0, most: 0 }
  const slowly = <T>(asks: number, answer: T): Promise<T> => {
    busy.now += asks
    busy.most = Math.max(busy.most, busy.now)
    return new Promise((resolve) =>
      waiting.push(() => {
        busy.now -= asks
        resolve(answer)
      }),
    )
  }
  const store: QuotaStore = {
    lease: (asks) => slowly(asks.length, asks.map(ALL)),
    giveBack: (parts) => slowly(parts.length, undefined),
    hold: ({ places: wanted }) => slowly(1, wanted),
  }
  const finish = async (): Promise<void> => {
    for (let round = 0; round < 10_000; round++) {
      await turn()
      if (waiting.length === 0) return
      for (const wake of waiting.splice(0)) wake()
    }
    throw new Error('it never ends')
  }
  return { store, busy, finish }
}

/** Asks that a store works on for one process; the rest fail at once. */
const ASKS_MAX = 1_024

describe('thousands of keys', () => {
  it('leave the store room for the asks of others', async () => {
    const { store, busy, finish } = slowStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock)
    const duties = [amount({ unit: 'requests', max: 100 }), places({ max: 4 })]
    const opened = Array.from({ length: 3_000 }, (_, i) =>
      open(budgets.open(occasion(duties, { sub: `user:dev/${i}` }))),
    )
    await finish()
    for (let i = 0; i < 5; i++) budgets.sweep()
    await finish()
    for (const one of opened) one.close()
    clock.ms += 60_000
    for (let i = 0; i < 5; i++) budgets.sweep()
    await finish()
    for (let i = 0; i < 5; i++) budgets.sweep()
    await finish()
    expect(budgets.keys).toBe(0)
    expect(busy.most).toBeLessThanOrEqual(ASKS_MAX - 128)
    expect(busy.now).toBe(0)
  })

  it('that are exhausted keep nobody out, and are exhausted still when they come back', async () => {
    const clock = movableClock()
    const store = createMemoryStore({ clock })
    const budgets = budgetsOver(store, clock, { keysMax: 50 })
    const of = (sub: string, max = 1) => occasion([amount({ unit: 'requests', max })], { sub })
    for (let i = 0; i < 50; i++) {
      open(budgets.open(of(`user:dev/mallory${i}`))).close()
      await turn()
    }
    expect(budgets.keys).toBe(50)
    const alice = await budgets.open(of('user:dev/alice', 100))
    expect(alice).not.toHaveProperty('refusal')
    // The one that had to go for her.
    for (let i = 0; i < 50; i++) {
      expect(await budgets.open(of(`user:dev/mallory${i}`))).toMatchObject({
        refusal: { reason: 'budget_exhausted' },
      })
    }
    // Also when there is room again.
    for (let i = 50; i < 60; i++) await budgets.open(of(`user:dev/mallory${i}`))
    clock.ms += 60_000
    for (let i = 0; i < 60; i++) {
      expect(await budgets.open(of(`user:dev/mallory${i}`))).toHaveProperty('refusal')
    }
  })
})

describe('a replica that goes on without the store', () => {
  const NONE: Lease = { granted: 0, left: 0, retryAfterMs: 1_000 }

  it('has no more than the budget in a window, however often the store comes and goes', async () => {
    const store = heldStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock, { whenUnavailable: 'continue' })
    const hundred = occasion([amount({ unit: 'requests', max: 100 })])
    let passed = 0
    for (let outage = 0; outage < 20; outage++) {
      for (let i = 0; i < 60; i++) {
        const one = budgets.open(hundred)
        await turn()
        if (outage % 2 === 0) store.fail()
        else store.answer(() => (passed < 30 ? ALL(NO_ASK) : NONE))
        await turn()
        const opened = await one
        if (!('refusal' in opened)) passed += 1
        if ('close' in opened) opened.close()
      }
      clock.ms += 20_000
    }
    // One lease ahead, as every replica may be.
    expect(passed).toBeLessThanOrEqual(105)
    expect(passed).toBeGreaterThan(50)
  })

  it('gives the store nothing back that the store did not give', async () => {
    const store = heldStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock, { whenUnavailable: 'continue' })
    const hundred = occasion([amount({ unit: 'requests', max: 100 })])
    open(budgets.open(hundred)).close()
    await turn()
    store.fail()
    await turn()
    clock.ms += 2_000
    for (let i = 0; i < 3; i++) open(budgets.open(hundred)).close()
    await turn()
    store.answer(({ amount: n }) => ({ granted: Math.min(n, 2), left: 0, retryAfterMs: 1_000 }))
    await turn()
    clock.ms += 60_000
    budgets.sweep()
    await turn()
    const returned = store.returned.reduce((sum, one) => sum + one.amount, 0)
    expect(returned).toBeLessThanOrEqual(2)
  })
})

const NO_ASK = { key: '', windowMs: 3_600_000, max: 100, amount: 5 }
