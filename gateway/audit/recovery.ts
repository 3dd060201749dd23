/**
 * Finds the end of a log that was closed well, or not: verifies the chain over its last segment,
 * and moves the bytes of a half-written line out of the way, kept for whoever investigates.
 */
import { createHash } from 'node:crypto'
import { dirname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { checkLine, isFault, type LineFault, type Link, type LogPosition } from './chain.ts'
import { cutOff, settled, writeAll } from './file-ops.ts'
import type { FilePort } from './file-port.ts'
import { readLines, type RawLine } from './lines.ts'
import {
  asidePath,
  checkSegmentStatus,
  listSegments,
  unavailable,
  type SegmentFile,
} from './segments.ts'

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
  readonly segment: (SegmentFile & { readonly size: number }) | undefined
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
      return { last: end.last, segment: { ...segment, size: end.size }, torn }
    }
    // Not one record ever got in: the name is needed again by the segment that will hold it.
    options.files.remove(segment.path)
  }
  if (options.written !== undefined) throw unavailable(`${options.dir}: the log is gone`)
  return { last: undefined, segment: undefined, torn }
}

interface SegmentEnd {
  readonly last: Link | undefined
  /** Bytes of complete lines. */
  readonly size: number
  /** Where an incomplete line starts. */
  readonly tornFrom: number | undefined
}

async function walkSegment(options: RecoveryOptions, segment: SegmentFile): Promise<SegmentEnd> {
  const { files, uid } = options
  checkOpenable(files, segment.path, uid)
  let last: Link | undefined
  let size = 0
  for (const line of readLines(files, segment.path)) {
    if (!line.terminated) return { last, size, tornFrom: line.offset }
    const checked = checkLine(line, last ?? 'unknown')
    const fault = isFault(checked) ? checked : checkPlace(options, segment, line, checked)
    if (fault !== undefined) {
      throw unavailable(`${segment.path}:${line.number}: ${fault.class}: ${fault.message}`)
    }
    last = checked as Link
    size = line.offset + line.bytes.length + 1
    if (line.number % LINES_PER_TURN === 0) await nextTurn()
  }
  return { last, size, tornFrom: undefined }
}

function checkOpenable(files: FilePort, path: string, uid: number | undefined): void {
  const status = files.status(path)
  if (status === undefined) throw unavailable(`${path}: is gone`)
  checkSegmentStatus(path, status, uid)
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
async function moveTorn(files: FilePort, path: string, from: number): Promise<TornBytes> {
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
  cutOff(files, path, from)
  await settled((done) => files.syncDirectory(dirname(path), done))
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
