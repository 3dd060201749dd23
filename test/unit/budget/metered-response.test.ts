import { describe, expect, it } from '@jest/globals'
import { AnswerUse } from '../../../gateway/budget/answer-use.ts'
import { meterResponse } from '../../../gateway/budget/metered-response.ts'
import type { OpenBudget } from '../../../gateway/domain/budget.ts'
import type { Obligation } from '../../../gateway/domain/access.ts'
import type { ResponseGuard } from '../../../gateway/domain/ports.ts'
import {
  ALL,
  amount,
  budgetsOver,
  heldStore,
  movableClock,
  occasion,
  turn,
} from '../../support/budgets.ts'

const PASS: ResponseGuard = {
  head: (head) => head,
  chunk: () => undefined,
  end: () => undefined,
}

const HEAD = { status: 200, headers: ['content-type', 'application/json'] }

function metered(obligations: readonly Obligation[], inner = PASS) {
  const store = heldStore()
  const clock = movableClock()
  const used: object[] = []
  const budgets = budgetsOver(store, clock, { events: { onUsed: (count) => used.push(count) } })
  const budget = budgets.open(occasion(obligations)) as OpenBudget
  const use = new AnswerUse(budget)
  const guard = meterResponse(inner, { budget, use, bodyless: false })
  const end = () => {
    use.charge()
    budget.close()
  }
  return { store, clock, guard, budget, used, end }
}

const bytes = (n: number) => Buffer.alloc(n, 0x61)

describe('a metered answer', () => {
  it('passes what there is credit for, keeps the piece beyond it, and lets it leave when refilled', async () => {
    const { store, guard } = metered([amount({ max: 1_000 })])
    guard.head(HEAD)
    expect(guard.chunk(bytes(50))).toBeUndefined()
    expect(guard.chunk(bytes(40))).toHaveLength(0)
    expect(guard.keeps?.()).toBe(true)
    const ready = guard.ready?.()
    await turn()
    expect(store.asked.flat()[0]?.amount).toBe(100)
    store.answer(ALL)
    await ready
    expect(guard.chunk(bytes(0))).toHaveLength(40)
    expect(guard.keeps?.()).toBe(false)
  })

  it('is cut before the byte that would be too many when nothing is left', async () => {
    const { store, guard, budget } = metered([amount({ max: 1_000 })])
    guard.head(HEAD)
    guard.chunk(bytes(50))
    guard.chunk(bytes(1))
    const ready = guard.ready?.()
    await turn()
    store.answer(() => ({ granted: 0, left: 0, retryAfterMs: 7_000 }))
    await ready
    expect(guard.chunk(bytes(0))).toMatchObject({ reason: 'budget_exhausted', retryAfter: 7 })
    expect(budget.exhausted).toMatchObject({ limit: 'apps', unit: 'bytes' })
    expect(guard.chunk(bytes(1))).toMatchObject({ reason: 'budget_exhausted' })
  })

  it('is refused when the store does not answer in time, and the credit is used up', async () => {
    const { store, clock, guard } = metered([amount({ max: 1_000 })])
    guard.head(HEAD)
    guard.chunk(bytes(50))
    guard.chunk(bytes(1))
    const ready = guard.ready?.()
    await turn()
    store.fail()
    await ready
    clock.ms += 10
    expect(guard.chunk(bytes(0))).toMatchObject({ reason: 'state_unavailable' })
  })

  it('counts what a guard within held back, and asks for the end again', async () => {
    const inner: ResponseGuard = { ...PASS, chunk: () => 'hold', end: () => bytes(30) }
    const { store, guard } = metered([amount({ max: 1_000 })], inner)
    guard.head(HEAD)
    expect(guard.chunk(bytes(40))).toBe('hold')
    expect(guard.end()).toHaveLength(0)
    const ready = guard.ready?.()
    await turn()
    expect(store.asked.flat()[0]?.amount).toBe(70)
    store.answer(ALL)
    await ready
    expect(guard.end()).toHaveLength(30)
  })

  it('is refused by its head when that announces too much', () => {
    const { guard } = metered([amount({ max: 1_000 })])
    const long = { status: 200, headers: ['content-length', '1001'] }
    expect(guard.head(long)).toMatchObject({ reason: 'budget_exhausted' })
  })

  it('counts against all its budgets or none', async () => {
    const { store, guard, used, end } = metered([
      amount({ max: 10_000 }),
      amount({ max: 100, limit: 'small' }),
    ])
    guard.head(HEAD)
    expect(guard.chunk(bytes(5))).toBeUndefined()
    guard.chunk(bytes(90))
    const ready = guard.ready?.()
    await turn()
    store.answer(() => ({ granted: 0, left: 0, retryAfterMs: 1 }))
    await ready
    guard.chunk(bytes(0))
    end()
    expect(used).toEqual([
      { limit: 'apps', unit: 'bytes', n: 5 },
      { limit: 'small', unit: 'bytes', n: 5 },
    ])
  })

  it('passes as it is where nothing of its bytes is counted', () => {
    const { guard, used, end } = metered([amount({ unit: 'requests', max: 9 })])
    guard.head(HEAD)
    expect(guard.chunk(bytes(100_000))).toBeUndefined()
    expect(guard.end()).toBeUndefined()
    end()
    expect(used).toEqual([{ limit: 'apps', unit: 'requests', n: 1 }])
  })
})

describe('what an answer is charged', () => {
  const charged = (
    unit: string,
    text: string,
    more: { status?: number; cut?: boolean; headers?: string[] } = {},
  ) => {
    const { guard, used, end } = metered([amount({ unit, max: 100_000 })])
    guard.head({ status: more.status ?? 200, headers: more.headers ?? HEAD.headers })
    guard.chunk(Buffer.from(text))
    if (more.cut !== true) guard.end()
    end()
    return used.map((count) => (count as { n: number }).n)[0] ?? 0
  }
  const report = '{"usage":{"total_tokens":7}}'

  it('is what it reports', () => expect(charged('tokens', report)).toBe(7))
  it('is an estimate without a report', () => expect(charged('tokens', 'x'.repeat(41))).toBe(11))
  it('is the larger of both when it was cut short', () => {
    expect(charged('tokens', report + ' '.repeat(372), { cut: true })).toBe(100)
  })
  it('is nothing for an error that reports nothing', () => {
    expect(charged('tokens', 'x'.repeat(100), { status: 500 })).toBe(0)
  })
  it('is an estimate where it is coded', () => {
    const headers = [...HEAD.headers, 'content-encoding', 'gzip']
    expect(charged('tokens', report, { headers })).toBe(7)
    expect(charged('vectors', 'x'.repeat(2_049), { headers })).toBe(3)
  })
  it('is no vector for a text', () => expect(charged('vectors', '{"text":"hello"}')).toBe(0))
})
