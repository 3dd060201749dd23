/** The places for streams of one key that this replica has. */
import type { BudgetName } from '../domain/budget.ts'
import type { Refusal } from '../domain/refusal.ts'
import { leaseOf, type AccountRules, type Standing } from './account-rules.ts'
import type { BudgetSpec } from './budget-ask.ts'
import { exhausted, unavailable } from './budget-words.ts'

/** How places are held. */
export interface PlaceRules extends AccountRules {
  /** This process; chosen at its start. */
  readonly holder: string
}

/** A replica that says nothing for so long has lost its places. */
export const PLACES_TTL_MS = 15_000

/** Full is asked about again after this; so is a store that did not answer. */
const RETRY_MS = 1_000

/**
 * Streams of one key in this process. As many are in use as the store has given places for, and
 * while it has not answered one lease more.
 */
export class PlaceAccount {
  readonly key: string
  inUse = 0
  lastUsedMs: number
  private spec: BudgetSpec
  private held = 0
  private heldUntilMs = -Infinity
  private isAsking = false
  private fullUntilMs = -Infinity
  private retryMs = -Infinity
  private waiting: { readonly promise: Promise<void>; readonly settle: () => void } | undefined
  private waitingCount = 0
  private readonly rules: PlaceRules

  constructor(key: string, spec: BudgetSpec, rules: PlaceRules, nowMs: number) {
    this.key = key
    this.spec = spec
    this.rules = rules
    this.lastUsedMs = nowMs
  }

  get name(): BudgetName {
    return this.spec
  }

  adopt(spec: BudgetSpec): void {
    if (spec.max > this.spec.max) this.fullUntilMs = -Infinity
    this.spec = spec
  }

  /** Whether one more stream may begin. */
  standing(nowMs: number): Standing {
    const held = nowMs < this.heldUntilMs ? this.held : 0
    if (this.inUse < held) return 'enough'
    if (nowMs < this.fullUntilMs || this.inUse >= this.spec.max) return 'exhausted'
    const credit = Math.min(leaseOf(this.spec.max, this.rules.leaseShare), this.spec.max - held)
    if (this.inUse + 1 <= held + credit) return 'enough'
    if (nowMs < this.retryMs) return this.standingAlone()
    this.waitingCount += 1
    void this.ask(0)
    return 'wait'
  }

  begin(nowMs: number): void {
    this.inUse += 1
    this.lastUsedMs = nowMs
    if (this.inUse > this.held && nowMs >= this.retryMs) void this.ask(0)
  }

  end(nowMs: number): void {
    this.inUse = Math.max(0, this.inUse - 1)
    this.lastUsedMs = nowMs
  }

  /** Says that this replica is alive, and gives back places that nobody uses. */
  beat(): Promise<void> | undefined {
    return this.inUse > 0 || this.held > 0 ? this.ask(0) : undefined
  }

  answering(): Promise<void> | undefined {
    if (!this.isAsking) return undefined
    if (this.waiting === undefined) {
      let settle = (): void => undefined
      const promise = new Promise<void>((resolve) => (settle = resolve))
      this.waiting = { promise, settle }
    }
    return this.waiting.promise
  }

  canGo(nowMs: number): boolean {
    return this.inUse === 0 && this.held === 0 && !this.isAsking && nowMs >= this.fullUntilMs
  }

  refusal(standing: Standing): Refusal {
    return standing === 'exhausted' ? exhausted(this.spec, RETRY_MS) : unavailable()
  }

  private standingAlone(): Standing {
    if (this.rules.whenUnavailable === 'refuse') return 'unavailable'
    return this.inUse < this.spec.max ? 'enough' : 'exhausted'
  }

  private async ask(round: number): Promise<void> {
    if (this.isAsking) return
    this.isAsking = true
    // What is wanted is counted when it is sent: others may begin in the same turn.
    await Promise.resolve()
    const { key, spec, rules } = this
    const places = this.inUse + this.waitingCount
    this.waitingCount = 0
    const ask = { key, holder: rules.holder, places, max: spec.max, ttlMs: PLACES_TTL_MS }
    const sentMs = rules.clock.monotonicMs()
    const held = await rules.desk.hold(ask)
    this.isAsking = false
    const nowMs = rules.clock.monotonicMs()
    if (held === undefined) this.retryMs = nowMs + RETRY_MS
    else {
      this.held = held
      this.heldUntilMs = sentMs + PLACES_TTL_MS
      this.retryMs = -Infinity
      this.fullUntilMs = held < places ? nowMs + RETRY_MS : -Infinity
    }
    const { waiting } = this
    this.waiting = undefined
    waiting?.settle()
    // Some began meanwhile.
    if (held !== undefined && this.inUse > held && held >= places && round < 8) {
      await this.ask(round + 1)
    }
  }
}
