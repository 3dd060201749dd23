/**
 * Who is kept out, as this process knows it: read from the shared store twice a second, and its own
 * lockouts at once. Requests ask memory only; a subject that turns up is told to `onLocked`.
 */
import type { Clock } from '../../domain/clock.ts'
import type { Lockout, LockoutStore } from '../../domain/shared-state.ts'

/** Time between two reads. A lock is in force on every replica within two of them. */
const POLL_MS = 500

/** A list older than this is not relied on for privileged actions. */
const FRESH_MS = 5_000

/** Lockouts of this process that the store does not show yet. */
const OWN_MAX = 10_000

/** Of those that are tried again, so many with one read. */
const STORED_AT_ONCE = 100

/** See {@link createLockouts}. */
export interface Lockouts {
  /** The lockout in force on `subject`, from memory. */
  find(subject: string): Lockout | undefined
  /** Everyone kept out, as far as this process knows; at most 110,000. */
  list(): readonly Lockout[]
  /** Whether the list was read within the last 5 s. */
  readonly fresh: boolean
  /**
   * Keeps `subject` out: here at once, everywhere when the store has it. What the store does not
   * take is tried again with every read. Never throws.
   * @returns until when, milliseconds since the epoch
   */
  lock(subject: string, forMs: number, decisionId: string): number
  /** Lets `subject` in again, everywhere. @throws ERR_STORE_UNAVAILABLE: then it stays kept out */
  lift(subject: string): Promise<void>
  /** Calls `listener` with every lockout that is new here. There is one listener. */
  onLocked(listener: (lockout: Lockout) => void): void
  /** Reads the list now and from then on, until {@link stop}. Resolves after the first read. */
  start(): Promise<void>
  stop(): void
}

/** What {@link createLockouts} needs. */
export interface LockoutsDeps {
  readonly store: LockoutStore
  readonly clock: Clock
  /** Runs something once, later; the returned function takes it back. */
  readonly schedule: (run: () => void, delayMs: number) => () => void
  /** The list was read; `count` are kept out. */
  readonly onRead?: (count: number) => void
  /** The store did not answer, or did not take a lockout. */
  readonly onFailure?: (error: unknown) => void
}

interface Own {
  readonly lockout: Lockout
  /** Whether the store has it. */
  isStored: boolean
}

/** Keeps the list. Begins with nobody kept out and not fresh, until {@link Lockouts.start}. */
export function createLockouts(deps: LockoutsDeps): Lockouts {
  return new LockoutList(deps)
}

class LockoutList implements Lockouts {
  private shared: ReadonlyMap<string, Lockout> = new Map()
  private readonly own = new Map<string, Own>()
  /** Lifted while a list was read that may still hold them. */
  private lifted: Set<string> | undefined
  private readAtMs = -Infinity
  private listener: (lockout: Lockout) => void = () => undefined
  private cancel: (() => void) | undefined
  private isStopped = false
  private readonly deps: LockoutsDeps

  constructor(deps: LockoutsDeps) {
    this.deps = deps
  }

  get fresh(): boolean {
    return this.deps.clock.monotonicMs() - this.readAtMs <= FRESH_MS
  }

  find(subject: string): Lockout | undefined {
    const now = this.deps.clock.now()
    const own = this.own.get(subject)?.lockout
    if (own !== undefined && own.until > now) return own
    const shared = this.shared.get(subject)
    if (shared === undefined) return undefined
    // A fresh list is right by the clock of the store; without one, ours must do.
    return this.fresh || shared.until > now ? shared : undefined
  }

  list(): readonly Lockout[] {
    const subjects = new Set([...this.shared.keys(), ...this.own.keys()])
    return [...subjects].flatMap((subject) => this.find(subject) ?? [])
  }

  lock(subject: string, forMs: number, decisionId: string): number {
    const until = this.deps.clock.now() + forMs
    const known = this.find(subject)
    if (known !== undefined && known.until >= until) return known.until
    const lockout = { subject, until, decisionId }
    this.keep({ lockout, isStored: false })
    void this.store(subject)
    this.listener(lockout)
    return until
  }

  async lift(subject: string): Promise<void> {
    await this.deps.store.unlock(subject)
    this.own.delete(subject)
    this.lifted?.add(subject)
    const rest = new Map(this.shared)
    rest.delete(subject)
    this.shared = rest
  }

  onLocked(listener: (lockout: Lockout) => void): void {
    this.listener = listener
  }

  start(): Promise<void> {
    return this.read()
  }

  stop(): void {
    this.isStopped = true
    this.cancel?.()
  }

  private keep(own: Own): void {
    const { subject } = own.lockout
    this.own.delete(subject)
    this.own.set(subject, own)
    for (const oldest of this.own.keys()) {
      if (this.own.size <= OWN_MAX) break
      this.own.delete(oldest)
    }
  }

  private async store(subject: string): Promise<void> {
    const own = this.own.get(subject)
    if (own === undefined) return
    const { until, decisionId } = own.lockout
    const leftMs = until - this.deps.clock.now()
    if (leftMs <= 0) {
      this.own.delete(subject)
      return
    }
    try {
      await this.deps.store.lock(subject, leftMs, decisionId)
      own.isStored = true
    } catch (error) {
      this.deps.onFailure?.(error)
    }
  }

  private async read(): Promise<void> {
    const { clock, store, schedule, onRead, onFailure } = this.deps
    const beganMs = clock.monotonicMs()
    const stored = [...this.own.values()].filter(({ isStored }) => isStored)
    this.lifted = new Set()
    try {
      const list = await store.lockouts()
      this.take(list, stored)
      this.readAtMs = beganMs
      onRead?.(this.shared.size)
    } catch (error) {
      onFailure?.(error)
    }
    this.lifted = undefined
    const left = [...this.own].filter(([, { isStored }]) => !isStored).slice(0, STORED_AT_ONCE)
    for (const [subject] of left) void this.store(subject)
    if (!this.isStopped) this.cancel = schedule(() => void this.read(), POLL_MS)
  }

  /** What was in the store before it was read is in the list, or was lifted by somebody. */
  private take(list: readonly Lockout[], stored: readonly Own[]): void {
    const before = this.shared
    this.shared = new Map(
      list
        .filter(({ subject }) => this.lifted?.has(subject) !== true)
        .map((one) => [one.subject, one]),
    )
    const fresh = list.filter(({ subject }) => !before.has(subject) && !this.own.has(subject))
    for (const own of stored) {
      const { subject } = own.lockout
      if (this.own.get(subject) === own) this.own.delete(subject)
    }
    for (const lockout of fresh) if (this.shared.has(lockout.subject)) this.listener(lockout)
  }
}
