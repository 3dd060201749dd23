/** The end of a log, and what is appended to it. */
import { systemFiles, type FilePort } from '../files/file-port.ts'
import { listSegments, type SegmentFile } from '../files/segments.ts'
import { readLines } from '../line/lines.ts'

/** How {@link followLines} waits. */
export interface FollowOptions {
  /** Resolves when it is time to look again: to `false` when nobody wants to know any more. */
  readonly wait: () => Promise<boolean>
  readonly files?: FilePort
}

/** A place in a log: of a segment, by its first number, the byte where a line starts. */
export interface LogPlace {
  readonly firstSeq: number
  readonly offset: number
}

/** The place behind the last whole line. */
export function endOfLog(dir: string, files: FilePort = systemFiles): LogPlace {
  const last = listSegments(files, dir).segments.at(-1)
  return last === undefined
    ? { firstSeq: 0, offset: 0 }
    : { firstSeq: last.firstSeq, offset: endOf(files, last.path) }
}

/** Lines of a segment are short of this: it is read backwards so far to find where the last one ends. */
const BACK_BYTES = 64 * 1024

function endOf(files: FilePort, path: string): number {
  const fd = files.openRead(path)
  try {
    const { size } = files.statusOf(fd)
    const from = Math.max(0, size - BACK_BYTES)
    const block = Buffer.alloc(size - from)
    const read = files.read(fd, block, from)
    return from + block.subarray(0, read).lastIndexOf(0x0a) + 1
  } finally {
    files.close(fd)
  }
}

/**
 * The lines that come after `place`, as they are written, without newlines; in a new segment, too. Ends when
 * `wait` says so. A line is valid until the next one is asked for.
 */
export async function* followLines(
  dir: string,
  place: LogPlace,
  { wait, files = systemFiles }: FollowOptions,
): AsyncGenerator<Buffer, void> {
  let at = place
  do {
    // Listed before it is read: what is complete when a later segment exists gets no more lines.
    const segments = from(listSegments(files, dir).segments, at.firstSeq)
    for (const segment of segments) {
      let { offset } = segment.firstSeq === at.firstSeq ? at : { offset: 0 }
      for (const line of readLines(files, segment.path, offset)) {
        if (!line.terminated) break
        offset = line.offset + line.bytes.length + 1
        if (!line.overlong) yield line.bytes
      }
      at = { firstSeq: segment.firstSeq, offset }
    }
  } while (await wait())
}

/** The segment that begins with `firstSeq`, and those after it. */
function from(segments: readonly SegmentFile[], firstSeq: number): readonly SegmentFile[] {
  return segments.filter((segment) => segment.firstSeq >= firstSeq)
}
