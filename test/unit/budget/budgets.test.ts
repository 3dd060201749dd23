import { describe, expect, it } from '@jest/globals'
import type { OpenBudget } from '../../../gateway/domain/budget.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'
import {
  ALL,
  amount,
  budgetsOver,
  heldStore,
  movableClock,
  occasion,
  turn,
} from '../../support/budgets.ts'

const open = (value: unknown): OpenBudget => {
  if (value instanceof Promise || 'refusal' in (value as object)) throw new Error('not opened')
  return value as OpenBudget
}

const requests = (max: number) => occasion([amount({ unit: 'requests', max })])

describe('a budget that is opened', () => {
  it('goes on at once on credit, while a lease and what was used is asked for', async () => {
    const store = heldStore()
    const budgets = budgetsOver(store, movableClock())
    open(budgets.open(requests(100)))
    expect(store.asked).toEqual([])
    await turn()
    expect(store.asked.flat().map((ask) => ask.amount)).toEqual([6])
  })

  it('gives one lease on credit, and waits beyond it for the answer alone', async () => {
    const store = heldStore()
    const budgets = budgetsOver(store, movableClock())
    for (let i = 0; i < 5; i++) open(budgets.open(requests(100)))
    const sixth = budgets.open(requests(100))
    expect(sixth).toBeInstanceOf(Promise)
    await turn()
    store.answer(ALL)
    expect(open(await sixth)).toBeDefined()
  })

  it('is refused from memory once the store said that there is no more, until it comes back', async () => {
    const store = heldStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock)
    open(budgets.open(requests(100)))
    await turn()
    store.answer(() => ({ granted: 0, left: 0, retryAfterMs: 90_500 }))
    await turn()
    expect(budgets.open(requests(100))).toMatchObject({
      refusal: {
        reason: 'budget_exhausted',
        retryAfter: 91,
        detail:
          'Budget apps is used up: 100 requests in an hour (limits.yaml:7). ' +
          'Try again in 91 s, or ask the operator to raise it.',
      },
      budget: { limit: 'apps', unit: 'requests', window: 'hour', source: 'limits.yaml:7' },
    })
    clock.ms += 90_501
    open(budgets.open(requests(100)))
    await turn()
    // What was used on credit is asked for as well, and paid first.
    expect(store.asked.flat().map((ask) => ask.amount)).toEqual([6, 7])
  })

  it('uses up what it was given before it is refused', async () => {
    const store = heldStore()
    const budgets = budgetsOver(store, movableClock())
    open(budgets.open(requests(100)))
    await turn()
    store.answer(() => ({ granted: 3, left: 0, retryAfterMs: 1_000 }))
    await turn()
    open(budgets.open(requests(100)))
    open(budgets.open(requests(100)))
    expect(budgets.open(requests(100))).toHaveProperty('refusal')
  })

  it('is refilled before it runs out', async () => {
    const store = heldStore()
    const budgets = budgetsOver(store, movableClock())
    open(budgets.open(requests(200)))
    await turn()
    store.answer(ALL)
    await turn()
    for (let i = 0; i < 6; i++) open(budgets.open(requests(200)))
    await turn()
    expect(store.asked.flat().map((ask) => ask.amount)).toEqual([11, 6])
  })

  it('counts nothing of a request that another of its budgets refuses', async () => {
    const store = createMemoryStore({ clock: movableClock() })
    const budgets = budgetsOver(store, movableClock())
    const both = occasion([
      amount({ unit: 'requests', max: 1 }),
      amount({ unit: 'requests', max: 1_000, limit: 'other' }),
    ])
    open(budgets.open(both)).close()
    await turn()
    expect(await budgets.open(both)).toHaveProperty('refusal')
    const [lease] = await store.lease([
      {
        key: '5:othersubject,requests,hour,14:user:dev/alice',
        windowMs: 3_600_000,
        max: 1_000,
        amount: 1_000,
      },
    ])
    expect(lease?.granted).toBe(1_000 - 51)
  })

  it('gives back what nobody uses, and forgets the key', async () => {
    const store = heldStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock)
    const one = open(budgets.open(requests(100)))
    await turn()
    store.answer(ALL)
    await turn()
    clock.ms += 60_000
    budgets.sweep()
    expect(store.returned).toEqual([])
    one.close()
    budgets.sweep()
    expect(store.returned).toMatchObject([{ amount: 5 }])
    expect(budgets.keys).toBe(0)
  })

  it('keeps a key that owes, and refuses a new one when there is no room', async () => {
    const store = heldStore()
    const clock = movableClock()
    const budgets = budgetsOver(store, clock, { keysMax: 1 })
    open(budgets.open(requests(100))).close()
    await turn()
    store.answer(() => ({ granted: 0, left: 0, retryAfterMs: 600_000 }))
    await turn()
    clock.ms += 60_000
    budgets.sweep()
    expect(budgets.keys).toBe(1)
    const other = occasion([amount({ unit: 'requests', max: 9 })], { sub: 'user:dev/bob' })
    expect(budgets.open(other)).toMatchObject({ refusal: { reason: 'state_unavailable' } })
    clock.ms += 600_000
    budgets.sweep()
    await turn()
    store.answer(ALL)
    await turn()
    expect(open(budgets.open(other))).toBeDefined()
  })
})

describe('whose use is counted', () => {
  const opened = async (per: string, first: object, second: object) => {
    const store = createMemoryStore({ clock: movableClock() })
    const budgets = budgetsOver(store, movableClock())
    const obligations = [amount({ unit: 'requests', max: 1, per })]
    open(await budgets.open(occasion(obligations, first)))
    await turn()
    return 'refusal' in (await budgets.open(occasion(obligations, second)))
  }
  const fraud = { kind: 'model', name: 'fraud' } as const

  it.each([
    ['subject', { sub: 'user:dev/a' }, { sub: 'user:dev/a', resource: fraud }, true],
    ['subject', { sub: 'user:dev/a' }, { sub: 'user:dev/b' }, false],
    ['model', { sub: 'user:dev/a' }, { sub: 'user:dev/b' }, true],
    ['model', {}, { resource: fraud }, false],
    ['model', {}, { resource: { kind: 'model', name: 'm', version: '2' } }, true],
    ['subject-model', {}, { resource: fraud }, false],
    ['subject-model', {}, { resource: { kind: 'model', name: 'm', version: '2' } }, true],
    ['grant', { grant: 'g', sub: 'user:dev/a' }, { grant: 'g', sub: 'user:dev/b' }, true],
    ['grant', { grant: 'g' }, { grant: 'h' }, false],
  ])('per %s: %j then %j is one: %s', async (per, first, second, isOne) => {
    expect(await opened(per, first, second)).toBe(isOne)
  })

  it('cannot be mixed up by names that hold what keys are made of', async () => {
    const a = { sub: 'user:dev/x5:model1:m', resource: { kind: 'model', name: 'y' } as const }
    const b = { sub: 'user:dev/x', resource: { kind: 'model', name: '1:m5:modely' } as const }
    expect(await opened('subject-model', a, b)).toBe(false)
  })

  it.each([
    ['a grant when none is in use', { per: 'grant' }],
    ['a scope that is not known', { per: 'tenant' }],
    ['a unit that is not known', { unit: 'joules' }],
    ['a window that is not known', { window: 'fortnight' }],
    ['requests in one answer', { unit: 'requests', window: 'request' }],
    ['no amount', { max: 0 }],
  ])('cannot be counted for %s', (_, parameters) => {
    const budgets = budgetsOver(heldStore(), movableClock())
    expect(budgets.open(occasion([amount({ max: 10, ...parameters })]))).toMatchObject({
      refusal: { reason: 'obligation_unknown' },
    })
  })
})
