/** Reads a log from its first record to its last, in bounded memory and without verifying it. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemFiles, type FilePort } from '../files/file-port.ts'
import { readLines, type RawLine } from '../line/lines.ts'
import type { StoredRecord } from './query.ts'
import { listSegments } from '../files/segments.ts'

/** How {@link scanRecords} reads. */
export interface ScanOptions {
  /** Records of this type only. */
  readonly type: string
  /** Records made at this time or later, milliseconds since the epoch. */
  readonly since?: number | undefined
  /** Records made before this time, milliseconds since the epoch. */
  readonly until?: number | undefined
  readonly files?: FilePort
  /** What is given of each record: that of `createReveal` gives what is encrypted back. */
  readonly open?: ((record: StoredRecord) => StoredRecord) | undefined
  /** Told now and then how much of the log has been read. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined
  /** Told of a line that is no record: cut short, too long, or not JSON. */
  readonly onUnreadable?: (place: { readonly path: string; readonly line: number }) => void
}

/** How far a scan has come. */
export interface ScanProgress {
  readonly bytesRead: number
  /** Of all segments, when the scan began. */
  readonly bytesTotal: number
}

/** Lines looked at between two turns of the event loop. */
const LINES_PER_TURN = 4096

/**
 * The records of one type in the order they were written. Holds one block and one record in memory.
 * What a live gateway appends meanwhile may or may not be among them; its unfinished last line is
 * left out without a word. The time of a record is that of the clock when it was made, which may
 * have been set back: every record is looked at, so that none is missed.
 */
export async function* scanRecords(
  dir: string,
  options: ScanOptions,
): AsyncGenerator<StoredRecord, void> {
  const mark = Buffer.from(`"type":${JSON.stringify(options.type)}`)
  const opened = options.open ?? ((record: StoredRecord) => record)
  let lines = 0
  for (const { line, path, isLast, progress } of linesIn(dir, options.files ?? systemFiles)) {
    if (++lines % LINES_PER_TURN === 0) {
      options.onProgress?.(progress())
      await nextTurn()
    }
    const record = recordIn(line, mark)
    if (record === 'unreadable') {
      const isBeingWritten = isLast && !line.terminated
      if (!isBeingWritten) options.onUnreadable?.({ path, line: line.number })
    } else if (record !== undefined && isWanted(record, options)) yield opened(record)
  }
}

/** One line of the log, and where. */
interface LogLine {
  readonly line: RawLine
  readonly path: string
  /** Whether it is in the last segment. */
  readonly isLast: boolean
  readonly progress: () => ScanProgress
}

function* linesIn(dir: string, files: FilePort): Generator<LogLine, void> {
  const { segments } = listSegments(files, dir)
  const sizes = segments.map(({ path }) => files.status(path)?.size ?? 0)
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0)
  let before = 0
  for (const [index, { path }] of segments.entries()) {
    const isLast = index === segments.length - 1
    for (const line of readLines(files, path)) {
      const progress = () => ({ bytesRead: before + line.offset, bytesTotal })
      yield { line, path, isLast, progress }
    }
    before += sizes[index] ?? 0
  }
}

/** Bytes are compared first: a line of another type is not worth parsing. */
function recordIn(line: RawLine, mark: Buffer): StoredRecord | 'unreadable' | undefined {
  if (line.overlong || !line.terminated) return 'unreadable'
  if (!line.bytes.includes(mark)) return line.bytes.at(-1) === CLOSING ? undefined : 'unreadable'
  try {
    const value: unknown = JSON.parse(line.bytes.toString('utf8'))
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isRecord ? (value as StoredRecord) : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

const CLOSING = '}'.charCodeAt(0)

function isWanted(record: StoredRecord, { type, since, until }: ScanOptions): boolean {
  if (record['type'] !== type) return false
  if (since === undefined && until === undefined) return true
  const { ts } = record
  const at = typeof ts === 'string' ? Date.parse(ts) : Number.NaN
  // A record without a time could belong to any: it is not left out.
  if (Number.isNaN(at)) return true
  return at >= (since ?? -Infinity) && at < (until ?? Infinity)
}
