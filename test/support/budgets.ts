/** Budgets over a store, for tests, and the parts they are made of. */
import {
  createBudgets,
  type BudgetEvents,
  type RunningBudgets,
} from '../../gateway/budget/budgets.ts'
import type { DecidedOperation, Obligation } from '../../gateway/domain/access.ts'
import type { BudgetOccasion } from '../../gateway/domain/budget.ts'
import type { Clock } from '../../gateway/domain/clock.ts'
import type { Lease, LeaseAsk, QuotaStore } from '../../gateway/domain/shared-state.ts'
import type { Resource } from '../../gateway/domain/vocabulary.ts'
import { ALICE, PERMIT } from './pipeline.ts'

/** A clock that tests move. */
export interface MovableClock extends Clock {
  ms: number
}

/** Stands still at a second of 2023. */
export function movableClock(): MovableClock {
  const clock = { ms: 0, now: () => 1_700_000_000_000 + clock.ms, monotonicMs: () => clock.ms }
  return clock
}

/** Budgets of a twentieth a lease. */
export function budgetsOver(
  store: QuotaStore,
  clock: Clock,
  more: { events?: BudgetEvents; keysMax?: number; whenUnavailable?: 'refuse' | 'continue' } = {},
): RunningBudgets {
  return createBudgets({
    store,
    clock,
    leasePercent: 5,
    whenUnavailable: 'refuse',
    holder: 'test',
    ...more,
  })
}

/** An amount in a window, by default for each subject. */
export function amount(parameters: Obligation['parameters']): Obligation {
  return {
    type: 'budget.amount',
    parameters: { limit: 'apps', per: 'subject', unit: 'bytes', window: 'hour', ...parameters },
    source: 'limits.yaml:7',
  }
}

/** Places for streams. */
export function places(parameters: Obligation['parameters']): Obligation {
  return {
    type: 'budget.streams',
    parameters: { limit: 'apps', per: 'subject', ...parameters },
    source: 'limits.yaml:8',
  }
}

/** What alice asks of one model, with these obligations. */
export function occasion(
  obligations: readonly Obligation[],
  more: { resource?: Resource; sub?: string; grant?: string } = {},
): BudgetOccasion {
  const { resource = { kind: 'model', name: 'm' }, sub = ALICE.id, grant } = more
  const decided: DecidedOperation = {
    action: 'infer',
    resource,
    decision: { ...PERMIT, obligations },
  }
  return {
    decisions: [decided],
    subject: { ...ALICE, id: sub },
    environment: {
      now: 0,
      client: { ip: '127.0.0.1', source: 'peer' },
      ...(grant === undefined ? {} : { grant: { id: grant, expiresAt: 1e15 } }),
    },
  }
}

/** A store whose answers a test gives, or that does not answer. */
export interface HeldStore extends QuotaStore {
  readonly asked: LeaseAsk[][]
  readonly returned: { key: string; amount: number }[]
  /** Answers the oldest ask that waits; each of its parts by `answer`. */
  answer(answer: (ask: LeaseAsk) => Lease): void
  fail(): void
}

/** Nothing is answered until the test does. */
export function heldStore(): HeldStore {
  const waiting: {
    asks: readonly LeaseAsk[]
    resolve: (l: Lease[]) => void
    reject: () => void
  }[] = []
  const asked: LeaseAsk[][] = []
  const returned: { key: string; amount: number }[] = []
  return {
    asked,
    returned,
    lease: (asks) =>
      new Promise((resolve, reject) => {
        asked.push([...asks])
        waiting.push({ asks, resolve, reject: () => reject(new Error('no store')) })
      }),
    giveBack(parts) {
      returned.push(...parts.map(({ key, amount: n }) => ({ key, amount: n })))
      return Promise.resolve()
    },
    hold: ({ places: wanted, max }) => Promise.resolve(Math.min(wanted, max)),
    answer(answer) {
      const one = waiting.shift()
      one?.resolve(one.asks.map(answer))
    },
    fail: () => waiting.shift()?.reject(),
  }
}

/** Everything that was asked for. */
export const ALL = (ask: LeaseAsk): Lease => ({ granted: ask.amount, left: 0, retryAfterMs: 0 })

/** Lets promises and one turn of the event loop go by. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}
