/**
 * The life of an open log: starts it, beats its heart, renews its lock, brings it back after a
 * failure on a new segment, and ends it.
 */
import { createAppender, type AppendFailure, type Appender } from './appender.ts'
import { createBatch, type Batch } from './batch.ts'
import { asError } from '../files/file-ops.ts'
import type { ReadyOptions, SegmentLedger } from './ledger-options.ts'
import { CLOSED, degradedRecord, HEARTBEAT, openedRecord, recoveredRecord } from './lifecycle.ts'
import type { LedgerLock } from '../files/lock.ts'
import { recoverTail, rewriteSegment, syncSegment, type LogTail } from './recovery.ts'
import { createSegment, firstSegment } from './segment-choice.ts'
import { unavailable } from '../files/segments.ts'

const TICK_MS = 1_000
const BEAT_MS = 10_000
const BACKOFF_MIN_MS = 1_000
const BACKOFF_MAX_MS = 30_000

interface Outage extends AppendFailure {
  /** Milliseconds since the epoch. */
  readonly since: number
}

interface Supervised {
  readonly options: ReadyOptions
  readonly lock: LedgerLock
  readonly batch: Batch
  readonly appender: Appender
  outage: Outage | undefined
  /** Segments whose sync has failed. */
  readonly suspects: Set<string>
  backoffMs: number
  reopening: Promise<boolean> | undefined
  closing: Promise<void> | undefined
  isClosed: boolean
  renewedMs: number
  cancelTick: () => void
  cancelRetry: () => void
}

/** Starts writing under a lock that is held. @throws ERR_AUDIT_UNAVAILABLE */
export async function startLedger(options: ReadyOptions, lock: LedgerLock): Promise<SegmentLedger> {
  const ledger = supervise(options, lock)
  try {
    const tail = await findEnd(ledger)
    ledger.batch.continueAfter(tail.last)
    ledger.appender.start(firstSegment(options, tail))
    await recordStart(ledger, tail)
  } catch (error) {
    ledger.isClosed = true
    ledger.cancelRetry()
    throw error
  }
  const tick = () => {
    ledger.cancelTick = options.schedule(TICK_MS, tick)
    onTick(ledger)
  }
  ledger.cancelTick = options.schedule(TICK_MS, tick)
  return ledgerOf(ledger)
}

function ledgerOf(ledger: Supervised): SegmentLedger {
  const { appender } = ledger
  return {
    append: (record, durability) => appender.append(record, durability),
    appendNow: (record) => appender.appendNow(record),
    get healthy() {
      return isHealthy(ledger)
    },
    head: () => appender.written ?? { seq: -1, hash: '' },
    probe: async () => isHealthy(ledger) || (await reopen(ledger)),
    close: () => (ledger.closing ??= close(ledger)),
  }
}

function isHealthy({ appender, outage }: Supervised): boolean {
  return appender.isAccepting && outage === undefined
}

function supervise(options: ReadyOptions, lock: LedgerLock): Supervised {
  const batch = createBatch(options.log, options.bootId)
  const ledger: Supervised = {
    options,
    lock,
    batch,
    appender: createAppender({
      batch,
      clock: options.clock,
      lock,
      segmentBytesMax: options.segmentBytesMax,
      openSegment: (firstSeq, after) => createSegment(options, firstSeq, after),
      onWrite: options.onWrite,
      onFailure: (failure) => onFailure(ledger, failure),
      onRotate: (file) => options.onEvent?.({ type: 'rotated', file }),
    }),
    outage: undefined,
    suspects: new Set(),
    backoffMs: BACKOFF_MIN_MS,
    reopening: undefined,
    closing: undefined,
    isClosed: false,
    renewedMs: options.clock.monotonicMs(),
    cancelTick: () => undefined,
    cancelRetry: () => undefined,
  }
  return ledger
}

/** The end of the log, on disk. */
async function findEnd({ options, appender, suspects }: Supervised): Promise<LogTail> {
  const { files, dir, log, owner, fsync = true } = options
  const tail = await recoverTail({ files, dir, log, uid: owner.uid, written: appender.written })
  if (tail.segment === undefined || !fsync) return tail
  try {
    await syncSegment(files, tail.segment.path)
  } catch (error) {
    suspects.add(tail.segment.path)
    throw error
  }
  return tail
}

async function recordStart({ options, lock, appender }: Supervised, tail: LogTail): Promise<void> {
  const { versions, owner } = options
  const { takenFrom } = lock
  const { pid, host } = owner
  appender.appendNow(openedRecord({ versions, previous: tail.last, takenFrom, pid, host }))
  await recordTorn(options, appender, tail)
  if (takenFrom !== undefined) {
    options.onEvent?.({ type: 'lock-taken-over', pid: takenFrom.pid, host: takenFrom.host })
  }
}

/** Resolves when everything appended so far is on disk. */
async function recordTorn(options: ReadyOptions, appender: Appender, tail: LogTail): Promise<void> {
  for (const torn of tail.torn) {
    appender.appendNow(recoveredRecord(torn))
    options.onEvent?.({ type: 'torn', file: torn.file, bytes: torn.bytes })
  }
  await appender.flushed()
}

function onTick(ledger: Supervised): void {
  const { options, appender, lock } = ledger
  const nowMs = options.clock.monotonicMs()
  if (nowMs - ledger.renewedMs >= BEAT_MS) {
    ledger.renewedMs = nowMs
    renewLock(appender, lock)
  }
  if (!appender.isAccepting) return
  if (nowMs - appender.lastAppendMs >= BEAT_MS) appender.appendNow(HEARTBEAT)
  // Bounds what a power cut can take of the records that were only handed to the kernel.
  appender.syncBehind()
}

function renewLock(appender: Appender, lock: LedgerLock): void {
  try {
    if (lock.renew()) return
    appender.fail({ operation: 'lock', error: new Error('another process took the log') })
  } catch (error) {
    appender.fail({ operation: 'lock', error: asError(error) })
  }
}

function onFailure(ledger: Supervised, failure: AppendFailure): void {
  const { options } = ledger
  // The first failure is the cause; those of later attempts follow from it.
  ledger.outage ??= { ...failure, since: options.clock.now() }
  if (failure.operation === 'sync') ledger.suspects.add(failure.file)
  options.onEvent?.({ type: 'failed', ...failure })
  retryLater(ledger)
}

function retryLater(ledger: Supervised): void {
  if (ledger.isClosed) return
  ledger.cancelRetry()
  ledger.cancelRetry = ledger.options.schedule(ledger.backoffMs, () => void reopen(ledger))
  ledger.backoffMs = Math.min(ledger.backoffMs * 2, BACKOFF_MAX_MS)
}

/** Whether the ledger is healthy again. Never rejects. */
function reopen(ledger: Supervised): Promise<boolean> {
  ledger.reopening ??= tryReopen(ledger).finally(() => (ledger.reopening = undefined))
  return ledger.reopening
}

async function tryReopen(ledger: Supervised): Promise<boolean> {
  const { options, outage } = ledger
  if (outage === undefined || ledger.isClosed) return isHealthy(ledger)
  try {
    await continueOnNewSegment(ledger, outage)
  } catch (error) {
    const { file } = outage
    options.onEvent?.({ type: 'failed', operation: 'reopen', file, error: asError(error) })
    retryLater(ledger)
    return false
  }
  return true
}

async function continueOnNewSegment(ledger: Supervised, outage: Outage): Promise<void> {
  const { options, appender, batch, lock } = ledger
  if (!lock.renew()) throw unavailable('another process took the log')
  for (const file of ledger.suspects) {
    await rewriteSegment(options.files, file)
    ledger.suspects.delete(file)
  }
  const tail = await findEnd(ledger)
  if (ledger.isClosed) throw unavailable('the log is closing')
  const { refused } = appender
  batch.continueAfter(tail.last)
  const segment = createSegment(options, (tail.last?.seq ?? -1) + 1)
  appender.start(segment)
  const code = (outage.error as NodeJS.ErrnoException).code ?? 'ERROR'
  const { since, operation, file } = outage
  appender.appendNow(degradedRecord({ since, operation, code, file, refused }))
  await recordTorn(options, appender, tail)
  ledger.outage = undefined
  ledger.backoffMs = BACKOFF_MIN_MS
  options.onEvent?.({ type: 'reopened', file: segment.path, refused })
}

async function close(ledger: Supervised): Promise<void> {
  const { appender, lock } = ledger
  ledger.isClosed = true
  ledger.cancelTick()
  ledger.cancelRetry()
  try {
    await ledger.reopening
    appender.appendNow(CLOSED)
    await appender.finish()
  } finally {
    lock.release()
  }
}
