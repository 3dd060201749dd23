/**
 * The ledger as the thread of the requests sees it: makes JSON of records, hands them over once per
 * turn of the event loop, and lets those who wait know what became of them. Numbering, linking,
 * hashing, encrypting, signing and writing are the writer's.
 */
import { setImmediate as afterPoll } from 'node:timers'
import type { Clock } from '../../domain/clock.ts'
import type { GatewayError } from '../../domain/errors.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { asError, defer, type Deferred } from '../files/file-ops.ts'
import { unavailable } from '../files/segments.ts'
import type { LogPosition } from '../line/chain.ts'
import { isPermit } from '../line/permit.ts'
import { prepared } from '../line/prepared.ts'
import type { RunningLedger } from '../writer/ledger-options.ts'
import { errorOf } from './failure.ts'
import { WAITS, type Answer, type Failure, type Port, type ToWriter } from './messages.ts'

/** A {@link RunningLedger}, and what its writer tells it. */
export interface ThreadLedger extends RunningLedger {
  /** Whether it was closed, or is being. */
  readonly isClosed: boolean
  answered(answer: Answer): void
  closed(head: LogPosition, why: Failure | undefined): void
  /** The writer is gone: whoever waits is told, and nothing is accepted any more. */
  lost(error: Error): void
}

/** How the ledger was when the writer opened it. */
export interface OpenedLedger {
  readonly head: LogPosition
  readonly healthy: boolean
}

/** UTF-16 units of records that the writer has not answered for; more are refused. */
const UNANSWERED_MAX = 64 * 1024 * 1024

/** A writer that has not answered for so long is held up by its disk. */
const STALL_MS = 5_000

interface Batch {
  readonly number: number
  readonly beganMs: number
  readonly records: (string | number)[]
  size: number
  kernel: Deferred | undefined
  /** By place. */
  failures: Map<number, Failure> | undefined
}

/**
 * Builds a {@link ThreadLedger} whose writer listens at the other end of `port`. While the writer
 * does not answer, the ledger is not healthy and permits are refused at once, so that requests do not
 * pile up behind a disk that hangs; what has happened is kept for it.
 */
export function createThreadLedger(
  opened: OpenedLedger,
  port: Port<ToWriter>,
  clock: Pick<Clock, 'monotonicMs'>,
): ThreadLedger {
  return new OverThere(opened, port, clock)
}

class OverThere implements ThreadLedger {
  private readonly port: Port<ToWriter>
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private last: LogPosition
  private isHealthy: boolean
  private failure: GatewayError | undefined
  private collecting: Batch | undefined
  private readonly unanswered = new Map<number, Batch>()
  private readonly forDisk = new Map<number, Deferred>()
  private size = 0
  private batches = 0
  private diskRecords = 0
  private closing: Deferred | undefined

  constructor(
    { head, healthy }: OpenedLedger,
    port: Port<ToWriter>,
    clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.port = port
    this.clock = clock
    this.last = head
    this.isHealthy = healthy
  }

  get healthy(): boolean {
    return this.isHealthy && this.failure === undefined && !this.isHeldUp()
  }

  get isClosed(): boolean {
    return this.closing !== undefined
  }

  head(): LogPosition {
    return this.last
  }

  append(record: LedgerRecord, durability: 'kernel' | 'disk'): Promise<void> {
    try {
      if (this.isHeldUp() && isPermit(record)) throw heldUp()
      const batch = this.take(record, WAITS[durability])
      if (durability === 'kernel') return inKernel(batch)
    } catch (error) {
      return Promise.reject(asError(error))
    }
    const disk = defer()
    this.forDisk.set(this.diskRecords++, disk)
    return disk.promise
  }

  appendNow(record: LedgerRecord): void {
    try {
      this.take(record, WAITS.nobody)
    } catch {
      // As for every record that nobody waits for: the failure shows in `healthy`.
    }
  }

  close(): Promise<void> {
    if (this.closing !== undefined) return this.closing.promise
    this.closing = defer()
    this.send()
    if (this.failure !== undefined) this.closing.reject(this.failure)
    else this.port.postMessage({ kind: 'close' })
    this.failure ??= unavailable('the log is closed')
    return this.closing.promise
  }

  answered({ written, failed, settled, head, healthy }: Answer): void {
    this.last = head
    this.isHealthy = healthy
    for (const [number, place, why] of failed) {
      const batch = this.unanswered.get(number)
      if (batch !== undefined) (batch.failures ??= new Map<number, Failure>()).set(place, why)
    }
    for (const number of written) this.forget(number)?.kernel?.resolve()
    for (const [number, why] of settled) {
      const disk = this.forDisk.get(number)
      this.forDisk.delete(number)
      if (why === undefined) disk?.resolve()
      else disk?.reject(errorOf(why))
    }
    if (this.unanswered.size === 0) this.send()
  }

  closed(head: LogPosition, why: Failure | undefined): void {
    this.last = head
    this.end(this.failure ?? unavailable('the log is closed'))
    if (why === undefined) this.closing?.resolve()
    else this.closing?.reject(errorOf(why))
  }

  lost(error: Error): void {
    const failure = unavailable(`the thread that writes has ended: ${error.message}`, error)
    this.failure = failure
    this.isHealthy = false
    this.end(failure)
    this.closing?.reject(failure)
  }

  private take(record: LedgerRecord, wait: number): Batch {
    if (this.failure !== undefined) throw this.failure
    if (this.size > UNANSWERED_MAX) throw heldUp()
    const json = prepared(record)
    const batch = this.collecting ?? this.begin()
    batch.records.push(record.type, json, wait)
    batch.size += json.length
    this.size += json.length
    return batch
  }

  private begin(): Batch {
    const beganMs = this.clock.monotonicMs()
    const number = this.batches++
    const none = { kernel: undefined, failures: undefined }
    const batch: Batch = { number, beganMs, records: [], size: 0, ...none }
    this.collecting = batch
    // Requests of one turn share a message. While the writer is at work on one, so do those of the next
    // turns: waking a thread costs more than what it is told.
    afterPoll(() => {
      if (this.unanswered.size === 0) this.send()
    })
    return batch
  }

  private send(): void {
    const batch = this.collecting
    if (batch === undefined) return
    this.collecting = undefined
    this.unanswered.set(batch.number, batch)
    this.port.postMessage({ kind: 'append', batch: batch.number, records: batch.records })
  }

  /** Whether the oldest that was handed over has waited for too long, or too much has. */
  private isHeldUp(): boolean {
    if (this.size > UNANSWERED_MAX) return true
    const [oldest] = this.unanswered.values()
    return oldest !== undefined && this.clock.monotonicMs() - oldest.beganMs > STALL_MS
  }

  private forget(number: number): Batch | undefined {
    const batch = this.unanswered.get(number)
    this.unanswered.delete(number)
    this.size -= batch?.size ?? 0
    return batch
  }

  /** Nobody waits for what will not come. */
  private end(failure: GatewayError): void {
    const { collecting } = this
    this.collecting = undefined
    collecting?.kernel?.reject(failure)
    for (const { kernel } of this.unanswered.values()) kernel?.reject(failure)
    for (const disk of this.forDisk.values()) disk.reject(failure)
    this.unanswered.clear()
    this.forDisk.clear()
  }
}

/** Resolves when the last record of the batch is in the kernel's hands; rejects when that alone is not. */
function inKernel(batch: Batch): Promise<void> {
  const place = batch.records.length / 3 - 1
  batch.kernel ??= defer()
  return batch.kernel.promise.then(() => {
    const why = batch.failures?.get(place)
    if (why !== undefined) throw errorOf(why)
  })
}

function heldUp(): GatewayError {
  return unavailable('the thread that writes is too far behind')
}
