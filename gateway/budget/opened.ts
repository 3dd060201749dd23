/** The budgets of one exchange. */
import type {
  BudgetCount,
  BudgetName,
  BudgetOccasion,
  BudgetRefusal,
  OpenBudget,
} from '../domain/budget.ts'
import type { Clock } from '../domain/clock.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import type { AmountAccount } from './amount-account.ts'
import { asksOf, notCountable, type BudgetAsk, type BudgetSpec } from './budget-ask.ts'
import { neverFits, tooLong, unavailable } from './budget-words.ts'
import type { PlaceAccount } from './place-account.ts'

/** Where the budgets of an exchange come from, and who is told of them. */
export interface Keeper {
  readonly clock: Clock
  /** The account of a key; `undefined` when there are as many as may be. */
  amount(ask: BudgetAsk, nowMs: number): AmountAccount | undefined
  places(ask: BudgetAsk, nowMs: number): PlaceAccount | undefined
  onUsed(count: BudgetCount): void
  onRefused(budget: BudgetName): void
}

/** Longest wait for an answer of the store, however often it is asked. */
export const WAIT_MS = 5_000

const COUNTS_MAX = 64

/** See {@link OpenBudget}. */
export class Opened implements OpenBudget {
  exhausted: BudgetName | undefined
  private readonly asks: BudgetAsk[] = []
  private readonly requests: AmountAccount[] = []
  private readonly bytes: AmountAccount[] = []
  private readonly tokens: AmountAccount[] = []
  private readonly vectors: AmountAccount[] = []
  private readonly caps: BudgetSpec[] = []
  private readonly streams: PlaceAccount[] = []
  private readonly accounts: (AmountAccount | PlaceAccount)[] = []
  private readonly used = { bytes: 0, requests: 0, tokens: 0, vectors: 0 }
  private pending: Promise<void> | undefined
  private waitUntilMs: number | undefined
  private isBegun = false
  private isClosed = false
  private readonly keeper: Keeper

  constructor(keeper: Keeper) {
    this.keeper = keeper
  }

  get countsBytes(): boolean {
    return this.bytes.length > 0 || this.caps.length > 0
  }

  get reads(): { readonly tokens: boolean; readonly vectors: boolean } {
    return { tokens: this.tokens.length > 0, vectors: this.vectors.length > 0 }
  }

  /** Takes the accounts of `asks`; false when there are too many. */
  attach(asks: readonly BudgetAsk[]): boolean {
    const nowMs = this.keeper.clock.monotonicMs()
    for (const ask of asks) {
      this.asks.push(ask)
      const { unit, window } = ask.spec
      if (window === 'request') this.caps.push(ask.spec)
      else if (unit === 'streams') {
        const account = this.keeper.places(ask, nowMs)
        if (account === undefined) return false
        this.streams.push(account)
        this.accounts.push(account)
      } else {
        const account = this.keeper.amount(ask, nowMs)
        if (account === undefined) return false
        account.openCount += 1
        this[unit].push(account)
        this.accounts.push(account)
      }
    }
    return true
  }

  /** Counts the request and its stream if all its budgets have room for it; else nothing. */
  begin(): BudgetRefusal | 'wait' | undefined {
    const nowMs = this.keeper.clock.monotonicMs()
    let waitsFor: AmountAccount | PlaceAccount | undefined
    for (const account of this.accounts) {
      const standing = 'inUse' in account ? account.standing(nowMs) : account.standing(1, nowMs)
      if (standing === 'wait') waitsFor = account
      else if (standing !== 'enough') {
        return this.blame(account.name, account.refusal(standing))
      }
    }
    if (waitsFor !== undefined) return this.waitFor(waitsFor, nowMs) ?? 'wait'
    for (const account of this.requests) account.take(1, nowMs)
    for (const account of this.streams) account.begin(nowMs)
    this.used.requests = 1
    this.waitUntilMs = undefined
    this.isBegun = true
    return undefined
  }

  take(bytes: number): Refusal | 'wait' | undefined {
    const nowMs = this.keeper.clock.monotonicMs()
    const cap = this.caps.find(({ max }) => this.used.bytes + bytes > max)
    if (cap !== undefined) return this.blame(cap, tooLong(cap)).refusal
    const owed = this.owed(nowMs)
    if (owed !== undefined) return owed
    let waitsFor: AmountAccount | undefined
    for (const account of this.bytes) {
      const standing = account.standing(bytes, nowMs)
      if (standing === 'wait') waitsFor = account
      else if (standing !== 'enough') {
        return this.blame(account.name, account.refusal(standing)).refusal
      }
    }
    if (waitsFor !== undefined) return this.waitFor(waitsFor, nowMs)?.refusal ?? 'wait'
    for (const account of this.bytes) account.take(bytes, nowMs)
    this.used.bytes += bytes
    this.waitUntilMs = undefined
    return undefined
  }

  ready(): Promise<void> | undefined {
    return this.pending
  }

  declared(bytes: number): Refusal | undefined {
    const cap = this.caps.find(({ max }) => bytes > max)
    if (cap !== undefined) return this.blame(cap, tooLong(cap)).refusal
    for (const { spec } of this.asks) {
      if (spec.unit !== 'bytes' || bytes <= spec.max) continue
      return this.blame(spec, neverFits(spec, spec.windowMs)).refusal
    }
    return undefined
  }

  charge(unit: 'tokens' | 'vectors', n: number): void {
    if (this.isClosed || n <= 0) return
    const nowMs = this.keeper.clock.monotonicMs()
    for (const account of this[unit]) account.charge(n, nowMs)
    this.used[unit] += n
  }

  more(occasion: BudgetOccasion): Refusal | undefined {
    const asks = asksOf(occasion)
    if ('source' in asks) return notCountable(asks)
    const known = new Set(this.asks.map(({ key }) => key))
    const fresh = asks.filter(({ key, spec }) => {
      return !known.has(key) && spec.unit !== 'requests' && spec.unit !== 'streams'
    })
    if (fresh.length === 0) return undefined
    if (this.isClosed || !this.attach(fresh)) return unavailable()
    const nowMs = this.keeper.clock.monotonicMs()
    for (const account of this.accounts) {
      if ('inUse' in account || !fresh.some(({ key }) => key === account.key)) continue
      const standing = account.standing(1, nowMs)
      // What is not known yet is known when the bytes are there.
      if (standing === 'enough' || standing === 'wait') continue
      return this.blame(account.name, account.refusal(standing)).refusal
    }
    return undefined
  }

  covers(occasion: BudgetOccasion): boolean {
    const asks = asksOf(occasion)
    if ('source' in asks) return false
    return asks.every(({ key, spec }) => {
      if (spec.unit === 'requests' || spec.unit === 'streams') return true
      return this.asks.some((taken) => taken.key === key && taken.spec.max <= spec.max)
    })
  }

  counted(): readonly BudgetCount[] {
    const counts: BudgetCount[] = []
    for (const { spec } of this.asks) {
      const { limit, unit } = spec
      if (unit === 'streams' || counts.length === COUNTS_MAX) continue
      if (counts.some((one) => one.limit === limit && one.unit === unit)) continue
      counts.push({ limit, unit, n: this.used[unit] })
    }
    return counts
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    const nowMs = this.keeper.clock.monotonicMs()
    for (const account of this.accounts) {
      if (!('inUse' in account)) account.openCount -= 1
      else if (this.isBegun) account.end(nowMs)
    }
    for (const count of this.counted()) if (count.n > 0) this.keeper.onUsed(count)
  }

  /** What was charged while the exchange goes on must not be more than there was. */
  private owed(nowMs: number): Refusal | undefined {
    if (this.used.tokens + this.used.vectors === 0) return undefined
    for (const account of [...this.tokens, ...this.vectors]) {
      const standing = account.standing(1, nowMs)
      if (standing === 'exhausted')
        return this.blame(account.name, account.refusal(standing)).refusal
    }
    return undefined
  }

  private blame(budget: BudgetName, refusal: Refusal): BudgetRefusal {
    if (refusal.reason === 'state_unavailable') return { refusal }
    this.exhausted = budget
    this.keeper.onRefused(budget)
    return { refusal, budget }
  }

  private waitFor(account: AmountAccount | PlaceAccount, nowMs: number): BudgetRefusal | undefined {
    this.waitUntilMs ??= nowMs + WAIT_MS
    if (nowMs >= this.waitUntilMs) return { refusal: unavailable() }
    this.pending = within(account.answering(), this.waitUntilMs - nowMs).then(() => {
      this.pending = undefined
    })
    return undefined
  }
}

/** The refusal of a request for which there is no room to count. */
export function tooManyKeys(): BudgetRefusal {
  const detail = 'This gateway counts as many budgets as it can.'
  return { refusal: refuse('state_unavailable', { detail, retryAfter: 1 }) }
}

/** Settles with `answer`, or when the time is over. */
async function within(answer: Promise<void> | undefined, ms: number): Promise<void> {
  if (answer === undefined) return
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([answer, over])
  clearTimeout(timer)
}
