/** Makes the indexes of a log, and goes on where it was left. */
import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemFiles, type FilePort } from '../files/file-port.ts'
import { listSegments, type SegmentFile } from '../files/segments.ts'
import { readLines, type RawLine } from '../line/lines.ts'
import { leafHash } from '../line/record.ts'
import {
  indexDirectory,
  indexPath,
  openIndex,
  openIndexWriter,
  type SegmentIndex,
} from './index-file.ts'
import {
  fillRow,
  FRAME_ROWS,
  newFrame,
  ROW_BYTES_MAX,
  sealFrame,
  type Frame,
  type FrameHead,
} from './index-frame.ts'
import type { StoredRecord } from './query.ts'
import type { ScanProgress } from './scan.ts'
import { timeOf } from './terms.ts'

/** How {@link indexLedger} works. */
export interface IndexOptions {
  readonly files?: FilePort
  /** Makes every index anew, whatever is there. */
  readonly rebuild?: boolean
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined
}

/** What came of it. */
export interface IndexReport {
  readonly segments: number
  /** Records that can be found by index now. */
  readonly records: number
  /** Of these, records that were added this time. */
  readonly added: number
  /** Why nothing could be written; what was there before can be used all the same. */
  readonly unwritable?: string
}

/** Lines looked at between two turns of the event loop. */
const LINES_PER_TURN = 4096

/**
 * Brings the indexes of the log in `dir` up to date and removes those of segments that are gone.
 * Reads only what is new. The gateway may be writing meanwhile: only whole lines count. Holds one
 * block of a segment and 32 frames in memory.
 */
export async function indexLedger(dir: string, options: IndexOptions = {}): Promise<IndexReport> {
  const { files = systemFiles, rebuild = false } = options
  const { segments } = listSegments(files, dir)
  const starts = segments.map((segment) => startOf(files, dir, segment, rebuild))
  const total = progressOver(files, starts)
  const known = starts.reduce((sum, { count }) => sum + count, 0)
  let added = 0
  const report = () => ({
    segments: segments.length,
    records: (known + added) * FRAME_ROWS,
    added: added * FRAME_ROWS,
  })
  try {
    removeIndexes(files, dir, rebuild ? [] : segments)
    for (const [at, start] of starts.entries()) {
      for await (const end of addFrames(files, dir, start)) {
        added += 1
        options.onProgress?.(total(at, end))
      }
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined || !UNWRITABLE.has(code)) throw error
    return { ...report(), unwritable: code }
  }
  return report()
}

const UNWRITABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT'])

/** A segment, and where its index ends. */
interface Start {
  readonly segment: SegmentFile
  /** Frames there are. */
  readonly count: number
  /** Where the segment goes on behind them. */
  readonly end: number
}

function startOf(files: FilePort, dir: string, segment: SegmentFile, rebuild: boolean): Start {
  if (rebuild) return { segment, count: 0, end: 0 }
  const index = openIndex(files, dir, segment)
  index.close()
  return { segment, count: index.count, end: index.end }
}

/** How far the work is when it has come to byte `end` of the segment at `at`. */
function progressOver(
  files: FilePort,
  starts: readonly Start[],
): (at: number, end: number) => ScanProgress {
  let bytesTotal = 0
  const before = starts.map(({ segment, end }) => {
    const sofar = bytesTotal
    bytesTotal += Math.max(0, (files.status(segment.path)?.size ?? 0) - end)
    return sofar - end
  })
  return (at, end) => ({ bytesRead: (before[at] ?? 0) + end, bytesTotal })
}

/** What {@link checkIndexes} found. */
export interface IndexCheck {
  /** Records whose place in the index was looked at. */
  readonly records: number
  /** Indexes that say something else than the segment; they were not made by this program. */
  readonly differing: readonly string[]
}

/** Makes every index once more, in memory, and compares it with what is there. */
export async function checkIndexes(
  dir: string,
  { files = systemFiles, onProgress }: Omit<IndexOptions, 'rebuild'> = {},
): Promise<IndexCheck> {
  const { segments } = listSegments(files, dir)
  const total = progressOver(
    files,
    segments.map((segment) => ({ segment, count: 0, end: 0 })),
  )
  const differing: string[] = []
  let records = 0
  for (const [at, segment] of segments.entries()) {
    const index = openIndex(files, dir, segment)
    try {
      const same = sameFrames(files, segment, index)
      records += same * FRAME_ROWS
      if (same < index.claimed) differing.push(indexPath(dir, segment))
      onProgress?.(total(at, index.end))
    } finally {
      index.close()
    }
    await nextTurn()
  }
  return { records, differing }
}

/** How many frames, from the first on, are what the segment makes them. */
function sameFrames(files: FilePort, segment: SegmentFile, index: SegmentIndex): number {
  if (index.count === 0) return 0
  let number = 0
  for (const { frame, facts } of blockReader(files, segment, 0)) {
    sealFrame(frame, { ...facts, number })
    if (index.read(number)?.frame.bytes.equals(frame.bytes) !== true) break
    number += 1
    if (number === index.count) break
  }
  return number
}

/** Adds what is missing to one index. Yields where each frame ends. */
async function* addFrames(
  files: FilePort,
  dir: string,
  { segment, count, end }: Start,
): AsyncGenerator<number, void> {
  const block = blockReader(files, segment, end)
  let next = block.next()
  // Most segments are indexed whole: nothing is opened for writing where there is nothing to add.
  if (next.done === true) return
  const writer = openIndexWriter(dir, segment, count)
  try {
    let [number, lines] = [count, 0]
    while (next.done !== true) {
      const { frame, facts } = next.value
      sealFrame(frame, { ...facts, number })
      writer.add(frame)
      number += 1
      lines += FRAME_ROWS
      yield facts.offset + facts.bytes
      if (lines % LINES_PER_TURN === 0) await nextTurn()
      next = block.next()
    }
    writer.flush()
  } finally {
    block.return(undefined)
    writer.close()
  }
}

interface Block {
  readonly frame: Frame
  readonly facts: Omit<FrameHead, 'number'>
}

/** Frames of the lines from `from` on, each valid until the next; a rest that fills none is left. */
function* blockReader(
  files: FilePort,
  segment: SegmentFile,
  from: number,
): Generator<Block, undefined> {
  const frame = newFrame()
  let row = 0
  let [offset, earliest, latest] = [from, Infinity, -Infinity]
  for (const line of readLines(files, segment.path, from)) {
    // Longer than any record may be: from here on the segment is read as it is.
    if (line.overlong || !line.terminated || line.bytes.length > ROW_BYTES_MAX) return undefined
    const record = recordIn(line)
    const at = record === undefined ? Number.NaN : timeOf(record)
    earliest = Number.isNaN(at) ? -Infinity : Math.min(earliest, at)
    latest = Number.isNaN(at) ? Infinity : Math.max(latest, at)
    frame.lengths[row] = line.bytes.length
    fillRow(frame, row, record)
    if (++row < FRAME_ROWS) continue
    const end = line.offset + line.bytes.length + 1
    const last = leafHash(line.bytes)
    yield { frame, facts: { offset, bytes: end - offset, earliest, latest, last } }
    row = 0
    offset = end
    earliest = Infinity
    latest = -Infinity
  }
  return undefined
}

function recordIn({ bytes }: RawLine): StoredRecord | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isRecord ? (value as StoredRecord) : undefined
  } catch {
    return undefined
  }
}

const INDEX_NAME = /^\d{16}\.idx$/

/** Removes indexes of all segments but these: of those that were pruned or moved away. */
function removeIndexes(files: FilePort, dir: string, segments: readonly SegmentFile[]): void {
  const folder = indexDirectory(dir)
  if (files.status(folder)?.kind !== 'directory') return
  const known = new Set(segments.map((segment) => basename(indexPath(dir, segment))))
  for (const name of readdirSync(folder)) {
    if (INDEX_NAME.test(name) && !known.has(name)) rmSync(join(folder, name), { force: true })
  }
}
