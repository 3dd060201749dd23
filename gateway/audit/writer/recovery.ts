/**
 * Finds the end of a log that was closed well, or not: verifies the chain over its last segment,
 * and moves the bytes of a half-written line out of the way, kept for whoever investigates.
 */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { GatewayError } from '../../domain/errors.ts'
import { checkLine, isFault, type LineFault, type Link, type LogPosition } from '../line/chain.ts'
import { cutOff, settled, writeAll } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { readLines, type RawLine } from '../line/lines.ts'
import {
  asidePath,
  checkSegmentStatus,
  listSegments,
  unavailable,
  type SegmentFile,
} from '../files/segments.ts'

/** Bytes that were no complete line, and where they are now. */
export interface TornBytes {
  readonly file: string
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** The end of a log. */
export interface LogTail {
  /** The last record; `undefined` when the log is empty. */
  readonly last: Link | undefined
  /** The segment it is in. */
  readonly segment:
    (SegmentFile & { readonly size: number; readonly startedAt: number }) | undefined
  readonly torn: readonly TornBytes[]
}

/** What {@link recoverTail} needs. */
export interface RecoveryOptions {
  readonly files: FilePort
  readonly dir: string
  /** Origin that every record must have. */
  readonly log: string
  /** A record known to have been written: the log must hold it. */
  readonly written?: LogPosition | undefined
  readonly uid?: number | undefined
}

/** The chain is verified over this much of the end of a segment; it bounds the time to start. */
const TAIL_BYTES_MAX = 32 * 1024 * 1024
/** Nothing speaks for the last lines that a torn write may hide: they are looked at whole. */
const UNPROVEN_BYTES_MAX = 2 * 1024 * 1024
/** Lines checked between two turns of the event loop. */
const LINES_PER_TURN = 512

/**
 * The end of the log in `dir`. Reads one segment, yielding to the event loop, with flat memory.
 *
 * @throws ERR_AUDIT_UNAVAILABLE naming file and line when the chain is broken, a record is of
 * another log, or `written` is gone
 */
export async function recoverTail(options: RecoveryOptions): Promise<LogTail> {
  const { segments } = listSegments(options.files, options.dir)
  const torn: TornBytes[] = []
  for (const segment of [...segments].reverse()) {
    const end = await walkSegment(options, segment)
    if (end.tornFrom !== undefined) {
      torn.push(await moveTorn(options.files, segment.path, end.tornFrom))
    }
    if (end.last !== undefined) {
      checkWritten(options.written, end.last, segment.path)
      const { size, startedAt } = end
      return { last: end.last, segment: { ...segment, size, startedAt }, torn }
    }
    // Not one record ever got in: the name is needed again by the segment that will hold it.
    options.files.remove(segment.path)
  }
  if (options.written !== undefined) throw unavailable(`${options.dir}: the log is gone`)
  return { last: undefined, segment: undefined, torn }
}

interface SegmentEnd {
  readonly last: Link | undefined
  /** Time of its first record. */
  readonly startedAt: number
  /** Bytes of complete lines. */
  readonly size: number
  /** Where an incomplete line starts. */
  readonly tornFrom: number | undefined
}

async function walkSegment(options: RecoveryOptions, segment: SegmentFile): Promise<SegmentEnd> {
  const { files, uid } = options
  const bytes = openableSize(files, segment.path, uid)
  let previous: Link | 'unknown' = 'unknown'
  let last: Link | undefined
  let size = 0
  let startedAt = 0
  for (const line of readLines(files, segment.path)) {
    if (!line.terminated) {
      return { last, startedAt, size, tornFrom: adjoining(segment, line, size) }
    }
    if (line.number % LINES_PER_TURN === 0) await nextTurn()
    if (line.number > 1 && line.offset < bytes - TAIL_BYTES_MAX) {
      previous = 'unknown'
      continue
    }
    const scrutiny = line.offset < bytes - UNPROVEN_BYTES_MAX ? 'link' : 'record'
    const checked = checkLine(line, previous, scrutiny)
    const fault = isFault(checked) ? checked : checkPlace(options, segment, line, checked)
    if (fault !== undefined) throw broken(segment, line, fault)
    last = previous = checked as Link
    if (line.number === 1) startedAt = last.at
    size = line.offset + line.bytes.length + 1
  }
  return { last, startedAt, size, tornFrom: undefined }
}

/** Where the torn line starts, which must be where the last checked line ends. */
function adjoining(segment: SegmentFile, line: RawLine, size: number): number {
  if (line.offset === size) return size
  throw broken(segment, line, { class: 'torn', message: 'more is torn than one write can leave' })
}

function broken(segment: SegmentFile, line: RawLine, fault: LineFault): GatewayError {
  return unavailable(`${segment.path}:${line.number}: ${fault.class}: ${fault.message}`)
}

function openableSize(files: FilePort, path: string, uid: number | undefined): number {
  const status = files.status(path)
  if (status === undefined) throw unavailable(`${path}: is gone`)
  checkSegmentStatus(path, status, uid)
  return status.size
}

function checkPlace(
  { log, written }: RecoveryOptions,
  segment: SegmentFile,
  line: RawLine,
  link: Link,
): LineFault | undefined {
  if (link.log !== log) {
    return { class: 'origin', message: `the record is of log ${link.log}, not ${log}` }
  }
  if (line.number === 1 && link.seq !== segment.firstSeq) {
    return { class: 'segment', message: `the file begins with record ${link.seq}` }
  }
  if (link.seq === written?.seq && link.hash !== written.hash) {
    return { class: 'anchor', message: `record ${link.seq} is not the one that was written` }
  }
  return undefined
}

function checkWritten(written: LogPosition | undefined, last: Link, path: string): void {
  if (written !== undefined && last.seq < written.seq) {
    throw unavailable(`${path}: truncated: ends at record ${last.seq}, ${written.seq} was written`)
  }
}

/** Copies the bytes from `from` on to a file of their own, durably, then cuts them off. */
export async function moveTorn(files: FilePort, path: string, from: number): Promise<TornBytes> {
  const torn = await copyFrom(files, path, from)
  cutOff(files, path, from)
  await settled((done) => files.syncDirectory(dirname(path), done))
  return torn
}

/** Copies the bytes from `from` on to a new file beside the segment, on disk when it resolves. */
async function copyFrom(files: FilePort, path: string, from: number): Promise<TornBytes> {
  const file = asidePath(files, path)
  const output = files.openAppend(file, true)
  const digest = createHash('sha256')
  let bytes = 0
  try {
    for (const part of readFrom(files, path, from)) {
      digest.update(part)
      writeAll(files, output, part, { start: 0, end: part.length })
      bytes += part.length
    }
    await settled((done) => files.sync(output, done))
  } finally {
    files.close(output)
  }
  return { file, bytes, sha256: digest.digest('hex') }
}

function* readFrom(files: FilePort, path: string, from: number): Generator<Buffer, void> {
  const fd = files.openRead(path)
  try {
    const block = Buffer.allocUnsafe(64 * 1024)
    for (let position = from; ;) {
      const read = files.read(fd, block, position)
      if (read === 0) return
      position += read
      yield block.subarray(0, read)
    }
  } finally {
    files.close(fd)
  }
}

/** Puts on disk whatever an earlier writer of the file at `path` left in the cache. */
export async function syncSegment(files: FilePort, path: string): Promise<void> {
  const fd = files.openAppend(path, false)
  try {
    await settled((done) => files.sync(fd, done))
  } finally {
    files.close(fd)
  }
  await settled((done) => files.syncDirectory(dirname(path), done))
}

/**
 * Replaces the file at `path` by a copy of itself that is on disk; a file that is gone is left so.
 * For a file whose sync has failed: its pages now count as clean, and may never reach the disk. The copy waits under a name that counts as moved aside, should the process die meanwhile.
 */
export async function rewriteSegment(files: FilePort, path: string): Promise<void> {
  if (files.status(path) === undefined) return
  const { file } = await copyFrom(files, path, 0)
  files.rename(file, path)
  await settled((done) => files.syncDirectory(dirname(path), done))
}
