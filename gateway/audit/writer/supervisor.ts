/**
 * The life of an open log: starts it, beats its heart, renews its lock, brings it back after a
 * failure on a new segment, and ends it.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { LedgerRecord } from '../../domain/ports.ts'
import { checkLine, isFault } from '../line/chain.ts'
import { readLinesBackward } from '../line/lines.ts'
import { createReserve, isNoRoom, type Reserve } from '../files/reserve.ts'
import { createRefusalCounter, type RefusalCounter } from './refusals.ts'
import { createUpkeep, type Upkeep } from './upkeep.ts'
import { createAppender, type AppendFailure, type Appender } from './appender.ts'
import { createBatch, type Batch } from './batch.ts'
import { asError } from '../files/file-ops.ts'
import type { ReadyOptions, SegmentLedger } from './ledger-options.ts'
import { createTreeKeeper, type FoundTree, type TreeKeeper } from './coverage.ts'
import {
  closedRecord,
  degradedRecord,
  heartbeatRecord,
  keyRotateRecord,
  openedRecord,
  recoveredRecord,
  tilesMendedRecord,
} from './lifecycle.ts'
import type { LedgerLock } from '../files/lock.ts'
import {
  recoverTail,
  rewriteSegment,
  syncSegment,
  type LogTail,
  type TornBytes,
} from './recovery.ts'
import { createSegment, firstSegment } from './segment-choice.ts'
import { listSegments, unavailable } from '../files/segments.ts'

const TICK_MS = 1_000
const BEAT_MS = 10_000
const BACKOFF_MIN_MS = 1_000
const BACKOFF_MAX_MS = 30_000
/** Records may wait for a signature so long before the ledger counts as failed. */
const UNSIGNED_MS = 60_000

/** A line as {@link checkLine} takes it, but for its bytes. */
const WHOLE = { number: 1, offset: 0, terminated: true, overlong: false }

interface Outage extends AppendFailure {
  /** Milliseconds since the epoch. */
  readonly since: number
}

interface Supervised {
  readonly options: ReadyOptions
  readonly lock: LedgerLock
  readonly batch: Batch
  readonly appender: Appender
  readonly keeper: TreeKeeper
  readonly upkeep: Upkeep
  readonly refusals: RefusalCounter | undefined
  readonly reserve: Reserve | undefined
  /** Whether the disk is full: noticed, and then recorded in what the reserve held. */
  full: 'no' | 'noticed' | 'recorded'
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
    if (lock.wasFree && !endsWell(options)) await outwait(lock, options.outwaitMs)
    const tail = await findEnd(ledger)
    const found = await ledger.keeper.recover(tail)
    ledger.batch.continueAfter(tail.last)
    ledger.appender.start(firstSegment(options, tail))
    await recordStart(ledger, tail, found)
    ledger.keeper.publish(true)
    fillReserve(ledger)
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
    append: (record, durability) => {
      if (durability === 'kernel' && isCounted(ledger, record)) return Promise.resolve()
      return appender.append(record, durability)
    },
    appendNow: (record) => appender.appendNow(record),
    get healthy() {
      return isHealthy(ledger)
    },
    head: () => appender.written ?? { seq: -1, hash: '' },
    tree: () => ledger.keeper.tree?.head(),
    signed: () => ledger.keeper.sealer?.signed,
    probe: () => probe(ledger),
    close: () => (ledger.closing ??= close(ledger)),
  }
}

/** A refusal that is one of too many: its count is what will be recorded. */
function isCounted({ appender, refusals }: Supervised, record: LedgerRecord): boolean {
  return refusals !== undefined && appender.isAccepting && refusals.takes(record)
}

function isHealthy({ appender, outage, keeper, options }: Supervised): boolean {
  if (!appender.isAccepting || outage !== undefined) return false
  const { failingSinceMs } = keeper.sealer ?? {}
  // Records that nothing speaks for may be changed and cut: for so long, and no longer.
  return failingSinceMs === undefined || options.clock.monotonicMs() - failingSinceMs < UNSIGNED_MS
}

async function probe(ledger: Supervised): Promise<boolean> {
  if (isHealthy(ledger)) return true
  if (ledger.outage !== undefined) return reopen(ledger)
  await ledger.appender.flushed().catch(() => undefined)
  return isHealthy(ledger)
}

function supervise(options: ReadyOptions, lock: LedgerLock): Supervised {
  const batch = createBatch(options.log, options.bootId, options.protect)
  const keeper = createTreeKeeper(options)
  const { clock, files, dir, reserveBytes, refusalsPerSecond: perSecond } = options
  const appender = createAppender({
    batch,
    clock,
    lock,
    segmentBytesMax: options.segmentBytesMax,
    segmentAgeMs: options.segmentAgeMs ?? Infinity,
    coverage: keeper.coverage,
    openSegment: (firstSeq, after) => createSegment(options, firstSeq, after),
    onWrite: options.onWrite,
    onAppended: options.onAppended,
    onFailure: (failure) => onFailure(ledger, failure),
    onRotate: (file) => options.onEvent?.({ type: 'rotated', file }),
  })
  const settledSize = () => keeper.sealer?.size ?? keeper.tree?.size ?? 0
  const write = (record: LedgerRecord) => appender.appendNow(record)
  const ledger: Supervised = {
    options,
    lock,
    batch,
    appender,
    keeper,
    upkeep: createUpkeep({ ledger: options, appender, settledSize }),
    refusals:
      perSecond === undefined ? undefined : createRefusalCounter({ clock, perSecond, write }),
    reserve: reserveBytes === undefined ? undefined : createReserve(files, dir, reserveBytes),
    full: 'no',
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

async function recordStart(ledger: Supervised, tail: LogTail, found: FoundTree): Promise<void> {
  const { options, lock, appender, keeper } = ledger
  const { versions, owner, signer } = options
  const vkeys = signer?.verifiers.map(({ vkey }) => vkey)
  const { takenFrom } = lock
  const { pid, host } = owner
  const { last: previous } = tail
  const { head: tree, tilesReplaced } = found
  const signed = keeper.sealer?.entry
  appender.appendNow(
    openedRecord({ versions, previous, tree, signed, vkeys, takenFrom, pid, host }),
  )
  if (vkeys !== undefined && keeper.keysBefore !== undefined) {
    appender.appendNow(keyRotateRecord(vkeys, keeper.keysBefore))
  }
  if (tilesReplaced > 0) {
    appender.appendNow(tilesMendedRecord(tilesReplaced))
    options.onEvent?.({ type: 'tiles-mended', tiles: tilesReplaced })
  }
  await recordTorn(options, appender, [...tail.torn, ...found.torn])
  if (takenFrom !== undefined) {
    options.onEvent?.({ type: 'lock-taken-over', pid: takenFrom.pid, host: takenFrom.host })
  }
}

/** Resolves when everything appended so far is on disk. */
async function recordTorn(
  options: ReadyOptions,
  appender: Appender,
  found: readonly TornBytes[],
): Promise<void> {
  for (const torn of found) {
    appender.appendNow(recoveredRecord(torn))
    options.onEvent?.({ type: 'torn', file: torn.file, bytes: torn.bytes })
  }
  await appender.flushed()
}

function onTick(ledger: Supervised): void {
  const { options, appender, lock } = ledger
  const nowMs = options.clock.monotonicMs()
  const isTime = nowMs - ledger.renewedMs >= BEAT_MS
  if (isTime) ledger.renewedMs = nowMs
  keepLock(appender, () => (isTime ? lock.renew() : lock.check()))
  if (!appender.isAccepting) return
  ledger.refusals?.flush()
  ledger.upkeep.tick(nowMs)
  if (nowMs - appender.lastAppendMs >= BEAT_MS) {
    appender.appendNow(heartbeatRecord(ledger.keeper.sealer?.entry))
  }
  // Bounds what a power cut can take of the records that were only handed to the kernel.
  appender.syncBehind()
  ledger.keeper.publish()
}

function keepLock(appender: Appender, isKept: () => boolean): void {
  try {
    if (isKept()) return
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
  if (ledger.full === 'no' && ledger.reserve !== undefined && isNoRoom(failure.error)) {
    ledger.full = 'noticed'
    ledger.reserve.release()
    ledger.backoffMs = 0
  }
  retryLater(ledger)
}

function retryLater(ledger: Supervised): void {
  if (ledger.isClosed) return
  ledger.cancelRetry()
  ledger.cancelRetry = ledger.options.schedule(ledger.backoffMs, () => void reopen(ledger))
  ledger.backoffMs = Math.max(BACKOFF_MIN_MS, Math.min(ledger.backoffMs * 2, BACKOFF_MAX_MS))
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
  // What the reserve held was for one record: there must be room for it again before anything else.
  if (ledger.full === 'recorded') ledger.reserve?.fill()
  for (const file of ledger.suspects) {
    await rewriteSegment(options.files, file)
    ledger.suspects.delete(file)
  }
  const tail = await findEnd(ledger)
  await ledger.keeper.recover(tail)
  if (ledger.isClosed) throw unavailable('the log is closing')
  if (tail.last !== undefined && tail.last.boot !== options.bootId) {
    throw unavailable('another process has written to the log since')
  }
  const { refused } = appender
  batch.continueAfter(tail.last)
  const segment = createSegment(options, (tail.last?.seq ?? -1) + 1)
  appender.start(segment)
  const code = (outage.error as NodeJS.ErrnoException).code ?? 'ERROR'
  const { since, operation, file } = outage
  appender.appendNow(degradedRecord({ since, operation, code, file, refused }))
  await recordTorn(options, appender, tail.torn).catch((error: unknown) => {
    // Written but not signed: that is told of, and tried again, on its own.
    if (!appender.isAccepting) throw error
  })
  ledger.outage = undefined
  ledger.backoffMs = BACKOFF_MIN_MS
  options.onEvent?.({ type: 'reopened', file: segment.path, refused })
  fillReserve(ledger)
}

/** Without room for the reserve, a disk that was full still is: nothing more is accepted. */
function fillReserve(ledger: Supervised): void {
  const { reserve, appender, options } = ledger
  const wasFull = ledger.full !== 'no'
  try {
    reserve?.fill()
    ledger.full = 'no'
  } catch (thrown) {
    const error = asError(thrown)
    options.onEvent?.({ type: 'no-reserve', error })
    if (!wasFull) return
    ledger.full = 'recorded'
    appender.fail({ operation: 'write', error })
  }
}

/** Whether the last run said that it ended; so does a log without a record. */
function endsWell({ files, dir }: ReadyOptions): boolean {
  const last = listSegments(files, dir).segments.at(-1)
  // What is no file is refused with better words in a moment.
  if (last === undefined || files.status(last.path)?.kind !== 'file') return true
  for (const line of readLinesBackward(files, last.path)) {
    const checked = checkLine({ ...WHOLE, bytes: line }, 'unknown', 'link')
    return !isFault(checked) && checked.type === 'log.closed'
  }
  return true
}

/**
 * A run that has not ended, and no lock: a lock was removed, and its holder may still be writing. It
 * looks at the lock every second, and stops when it finds ours.
 */
async function outwait(lock: LedgerLock, ms = TICK_MS * 2.5): Promise<void> {
  await wait(ms)
  if (!lock.check()) throw unavailable('another process took the log at the same moment')
}

async function close(ledger: Supervised): Promise<void> {
  const { appender, lock, keeper } = ledger
  ledger.isClosed = true
  ledger.cancelTick()
  ledger.cancelRetry()
  try {
    await ledger.reopening
    await ledger.upkeep.idle()
    ledger.refusals?.flush(true)
    ledger.upkeep.finish()
    appender.appendNow(closedRecord(keeper.sealer?.entry))
    await appender.finish()
    keeper.publish(true)
  } finally {
    keeper.sealer?.close()
    lock.release()
  }
}
