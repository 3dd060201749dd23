/**
 * The index of one segment, `index/<first seq>.idx`: a head and frames, one for every 1,024 whole
 * lines. What is behind the last full frame is read as it is. An index only saves work: it is made
 * from the segment, is thrown away whenever it does not fit it, and proves nothing.
 */
import { readFull } from '../files/file-ops.ts'
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import type { FilePort } from '../files/file-port.ts'
import type { SegmentFile } from '../files/segments.ts'
import { leafHash } from '../line/record.ts'
import {
  FRAME_BYTES,
  FRAME_ROWS,
  frameIn,
  openFrame,
  type Frame,
  type FrameHead,
} from './index-frame.ts'

/** The directory of the indexes of the log in `dir`. */
export function indexDirectory(dir: string): string {
  return join(dir, 'index')
}

/** The path of the index of a segment of the log in `dir`. */
export function indexPath(dir: string, segment: SegmentFile): string {
  return join(indexDirectory(dir), basename(segment.path).replace(/\.jsonl$/, '.idx'))
}

const HEAD_BYTES = 64
/** Frames read at once. */
const BATCH = 32

/** Name of the format, what a frame looks like, and the byte order of the machine. */
function headBytes(): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.write(`modelgate audit index 1 ${FRAME_BYTES}\n`)
  head.set(new Uint8Array(new Uint16Array([0x0102]).buffer), HEAD_BYTES - 2)
  return head
}

/** The index of a segment, as far as it can be used. */
export interface SegmentIndex {
  /** Usable frames, unless one of them turns out to be damaged. */
  readonly count: number
  /** Frames the file has room for, usable or not. */
  readonly claimed: number
  /** Where the segment goes on behind the last frame. */
  readonly end: number
  /** Frame `number`, valid until the next one is read; `undefined` when it is damaged. */
  read(number: number): { readonly frame: Frame; readonly head: FrameHead } | undefined
  close(): void
}

/** Opens the index of a segment; one that does not fit, or is not there, has no frames. */
export function openIndex(files: FilePort, dir: string, segment: SegmentFile): SegmentIndex {
  let fd: number
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    fd = openSync(indexPath(dir, segment), flags)
  } catch {
    return NO_INDEX
  }
  const frames = createReader(fd)
  const last = lastFitting(files, segment, frames)
  if (last === undefined) {
    closeSync(fd)
    return { ...NO_INDEX, claimed: frames.claimed }
  }
  return {
    count: last.number + 1,
    claimed: frames.claimed,
    end: last.offset + last.bytes,
    read: frames.read,
    close: () => closeSync(fd),
  }
}

/** Stands for an index that is not there. */
export const NO_INDEX: SegmentIndex = {
  count: 0,
  claimed: 0,
  end: 0,
  read: () => undefined,
  close: () => undefined,
}

interface FrameReader {
  readonly count: number
  readonly claimed: number
  readonly read: SegmentIndex['read']
}

function createReader(fd: number): FrameReader {
  const head = Buffer.alloc(HEAD_BYTES)
  const status = fstatSync(fd)
  const size = status.isFile() ? status.size : 0
  const isKnown =
    size > 0 && readSync(fd, head, 0, HEAD_BYTES, 0) === HEAD_BYTES && head.equals(headBytes())
  const memory = new ArrayBuffer(FRAME_BYTES * BATCH)
  const frames = Array.from({ length: BATCH }, (_, at) => frameIn(memory, at * FRAME_BYTES))
  const claimed = Math.max(0, Math.floor((size - HEAD_BYTES) / FRAME_BYTES))
  let batch = -1
  let held = 0
  return {
    count: isKnown ? claimed : 0,
    claimed,
    read(number) {
      if (Math.floor(number / BATCH) !== batch) {
        batch = Math.floor(number / BATCH)
        const position = HEAD_BYTES + batch * BATCH * FRAME_BYTES
        held = readSync(fd, new Uint8Array(memory), 0, memory.byteLength, position)
      }
      const at = number % BATCH
      const frame = frames[at]
      if (frame === undefined || held < (at + 1) * FRAME_BYTES) return undefined
      const opened = openFrame(frame, number)
      return opened && { frame, head: opened }
    },
  }
}

/** A writer that died may leave one batch behind half written. */
const STEPS_BACK_MAX = BATCH

/**
 * The last whole frame, if the segment still has its last record where the frame says: each record
 * carries the hash of the one before, so that this one stands for all of them.
 */
function lastFitting(
  files: FilePort,
  segment: SegmentFile,
  { count, read }: FrameReader,
): FrameHead | undefined {
  for (let number = count - 1; number >= Math.max(0, count - STEPS_BACK_MAX); number--) {
    const found = read(number)
    if (found === undefined) continue
    const length = found.frame.lengths[FRAME_ROWS - 1] ?? 0
    const { head } = found
    const line = readAt(files, segment.path, head.offset + head.bytes - 1 - length, length)
    return line !== undefined && leafHash(line) === head.last ? head : undefined
  }
  return undefined
}

function readAt(
  files: FilePort,
  path: string,
  position: number,
  length: number,
): Buffer | undefined {
  const fd = files.openRead(path)
  try {
    const bytes = readFull(files, fd, Buffer.alloc(length), position)
    return bytes.length === length ? bytes : undefined
  } finally {
    files.close(fd)
  }
}

/** Adds frames to the index of one segment. */
export interface IndexWriter {
  /** Takes a copy. */
  add(frame: Frame): void
  /** Writes what was added since. */
  flush(): void
  close(): void
}

/**
 * Opens the index of a segment for frames from number `count` on; what is behind them goes. Two
 * readers that do so at once write the same bytes to the same places.
 *
 * @throws what `node:fs` throws where nothing may be written
 */
export function openIndexWriter(dir: string, segment: SegmentFile, count: number): IndexWriter {
  mkdirSync(indexDirectory(dir), { recursive: true, mode: 0o700 })
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const fd = openSync(indexPath(dir, segment), flags, 0o600)
  if (count === 0) {
    ftruncateSync(fd, 0)
    writeSync(fd, headBytes(), 0, HEAD_BYTES, 0)
  }
  const waiting: Buffer[] = []
  let position = HEAD_BYTES + count * FRAME_BYTES
  const flush = (): void => {
    const bytes = Buffer.concat(waiting.splice(0))
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, undefined, position + at)
    position += bytes.length
  }
  return {
    add(frame) {
      waiting.push(Buffer.from(frame.bytes))
      if (waiting.length === BATCH) flush()
    },
    flush,
    close: () => closeSync(fd),
  }
}
