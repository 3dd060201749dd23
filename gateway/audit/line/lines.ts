/**
 * Reads the lines of a segment, forwards and backwards, as bytes and in bounded memory. Knows
 * nothing of what the lines say.
 */
import { readFull } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { LINE_BYTES_MAX } from './record.ts'

/** One line of a file. */
export interface RawLine {
  /** Without the newline; a view that is valid until the next line is read. */
  readonly bytes: Buffer
  /** From 1. */
  readonly number: number
  /** Where the line starts in the file. */
  readonly offset: number
  /** Whether a newline ends it; only the last line may lack one. */
  readonly terminated: boolean
  /** Longer than a record may be: `bytes` holds only its end. */
  readonly overlong: boolean
}

const BLOCK_BYTES = 256 * 1024
const NEWLINE = 0x0a

/**
 * The lines of the file at `path`, first to last. Holds at most 256 KiB of it in memory. With `from`,
 * where a line starts, only those from there on, numbered from 1.
 */
export function* readLines(files: FilePort, path: string, from = 0): Generator<RawLine, void> {
  const fd = files.openRead(path)
  try {
    yield* linesOf(files, fd, from)
  } finally {
    files.close(fd)
  }
}

function* linesOf(files: FilePort, fd: number, from: number): Generator<RawLine, void> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  let held = 0 // bytes in the block that belong to a line not yet ended
  let position = from // where the next read starts in the file
  let offset = from // where the line being read starts in the file
  let number = 1
  for (;;) {
    const read = files.read(fd, block.subarray(held), position)
    if (read === 0) break
    position += read
    const filled = held + read
    const blockOffset = position - filled
    let start = 0
    for (;;) {
      const end = block.subarray(0, filled).indexOf(NEWLINE, start)
      if (end === -1) break
      const overlong = blockOffset + end - offset > LINE_BYTES_MAX
      yield { bytes: block.subarray(start, end), number, offset, terminated: true, overlong }
      number += 1
      start = end + 1
      offset = blockOffset + start
    }
    // An endless line must not grow the buffer: of what is too long, only the end is kept (I17).
    const keepFrom = Math.max(start, filled - LINE_BYTES_MAX - 1)
    block.copyWithin(0, keepFrom, filled)
    held = filled - keepFrom
  }
  if (position > offset) {
    const overlong = position - offset > LINE_BYTES_MAX
    yield { bytes: block.subarray(0, held), number, offset, terminated: false, overlong }
  }
}

/**
 * The lines of the file at `path`, last to first, without their newlines. An unterminated last
 * line and lines longer than a record may be are left out.
 */
export function* readLinesBackward(files: FilePort, path: string): Generator<Buffer, void> {
  const fd = files.openRead(path)
  try {
    yield* backwardLinesOf(files, fd, files.statusOf(fd).size)
  } finally {
    files.close(fd)
  }
}

function* backwardLinesOf(files: FilePort, fd: number, size: number): Generator<Buffer, void> {
  let position = size
  let rest = Buffer.alloc(0) // the end of a line whose beginning is in an earlier block
  let terminated = false
  while (position > 0) {
    const from = Math.max(0, position - BLOCK_BYTES)
    const block = Buffer.concat([readFull(files, fd, Buffer.alloc(position - from), from), rest])
    let end = block.length
    for (;;) {
      const newline = end === 0 ? -1 : block.lastIndexOf(NEWLINE, end - 1)
      if (newline === -1) break
      const line = block.subarray(newline + 1, end)
      if (terminated && line.length <= LINE_BYTES_MAX) yield line
      terminated = true
      end = newline
    }
    rest = Buffer.from(block.subarray(0, Math.min(end, LINE_BYTES_MAX + 1)))
    position = from
  }
  if (terminated && rest.length > 0 && rest.length <= LINE_BYTES_MAX) yield rest
}
