/** The part of one budget that this replica has: what it was given, and what it used. */
import type { BudgetName } from '../domain/budget.ts'
import type { GiveBack, Lease, LeaseAsk } from '../domain/shared-state.ts'
import type { BudgetSpec } from './budget-ask.ts'
import { exhausted, unavailable } from './budget-words.ts'
import type { Refusal } from '../domain/refusal.ts'
import { leaseOf, type AccountBegin, type AccountRules, type Standing } from './account-rules.ts'
import type { Asker } from './lease-desk.ts'
import { LocalWindow } from './local-window.ts'

/** The store is left alone for so long after it did not answer. */
const RETRY_MS = 1_000

/** What is asked for at once, at most: the store counts whole numbers. */
const AMOUNT_MAX = Number.MAX_SAFE_INTEGER

/**
 * One key of one budget. What was given by the store less what was used is the balance: never more
 * than one lease that is not used yet, and never less than one lease on credit, which is how a
 * request can go on before the store has answered. Credit ends when the store has said that there is
 * no more, until the time it named. What answers turn out to have used (`charge`) may exceed that,
 * up to the whole budget, and is paid back first.
 */
export class AmountAccount implements Asker {
  readonly key: string
  /** Exchanges that have it open. */
  openCount = 0
  /** Monotonic milliseconds. */
  lastUsedMs: number
  private spec: BudgetSpec
  private lease: number
  private balance = 0
  private isAsking = false
  /** How much the ask under way is for. */
  private asked = 0
  private exhaustedUntilMs = -Infinity
  private retryMs = -Infinity
  private isUnavailable = false
  /** What this replica was given by the store and by itself, where it may go on without the store. */
  private readonly local: LocalWindow | undefined
  /** The last that was given, this replica gave itself. */
  private isAlone = false
  /** Whether one lease may be used before the store has said anything. */
  private hasCredit: boolean
  /** When it was sent. */
  private askedMs = -Infinity
  /** What those who wait for the answer need. */
  private wanted = 0
  private answer: { readonly promise: Promise<void>; readonly settle: () => void } | undefined
  private nowMs: number
  private readonly rules: AccountRules

  constructor(key: string, spec: BudgetSpec, rules: AccountRules, at: AccountBegin) {
    this.key = key
    this.spec = spec
    this.rules = rules
    this.lease = leaseOf(spec.max, rules.leaseShare)
    this.lastUsedMs = at.nowMs
    this.nowMs = at.nowMs
    this.hasCredit = at.hasCredit
    const isLocal = rules.whenUnavailable === 'continue'
    this.local = isLocal ? new LocalWindow(spec.windowMs) : undefined
  }

  get name(): BudgetName {
    return this.spec
  }

  /** What is used and not given yet; 0 when there is none. */
  get debt(): number {
    return Math.max(0, -this.balance)
  }

  /** The maximum is that of the rules in force, and so is the place it is written at. */
  adopt(spec: BudgetSpec): void {
    if (spec === this.spec) return
    if (spec.max !== this.spec.max) this.lease = leaseOf(spec.max, this.rules.leaseShare)
    // More may be left now than the store said there was under the old maximum.
    if (spec.max > this.spec.max) this.exhaustedUntilMs = -Infinity
    this.spec = spec
  }

  /** Whether `n` may be used. When that is not known, the store is asked. */
  standing(n: number, nowMs: number): Standing {
    this.nowMs = nowMs
    const isExhausted = nowMs < this.exhaustedUntilMs
    if (this.balance + this.credit(isExhausted) >= n) return 'enough'
    if (isExhausted) return 'exhausted'
    if (this.isClosed(nowMs)) return 'unavailable'
    this.wanted += n
    this.refill()
    return this.isAsking ? 'wait' : this.standingNow(n)
  }

  private credit(isExhausted: boolean): number {
    return isExhausted || !this.hasCredit ? 0 : this.lease
  }

  /** The store did not answer, and is not to be asked again yet. */
  private isClosed(nowMs: number): boolean {
    const { whenUnavailable } = this.rules
    return this.isUnavailable && nowMs < this.retryMs && whenUnavailable === 'refuse'
  }

  /** What a window of its own said at once. */
  private standingNow(n: number): Standing {
    const isExhausted = this.nowMs < this.exhaustedUntilMs
    if (this.balance + this.credit(isExhausted) >= n) return 'enough'
    return isExhausted ? 'exhausted' : 'unavailable'
  }

  /** Uses `n`, after {@link standing} said that there is enough. */
  take(n: number, nowMs: number): void {
    this.nowMs = nowMs
    this.lastUsedMs = nowMs
    this.balance -= n
    if (this.balance * 2 < this.lease) this.refill()
  }

  /** Uses `n`, whatever is left. */
  charge(n: number, nowMs: number): void {
    this.take(n, nowMs)
    // What was used a whole window ago is not owed any more: nor can more than one be.
    this.balance = Math.max(this.balance, -this.spec.max)
  }

  /** Why it was not {@link standing} well. */
  refusal(standing: Standing): Refusal {
    if (standing !== 'exhausted') return unavailable()
    return exhausted(this.spec, this.exhaustedUntilMs - this.nowMs)
  }

  /** Settles with the store's next answer. */
  answering(): Promise<void> | undefined {
    if (!this.isAsking) return undefined
    if (this.answer === undefined) {
      let settle = (): void => undefined
      const promise = new Promise<void>((resolve) => (settle = resolve))
      this.answer = { promise, settle }
    }
    return this.answer.promise
  }

  /** Asks again for what is owed, once there may be some. */
  settleDebt(nowMs: number): void {
    this.nowMs = nowMs
    if (this.balance < 0) this.refill()
  }

  /** Whether nothing would be forgotten with it but what can be given back. */
  canGo(nowMs: number): boolean {
    if (this.openCount > 0 || this.isAsking) return false
    if (nowMs - this.lastUsedMs > this.spec.windowMs) return true
    return this.balance >= 0 && nowMs >= this.exhaustedUntilMs
  }

  /** Until when there is no more, monotonic milliseconds; -Infinity when there may be some. */
  get overUntilMs(): number {
    return this.exhaustedUntilMs
  }

  /** Whether the store knows all of it, so that it can go when the key begins anew without credit. */
  canGoWithoutCredit(): boolean {
    return this.openCount === 0 && !this.isAsking && this.balance >= 0
  }

  /** What was given and not used, which is not there any more then. */
  handBack(nowMs: number): readonly GiveBack[] {
    const amount = this.balance
    // What this replica gave itself is not the store's.
    if (amount <= 0 || this.isAlone) return []
    this.balance = 0
    this.local?.takeOff(amount)
    const heldMs = Math.max(0, nowMs - this.askedMs)
    return [{ key: this.key, windowMs: this.spec.windowMs, amount, heldMs }]
  }

  asking(): LeaseAsk {
    this.askedMs = this.rules.clock.monotonicMs()
    const { key, lease, spec } = this
    const wanted = Math.max(lease, this.wanted) - this.balance
    this.asked = Math.max(1, Math.min(AMOUNT_MAX, Math.ceil(wanted)))
    return { key, windowMs: spec.windowMs, max: spec.max, amount: this.asked }
  }

  answered(lease: Lease): void {
    this.isAsking = false
    this.isUnavailable = false
    // What this replica gave itself cannot be given back to the store.
    if (this.isAlone) this.balance = Math.min(this.balance, 0)
    this.isAlone = false
    this.local?.note(lease.granted, this.rules.clock.monotonicMs())
    this.book(lease)
  }

  failed(): void {
    this.isAsking = false
    this.nowMs = this.rules.clock.monotonicMs()
    this.retryMs = this.nowMs + RETRY_MS
    this.isUnavailable = true
    if (this.local === undefined) this.tell()
    else this.giveItself(this.local)
  }

  private book({ granted, retryAfterMs }: Lease): void {
    this.nowMs = this.rules.clock.monotonicMs()
    this.balance += granted
    this.hasCredit = true
    const isAll = granted >= this.asked
    this.exhaustedUntilMs = isAll ? -Infinity : this.nowMs + Math.max(1, retryAfterMs)
    this.wanted = 0
    this.tell()
  }

  /** Together with what the store gave it, a replica has no more than the budget in a window. */
  private giveItself(local: LocalWindow): void {
    this.isAlone = true
    const { amount } = this.asking()
    this.book(local.lease(amount, this.spec.max, this.nowMs))
  }

  /** One ask at a time, none before the store may have something. */
  private refill(): void {
    if (this.isAsking || this.nowMs < this.exhaustedUntilMs) return
    if (this.isUnavailable && this.nowMs < this.retryMs) {
      if (this.local !== undefined) this.giveItself(this.local)
      return
    }
    this.isAsking = true
    this.rules.desk.ask(this)
  }

  private tell(): void {
    const { answer } = this
    this.answer = undefined
    answer?.settle()
  }
}
