/** Counts what callers use, from memory, with parts of budgets that the store gave. */
import type {
  BudgetCount,
  BudgetName,
  BudgetOccasion,
  BudgetRefusal,
  Budgets,
  OpenBudget,
} from '../domain/budget.ts'
import type { Clock } from '../domain/clock.ts'
import type { QuotaStore } from '../domain/shared-state.ts'
import type { AccountRules } from './account-rules.ts'
import { AmountAccount } from './amount-account.ts'
import { asksOf, notCountable, type BudgetAsk } from './budget-ask.ts'
import { LeaseDesk, type DeskEvents } from './lease-desk.ts'
import { Opened, tooManyKeys, type Keeper } from './opened.ts'
import { PlaceAccount } from './place-account.ts'

/** What is needed to count. */
export interface BudgetsOptions {
  readonly store: QuotaStore
  readonly clock: Clock
  /** Percentage of a budget that is taken at a time, 1 to 100. */
  readonly leasePercent: number
  readonly whenUnavailable: 'refuse' | 'continue'
  /** This process; chosen at its start. */
  readonly holder: string
  /** Keys kept at a time. */
  readonly keysMax?: number
  readonly events?: BudgetEvents
}

/** What others may want to know. */
export interface BudgetEvents extends DeskEvents {
  onUsed?(count: BudgetCount): void
  onRefused?(budget: BudgetName): void
}

/** Budgets at work. */
export interface RunningBudgets extends Budgets {
  /** Keys in memory. */
  readonly keys: number
  /**
   * Gives back what is not used, forgets keys that are not in use, says that places are still held.
   * To be called every second.
   */
  sweep(): void
  /** Gives everything back; what is under way goes on with what it has. */
  stop(): Promise<void>
}

const KEYS_MAX = 100_000

/** Keys looked at in one sweep, and when room is made for one more. */
const SWEEP_KEYS = 8_192
const ROOM_KEYS = 64

/** A lease that nobody used for so long is given back; sooner for short windows. */
const IDLE_MS = 10_000

/** Sweeps between two signs of life: a third of the time after which places are lost. */
const BEAT_SWEEPS = 5

/** Builds them; nothing runs by itself. */
export function createBudgets(options: BudgetsOptions): RunningBudgets {
  return new BudgetKeeper(options)
}

class BudgetKeeper implements RunningBudgets, Keeper {
  readonly clock: Clock
  private readonly amounts = new Map<string, AmountAccount>()
  private readonly streams = new Map<string, PlaceAccount>()
  private readonly keysMax: number
  private readonly desk: LeaseDesk
  private readonly rules: AccountRules & { readonly holder: string }
  private readonly events: BudgetEvents
  private hand: IterableIterator<AmountAccount> | undefined
  private sweeps = 0
  /** Until then, keys that are not here may be exhausted. */
  private noCreditUntilMs = -Infinity

  constructor(options: BudgetsOptions) {
    const { store, clock, leasePercent, whenUnavailable, holder, events = {} } = options
    this.clock = clock
    this.events = events
    this.keysMax = options.keysMax ?? KEYS_MAX
    this.desk = new LeaseDesk(store, clock, events)
    this.rules = { desk: this.desk, clock, leaseShare: leasePercent / 100, whenUnavailable, holder }
  }

  get keys(): number {
    return this.amounts.size + this.streams.size
  }

  open(occasion: BudgetOccasion): OpenBudget | BudgetRefusal | Promise<OpenBudget | BudgetRefusal> {
    const asks = asksOf(occasion)
    if ('source' in asks) return { refusal: notCountable(asks) }
    const opened = new Opened(this)
    if (!opened.attach(asks)) {
      opened.close()
      return tooManyKeys()
    }
    const begun = opened.begin()
    return begun === 'wait' ? beginLater(opened) : settled(opened, begun)
  }

  amount(ask: BudgetAsk, nowMs: number): AmountAccount | undefined {
    const known = this.amounts.get(ask.key)
    if (known !== undefined) {
      known.adopt(ask.spec)
      return known
    }
    if (this.keys >= this.keysMax && !this.makeRoom(nowMs)) return undefined
    // It may be one that was exhausted and had to go: only the store knows.
    const hasCredit = nowMs >= this.noCreditUntilMs
    const account = new AmountAccount(ask.key, ask.spec, this.rules, { nowMs, hasCredit })
    this.amounts.set(ask.key, account)
    return account
  }

  places(ask: BudgetAsk, nowMs: number): PlaceAccount | undefined {
    const known = this.streams.get(ask.key)
    if (known !== undefined) {
      known.adopt(ask.spec)
      return known
    }
    if (this.keys >= this.keysMax && !this.makeRoom(nowMs)) return undefined
    const account = new PlaceAccount(ask.key, ask.spec, this.rules, nowMs)
    this.streams.set(ask.key, account)
    return account
  }

  onUsed(count: BudgetCount): void {
    this.events.onUsed?.(count)
  }

  onRefused(budget: BudgetName): void {
    this.events.onRefused?.(budget)
  }

  sweep(): void {
    const nowMs = this.clock.monotonicMs()
    const back = []
    for (const account of this.next(SWEEP_KEYS)) {
      account.settleDebt(nowMs)
      if (account.openCount > 0 || nowMs - account.lastUsedMs < idleMsOf(account)) continue
      back.push(...account.handBack(nowMs))
      if (account.canGo(nowMs)) this.amounts.delete(account.key)
    }
    if (back.length > 0) void this.desk.giveBack(back)
    this.sweeps += 1
    if (this.sweeps % BEAT_SWEEPS !== 0) return
    for (const account of this.streams.values()) {
      if (account.canGo(nowMs)) this.streams.delete(account.key)
      else void account.beat()
    }
  }

  async stop(): Promise<void> {
    const nowMs = this.clock.monotonicMs()
    const back = [...this.amounts.values()].flatMap((account) => account.handBack(nowMs))
    const held = [...this.streams.values()].filter(({ inUse }) => inUse === 0)
    await Promise.all([this.desk.giveBack(back), ...held.map((account) => account.beat())])
  }

  /**
   * Forgets the key that was not used for longest, of some; of keys that are exhausted only when no
   * other can go: who exhausts as many as there is room for keeps nobody else out. False when all of
   * them are needed.
   */
  private makeRoom(nowMs: number): boolean {
    const accounts = [...this.next(ROOM_KEYS)]
    const oldest =
      idlest(accounts.filter((account) => account.canGo(nowMs))) ??
      idlest(accounts.filter((account) => account.canGoWithoutCredit()))
    if (oldest === undefined) return false
    this.noCreditUntilMs = Math.max(this.noCreditUntilMs, oldest.overUntilMs)
    void this.desk.giveBack(oldest.handBack(nowMs))
    return this.amounts.delete(oldest.key)
  }

  /** The next `count` accounts of a round that goes on where the last one stopped. */
  private *next(count: number): IterableIterator<AmountAccount> {
    const most = Math.min(count, this.amounts.size)
    for (let i = 0; i < most; i++) {
      this.hand ??= this.amounts.values()
      let one = this.hand.next()
      if (one.done === true) {
        this.hand = this.amounts.values()
        one = this.hand.next()
      }
      if (one.done === true) return
      yield one.value
    }
  }
}

function idlest(accounts: readonly AmountAccount[]): AmountAccount | undefined {
  let oldest = accounts[0]
  for (const account of accounts) {
    if (account.lastUsedMs < (oldest?.lastUsedMs ?? Infinity)) oldest = account
  }
  return oldest
}

function idleMsOf({ name }: AmountAccount): number {
  return name.window === 'minute' ? IDLE_MS / 2 : IDLE_MS
}

/** The store's answer is waited for by what is more than may be given without it. */
async function beginLater(opened: Opened): Promise<OpenBudget | BudgetRefusal> {
  for (;;) {
    await opened.ready()
    const begun = opened.begin()
    if (begun !== 'wait') return settled(opened, begun)
  }
}

function settled(opened: Opened, begun: BudgetRefusal | undefined): OpenBudget | BudgetRefusal {
  if (begun === undefined) return opened
  opened.close()
  return begun
}
