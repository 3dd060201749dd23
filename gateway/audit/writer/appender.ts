/**
 * Takes records in the order of the calls and hands them to the kernel once per turn of the event
 * loop. One promise is shared by all who wait for the same write or the same sync, so that a
 * record costs no promise of its own. Stops at the first failure and stays stopped.
 */
import { setImmediate as afterPoll } from 'node:timers'
import type { Clock } from '../../domain/clock.ts'
import type { GatewayError } from '../../domain/errors.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { Batch } from './batch.ts'
import type { LogPosition } from '../line/chain.ts'
import { asError, defer, type Deferred } from '../files/file-ops.ts'
import { clockStepRecord } from './lifecycle.ts'
import type { LedgerOptions } from './ledger-options.ts'
import type { LedgerLock } from '../files/lock.ts'
import type { SegmentWriter } from './segment-writer.ts'
import type { TreeHead } from './tree-writer.ts'
import { unavailable } from '../files/segments.ts'

/** What failed, and where. */
export interface AppendFailure {
  readonly operation: 'write' | 'sync' | 'rotate' | 'lock'
  readonly file: string
  readonly error: Error
}

/** The tree over what is written, and who signs it. */
export interface Coverage {
  /** Takes the leaf hashes of what was just written. Throws when it cannot go on. */
  grown(leaves: Buffer, count: number): void
  /** What is written by now, to be sealed once it is on disk; `undefined` when nobody signs. */
  mark(): TreeHead | undefined
  /** Whether so much is unsigned that it should be signed without anybody waiting. */
  isDue(): boolean
  /** Whether anything is unsigned. */
  isBehind(): boolean
  /** Resolves when a signature over it is on disk. @throws ERR_AUDIT_UNAVAILABLE */
  seal(head: TreeHead): Promise<void>
}

/** What {@link createAppender} needs. */
export interface AppenderOptions {
  readonly batch: Batch
  readonly clock: Clock
  readonly lock: LedgerLock
  readonly segmentBytesMax: number
  /** A segment whose first record is older is left. */
  readonly segmentAgeMs: number
  readonly coverage: Coverage
  /** Creates the segment that begins with `firstSeq`; its syncs must not overtake `after`. */
  openSegment(firstSeq: number, after: Promise<void> | undefined): SegmentWriter
  onFailure(failure: AppendFailure): void
  onRotate(file: string): void
  onWrite?: LedgerOptions['onWrite'] | undefined
  onAppended?: ((head: LogPosition) => void) | undefined
}

/** A failure, by default of the segment in use. */
type Failing = Pick<AppendFailure, 'operation' | 'error'> & { readonly file?: string | undefined }

/** See the head of this file. */
export interface Appender {
  readonly isAccepting: boolean
  /** The last record in the kernel's hands. */
  readonly written: LogPosition | undefined
  /** Appends rejected since the last call of `start`. */
  readonly refused: number
  /** Monotonic milliseconds of the last record taken. */
  readonly lastAppendMs: number
  start(segment: SegmentWriter): void
  append(record: LedgerRecord, durability: 'kernel' | 'disk'): Promise<void>
  appendNow(record: LedgerRecord): void
  /** Resolves when everything appended so far is on disk. */
  flushed(): Promise<void>
  /** Puts on disk what the kernel holds; a failure stops the appender. */
  syncBehind(): void
  fail(failing: Failing): void
  /** Writes and syncs what is left, closes the segment and stops. */
  finish(): Promise<void>
}

/** A difference between wall and monotonic time that changes by more is a step of the clock. */
const CLOCK_STEP_MS = 1_000

interface State {
  segment: SegmentWriter | undefined
  failure: GatewayError
  written: LogPosition | undefined
  syncedSeq: number
  refused: number
  lastAppendMs: number
  /** Wall time minus monotonic time at the last record. */
  drift: number
  isFlushScheduled: boolean
  kernel: Deferred | undefined
  disk: Deferred | undefined
}

/** Builds an appender that accepts nothing until it is given a segment. */
export function createAppender(options: AppenderOptions): Appender {
  const state: State = {
    segment: undefined,
    failure: unavailable('not open'),
    written: undefined,
    syncedSeq: -1,
    refused: 0,
    lastAppendMs: 0,
    drift: Number.NaN,
    isFlushScheduled: false,
    kernel: undefined,
    disk: undefined,
  }
  return {
    get isAccepting() {
      return state.segment !== undefined
    },
    get written() {
      return state.written
    },
    get refused() {
      return state.refused
    },
    get lastAppendMs() {
      return state.lastAppendMs
    },
    start: (segment) => {
      state.segment = segment
      state.refused = 0
      state.written = options.batch.last
    },
    append: (record, durability) => {
      try {
        take(options, state, record)
      } catch (error) {
        return Promise.reject(asError(error))
      }
      if (durability === 'disk') return (state.disk ??= defer()).promise
      return (state.kernel ??= defer()).promise
    },
    appendNow: (record) => {
      try {
        take(options, state, record)
      } catch {
        // Counted in `refused`; whoever cannot live with that waits for `append`.
      }
    },
    flushed: () => {
      if (state.segment === undefined) return Promise.reject(state.failure)
      const disk = (state.disk ??= defer())
      if (options.batch.count === 0) flushNow(options, state)
      return disk.promise
    },
    syncBehind: () => syncBehind(options, state),
    fail: (failing) => fail(options, state, failing),
    finish: () => finish(options, state),
  }
}

function take(options: AppenderOptions, state: State, record: LedgerRecord): void {
  const { batch, clock } = options
  if (batch.isFull) flush(options, state)
  if (state.segment === undefined) {
    state.refused += 1
    throw state.failure
  }
  const at = { now: clock.now(), monotonicMs: clock.monotonicMs() }
  const drift = at.now - at.monotonicMs
  const step = drift - state.drift
  state.drift = drift
  if (Math.abs(step) > CLOCK_STEP_MS) batch.add(clockStepRecord(step), at)
  batch.add(record, at)
  state.lastAppendMs = at.monotonicMs
  if (state.isFlushScheduled) return
  state.isFlushScheduled = true
  // Measured against writing at once, in a microtask and off-thread: one synchronous write after
  // the poll phase costs least per record and delays nothing but this turn.
  afterPoll(() => {
    state.isFlushScheduled = false
    flush(options, state)
  })
}

function flush(options: AppenderOptions, state: State): void {
  const { batch, coverage } = options
  const { kernel, disk } = state
  if (batch.count === 0) {
    if (disk !== undefined) flushNow(options, state)
    return
  }
  rotateWhenFull(options, state)
  const { segment } = state
  if (segment === undefined || !write(options, state, segment)) return
  batch.clear()
  state.kernel = undefined
  state.disk = undefined
  kernel?.resolve()
  if (disk !== undefined) syncFor(options, state, segment, disk)
  else if (coverage.isDue()) syncFor(options, state, segment, defer())
  if (state.written !== undefined) options.onAppended?.(state.written)
}

/** Whether the batch is in the file, and its leaves in the tree. */
function write(options: AppenderOptions, state: State, segment: SegmentWriter): boolean {
  const { batch, clock, lock, coverage } = options
  let operation: 'lock' | 'write' = 'lock'
  try {
    if (!lock.isHeld()) throw new Error('another process took the log')
    if (!segment.isUntouched()) {
      throw new Error('somebody else has written to it, cut or removed it')
    }
    operation = 'write'
    const startedMs = clock.monotonicMs()
    segment.write(batch.bytes, batch.range)
    options.onWrite?.(batch.types, clock.monotonicMs() - startedMs)
    state.written = batch.last
    coverage.grown(batch.leaves, batch.count)
    return true
  } catch (error) {
    fail(options, state, { operation, error: asError(error) })
    return false
  }
}

/** Nothing is collected: those who wait, wait for the disk and the signature alone. */
function flushNow(options: AppenderOptions, state: State): void {
  const { segment, disk } = state
  if (segment === undefined || disk === undefined) return
  state.disk = undefined
  syncFor(options, state, segment, disk)
}

function syncFor(
  options: AppenderOptions,
  state: State,
  segment: SegmentWriter,
  disk: Deferred,
): void {
  const { coverage } = options
  const seq = state.written?.seq ?? -1
  const head = coverage.mark()
  segment.sync().then(
    () => {
      state.syncedSeq = seq
      if (head === undefined) disk.resolve()
      else
        coverage.seal(head).then(
          () => disk.resolve(),
          (error: unknown) => disk.reject(asError(error)),
        )
    },
    (error: unknown) => {
      fail(options, state, { operation: 'sync', error: asError(error), file: segment.path })
      disk.reject(state.failure)
    },
  )
}

function syncBehind(options: AppenderOptions, state: State): void {
  const { segment, written, syncedSeq } = state
  if (segment === undefined || written === undefined) return
  if (written.seq === syncedSeq && !options.coverage.isBehind()) return
  syncFor(options, state, segment, defer())
}

/** A full segment is left only when something is to be written, so that no segment stays empty. */
function rotateWhenFull(options: AppenderOptions, state: State): void {
  const { segment } = state
  if (segment === undefined || !isFull(options, segment)) return
  const retired = segment.retire()
  retired.catch((error: unknown) =>
    fail(options, state, { operation: 'sync', error: asError(error), file: segment.path }),
  )
  try {
    state.segment = options.openSegment((state.written?.seq ?? -1) + 1, retired)
  } catch (error) {
    fail(options, state, { operation: 'rotate', error: asError(error) })
    return
  }
  options.onRotate(state.segment.path)
}

function isFull({ segmentBytesMax, segmentAgeMs, clock }: AppenderOptions, segment: SegmentWriter) {
  if (segment.size >= segmentBytesMax) return true
  return segment.size > 0 && clock.now() - segment.startedAt >= segmentAgeMs
}

/** The segment is damaged: nothing more is written to it, and all who wait are told. */
function fail(options: AppenderOptions, state: State, failing: Failing): void {
  const { segment, kernel, disk } = state
  if (segment === undefined) return
  const { operation, error, file = segment.path } = failing
  state.segment = undefined
  state.kernel = undefined
  state.disk = undefined
  state.refused += options.batch.count
  state.failure = unavailable(`${file}: ${operation} failed: ${error.message}`, error)
  options.batch.clear()
  segment.abandon()
  kernel?.reject(state.failure)
  disk?.reject(state.failure)
  options.onFailure({ operation, file, error })
}

async function finish(options: AppenderOptions, state: State): Promise<void> {
  flush(options, state)
  const { segment } = state
  if (segment === undefined) throw state.failure
  state.segment = undefined
  state.failure = unavailable('the log is closed')
  const head = options.coverage.mark()
  await segment.retire()
  if (head !== undefined) await options.coverage.seal(head)
}
