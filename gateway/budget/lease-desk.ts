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
 * Collects the asks of one turn of the event loop and puts them to the store together, so that many
 * callers cost few calls. Nothing here waits on behalf of a request.
 */
export class LeaseDesk {
  private queue: Asker[] = []
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
  async giveBack(parts: readonly GiveBack[]): Promise<void> {
    for (let at = 0; at < parts.length; at += BATCH_MAX) {
      try {
        await this.store.giveBack(parts.slice(at, at + BATCH_MAX))
      } catch (error) {
        this.note(false, error)
        return
      }
    }
  }

  /** As {@link QuotaStore.hold}; `undefined` when the store does not answer. */
  async hold(ask: Parameters<QuotaStore['hold']>[0]): Promise<number | undefined> {
    const startedMs = this.clock.monotonicMs()
    try {
      const places = await this.store.hold(ask)
      this.events.onWait?.(this.clock.monotonicMs() - startedMs)
      this.note(true)
      return places
    } catch (error) {
      this.note(false, error)
      return undefined
    }
  }

  private flush(): void {
    this.isScheduled = false
    const { queue } = this
    this.queue = []
    for (let at = 0; at < queue.length; at += BATCH_MAX) {
      void this.put(queue.slice(at, at + BATCH_MAX))
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
