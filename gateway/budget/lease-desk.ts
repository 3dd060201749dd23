/** Asks the store for parts of budgets, many at a time, and tells what it said. */
import type { Clock } from '../domain/clock.ts'
import type { GiveBack, Lease, LeaseAsk, QuotaStore } from '../domain/shared-state.ts'

/** Whoever asks. One ask at a time. */
export interface Asker {
  /** What is asked for, worked out when it is sent. */
  asking(): LeaseAsk
  answered(lease: Lease): void
  /** The store did not answer. */
  failed(): void
}

/** What the desk tells of. */
export interface DeskEvents {
  /** Milliseconds from an ask to its answer. */
  onWait?(ms: number): void
  /** The store did not answer, or answers again. */
  onStore?(isAnswering: boolean, error?: unknown): void
}

/** Asks in one call to the store. */
const BATCH_MAX = 256

/**
 * Calls for leases, and for places, at the same time. The store answers so many asks of a process at
 * once and fails the rest, those for grants and lockouts among them: however many keys there are,
 * these leave room. One call gives back at a time.
 */
const BATCHES_AT_ONCE = 2
const HOLDS_AT_ONCE = 128

/** Parts that wait to be given back; more stay counted as used. */
const RETURNS_MAX = 65_536

/**
 * Collects the asks of one turn of the event loop and puts them to the store together, so that many
 * callers cost few calls. Nothing here waits on behalf of a request.
 */
export class LeaseDesk {
  private queue: Asker[] = []
  private batches = 0
  private holds = 0
  /** Each is woken when one of those before it was answered. */
  private readonly holders = new Set<() => void>()
  private returns: { readonly part: GiveBack; readonly atMs: number }[] = []
  private returning: Promise<void> | undefined
  private isScheduled = false
  private isAnswering = true
  private readonly store: QuotaStore
  private readonly clock: Clock
  private readonly events: DeskEvents

  constructor(store: QuotaStore, clock: Clock, events: DeskEvents) {
    this.store = store
    this.clock = clock
    this.events = events
  }

  /** Whether the last call was answered. */
  get isStoreAnswering(): boolean {
    return this.isAnswering
  }

  ask(asker: Asker): void {
    this.queue.push(asker)
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(() => this.flush())
  }

  /** Gives parts back; what cannot be given back stays counted as used. */
  giveBack(parts: readonly GiveBack[]): Promise<void> {
    const atMs = this.clock.monotonicMs()
    for (const part of parts.slice(0, RETURNS_MAX - this.returns.length)) {
      this.returns.push({ part, atMs })
    }
    if (this.returns.length === 0) return Promise.resolve()
    this.returning ??= this.giveAllBack()
    return this.returning
  }

  /** As {@link QuotaStore.hold}; `undefined` when the store does not answer. */
  async hold(ask: Parameters<QuotaStore['hold']>[0]): Promise<number | undefined> {
    if (this.holds < HOLDS_AT_ONCE) this.holds += 1
    else await new Promise<void>((resolve) => this.holders.add(resolve))
    const startedMs = this.clock.monotonicMs()
    try {
      const places = await this.store.hold(ask)
      this.events.onWait?.(this.clock.monotonicMs() - startedMs)
      this.note(true)
      return places
    } catch (error) {
      this.note(false, error)
      return undefined
    } finally {
      this.passOn()
    }
  }

  /** Gives the turn of one that was answered to the one that waits longest. */
  private passOn(): void {
    const [next] = this.holders
    if (next === undefined) this.holds -= 1
    else {
      this.holders.delete(next)
      next()
    }
  }

  private async giveAllBack(): Promise<void> {
    while (this.returns.length > 0) {
      const nowMs = this.clock.monotonicMs()
      const batch = this.returns.splice(0, BATCH_MAX).map(({ part, atMs }) => {
        return { ...part, heldMs: (part.heldMs ?? 0) + nowMs - atMs }
      })
      try {
        await this.store.giveBack(batch)
      } catch (error) {
        this.note(false, error)
        this.returns = []
      }
    }
    this.returning = undefined
  }

  private flush(): void {
    this.isScheduled = false
    while (this.queue.length > 0 && this.batches < BATCHES_AT_ONCE) {
      this.batches += 1
      void this.put(this.queue.splice(0, BATCH_MAX)).finally(() => {
        this.batches -= 1
        this.flush()
      })
    }
  }

  private async put(batch: readonly Asker[]): Promise<void> {
    const startedMs = this.clock.monotonicMs()
    let leases: readonly Lease[]
    try {
      leases = await this.store.lease(batch.map((asker) => asker.asking()))
    } catch (error) {
      this.note(false, error)
      for (const asker of batch) asker.failed()
      return
    }
    this.events.onWait?.(this.clock.monotonicMs() - startedMs)
    this.note(true)
    batch.forEach((asker, at) => {
      const lease = leases[at]
      if (lease === undefined) asker.failed()
      else asker.answered(lease)
    })
  }

  private note(isAnswering: boolean, error?: unknown): void {
    const hasChanged = isAnswering !== this.isAnswering
    this.isAnswering = isAnswering
    if (hasChanged || !isAnswering) this.events.onStore?.(isAnswering, error)
  }
}
