/** Reads chosen lines of a block: one by one where they are few, the block at once where not. */
import { readFull } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import type { Frame } from './index-frame.ts'

/** A line that an index led to. */
export interface PlacedLine {
  /** Without the newline. */
  readonly bytes: Buffer
}

/** Past so many lines, one long read is faster than many short ones. */
const SINGLE_MAX = 32

/** Reads lines of one segment. */
export interface RowReader {
  /** The lines of `rows`, ascending, of the block that starts at `offset`. */
  read(offset: number, frame: Frame, rows: readonly number[]): readonly PlacedLine[]
  close(): void
}

/** Opens the segment at `path` when the first line is asked for. */
export function createRowReader(files: FilePort, path: string): RowReader {
  let fd: number | undefined
  return {
    read(offset, { lengths }, rows) {
      fd ??= files.openRead(path)
      const source = { files, fd }
      const places = placesOf(lengths, rows)
      const [first] = places
      const last = places.at(-1)
      if (first === undefined || last === undefined) return []
      if (places.length <= SINGLE_MAX) {
        return places.map(({ at, length }) => ({ bytes: readAt(source, offset + at, length) }))
      }
      const bytes = readAt(source, offset + first.at, last.at + last.length - first.at)
      return places.map(({ at, length }) => ({
        bytes: bytes.subarray(at - first.at, at - first.at + length),
      }))
    },
    close() {
      if (fd !== undefined) files.close(fd)
    },
  }
}

interface Place {
  /** From the start of the block. */
  readonly at: number
  readonly length: number
}

function placesOf(lengths: Uint16Array, rows: readonly number[]): readonly Place[] {
  const places: Place[] = []
  let [at, row] = [0, 0]
  for (const wanted of rows) {
    for (; row < wanted; row++) at += (lengths[row] ?? 0) + 1
    places.push({ at, length: lengths[wanted] ?? 0 })
  }
  return places
}

/** Fewer bytes than asked for where the file ends: the caller finds that they are no record. */
function readAt(
  { files, fd }: { readonly files: FilePort; readonly fd: number },
  position: number,
  length: number,
): Buffer {
  return readFull(files, fd, Buffer.alloc(length), position)
}
