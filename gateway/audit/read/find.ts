/** Finds records in a log: by its indexes as far as they reach, by reading everything behind them. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemFiles, type FilePort } from '../files/file-port.ts'
import { listSegments, type SegmentFile } from '../files/segments.ts'
import { readLines, type RawLine } from '../line/lines.ts'
import { quote } from '../line/text.ts'
import { NO_INDEX, openIndex, type SegmentIndex } from './index-file.ts'
import { ALL_ROWS, rowSelector, type RowSelector } from './index-frame.ts'
import type { StoredRecord } from './query.ts'
import { createRowReader, type PlacedLine, type RowReader } from './rows.ts'
import type { ScanProgress } from './scan.ts'
import { COLUMNS, isWanted, withoutVersion, type Column, type RecordFilter } from './terms.ts'

/** A record that was found. Unverified: only `modelgate audit verify` says that it was not changed. */
export interface FoundRecord {
  readonly record: StoredRecord
  /** The line as it is stored, without its newline: what the leaf hash is of. */
  readonly line: string
}

/** Opens what is encrypted in records, where there are keys: `createReveal` of personal/. */
export interface RecordOpener {
  record(record: StoredRecord): StoredRecord
  /** The id of the key of a subject, as records hold it. */
  keyIdOf(subject: string): string | undefined
}

/** How records are found. */
export interface FindRecordsOptions {
  /** Reads everything instead of relying on indexes. */
  readonly withoutIndex?: boolean
  readonly files?: FilePort
  readonly opener?: RecordOpener | undefined
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined
  /** Told of every line that was looked at and is no record. */
  readonly onUnreadable?: (() => void) | undefined
}

/** Steps, each at most a frame, between two turns of the event loop. */
const STEPS_PER_TURN = 64

/**
 * The records wanted, in the order they were written. Holds one block and its records in memory. What
 * a live gateway appends meanwhile may or may not be among them; its unfinished last line is left
 * out without a word. Indexes are not brought up to date here: see `indexLedger`.
 */
export async function* findRecords(
  dir: string,
  filter: RecordFilter,
  options: FindRecordsOptions = {},
): AsyncGenerator<FoundRecord, void> {
  const search = createSearch(filter, options)
  const { segments } = listSegments(search.files, dir)
  const progress = progressOf(search.files, segments)
  let steps = 0
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1
    for (const { found, end } of forwards(search, dir, { segment, isLast })) {
      yield* found
      if (++steps % STEPS_PER_TURN > 0) continue
      options.onProgress?.(progress(at, end))
      await nextTurn()
    }
  }
}

/**
 * The newest `countMax` of the records wanted, oldest first. Reads from the end of the log, and no
 * further than it must.
 */
export async function newestRecords(
  dir: string,
  filter: RecordFilter,
  { countMax, ...options }: FindRecordsOptions & { readonly countMax: number },
): Promise<readonly FoundRecord[]> {
  const search = createSearch(filter, options)
  const { segments } = listSegments(search.files, dir)
  const batches: (readonly FoundRecord[])[] = []
  let [left, steps] = [countMax, 0]
  for (const [at, segment] of [...segments.entries()].reverse()) {
    const isLast = at === segments.length - 1
    for (const found of backwards(search, dir, { segment, isLast, countMax: left })) {
      batches.push(found.slice(-left))
      left -= Math.min(left, found.length)
      if (left === 0) return batches.reverse().flat()
      if (++steps % STEPS_PER_TURN === 0) await nextTurn()
    }
  }
  return batches.reverse().flat()
}

interface Search {
  readonly filter: RecordFilter
  readonly files: FilePort
  readonly withoutIndex: boolean
  readonly open: (record: StoredRecord) => StoredRecord
  readonly select: RowSelector
  /** Bytes that are in every line wanted: in each entry, at least one of the marks. */
  readonly marks: readonly (readonly Buffer[])[]
  readonly onUnreadable: () => void
}

function createSearch(filter: RecordFilter, options: FindRecordsOptions): Search {
  const { files = systemFiles, withoutIndex = false, opener } = options
  const wanted = columnsIn(filter, opener)
  const marks = Object.entries(wanted)
    .filter(([, texts]) => texts.length <= MARKS_MAX)
    .map(([column, texts]) => marksOf(column, texts))
  return {
    filter,
    files,
    withoutIndex,
    open: opener === undefined ? (record) => record : (record) => opener.record(record),
    select: rowSelector(wanted),
    marks,
    onUnreadable: options.onUnreadable ?? (() => undefined),
  }
}

/** Past so many, a line is parsed sooner than it is compared with all of them. */
const MARKS_MAX = 16

/** What is looked for in records as they are stored. */
function columnsIn(
  filter: RecordFilter,
  opener: RecordOpener | undefined,
): Readonly<Partial<Record<Column, readonly string[]>>> {
  const wanted: Partial<Record<Column, readonly string[]>> = {}
  for (const column of COLUMNS) {
    const texts = filter[column]
    if (texts !== undefined) wanted[column] = [...texts]
  }
  const { subject } = wanted
  if (subject === undefined || opener === undefined) return wanted
  const keyIds = subject.map((text) => opener.keyIdOf(text)).filter((id) => id !== undefined)
  return { ...wanted, subject: [...subject, ...keyIds] }
}

/** Bytes are compared before a line is parsed: few lines are worth it. */
function marksOf(column: string, texts: readonly string[]): readonly Buffer[] {
  // With any version, which the record may have in a field of its own.
  if (column === 'resource') {
    return texts.map((text) => Buffer.from(quote(withoutVersion(text)).slice(0, -1)))
  }
  const marks = texts.map((text) => Buffer.from(quote(text)))
  return column === 'ip' ? [...marks, Buffer.from('"enc":')] : marks
}

interface Within {
  readonly segment: SegmentFile
  /** Whether the gateway may be writing to it. */
  readonly isLast: boolean
}

/** Part of a segment, and where it ends. */
interface Step {
  readonly found: readonly FoundRecord[]
  readonly end: number
}

function* forwards(search: Search, dir: string, within: Within): Generator<Step, void> {
  const { segment } = within
  const index = indexOf(search, dir, segment)
  const rows = createRowReader(search.files, segment.path)
  let end = 0
  try {
    for (let number = 0; number < index.count; number++) {
      const opened = index.read(number)
      // From a damaged frame on, the segment is read as it is.
      if (opened === undefined) break
      end = opened.head.offset + opened.head.bytes
      yield { found: inFrame(search, rows, opened), end }
    }
  } finally {
    rows.close()
    index.close()
  }
  for (const batch of inLines(search, within, end)) yield batch
}

function* backwards(
  search: Search,
  dir: string,
  within: Within & { readonly countMax: number },
): Generator<readonly FoundRecord[], void> {
  const { segment, countMax } = within
  const index = indexOf(search, dir, segment)
  const rows = createRowReader(search.files, segment.path)
  try {
    const usable = usableFrames(index)
    const rest: FoundRecord[] = []
    for (const { found } of inLines(search, within, usable.end)) {
      rest.push(...found)
      if (rest.length > 2 * countMax) rest.splice(0, rest.length - countMax)
    }
    yield rest
    for (let number = usable.count - 1; number >= 0; number--) {
      const opened = index.read(number)
      if (opened !== undefined) yield inFrame(search, rows, opened)
    }
  } finally {
    rows.close()
    index.close()
  }
}

/** Frames before the first that is damaged. */
function usableFrames(index: SegmentIndex): { readonly count: number; readonly end: number } {
  let end = 0
  for (let number = 0; number < index.count; number++) {
    const opened = index.read(number)
    if (opened === undefined) return { count: number, end }
    end = opened.head.offset + opened.head.bytes
  }
  return { count: index.count, end }
}

function indexOf({ files, withoutIndex }: Search, dir: string, segment: SegmentFile): SegmentIndex {
  return withoutIndex ? NO_INDEX : openIndex(files, dir, segment)
}

type OpenedFrame = NonNullable<ReturnType<SegmentIndex['read']>>

function inFrame(
  search: Search,
  reader: RowReader,
  { frame, head }: OpenedFrame,
): readonly FoundRecord[] {
  const { since = -Infinity, until = Infinity } = search.filter
  if (head.latest < since || head.earliest >= until) return []
  const rows = search.select(frame) ?? ALL_ROWS
  if (rows.length === 0) return []
  return reader.read(head.offset, frame, rows).flatMap((line) => wantedIn(search, line))
}

/** Lines in one step. */
const LINES_PER_STEP = 1024

function* inLines(
  search: Search,
  { segment, isLast }: Within,
  from: number,
): Generator<Step, void> {
  let found: FoundRecord[] = []
  let lines = 0
  for (const line of readLines(search.files, segment.path, from)) {
    if (!(isLast && !line.terminated)) found.push(...wantedIn(search, line))
    if (++lines % LINES_PER_STEP > 0) continue
    yield { found, end: line.offset }
    found = []
  }
  yield { found, end: search.files.status(segment.path)?.size ?? 0 }
}

const CLOSING = '}'.charCodeAt(0)

/** The record of a line, when it is one and is wanted. */
function wantedIn(search: Search, line: PlacedLine | RawLine): readonly FoundRecord[] {
  const { bytes } = line
  const isWhole = !('overlong' in line) || (line.terminated && !line.overlong)
  if (isWhole && bytes.at(-1) === CLOSING && !mayBeWanted(search, bytes)) return []
  const text = bytes.toString('utf8')
  const record = isWhole ? parse(text) : undefined
  if (record === undefined) {
    search.onUnreadable()
    return []
  }
  const opened = search.open(record)
  return isWanted(opened, search.filter) ? [{ record: opened, line: text }] : []
}

function mayBeWanted({ marks }: Search, bytes: Buffer): boolean {
  return marks.every((any) => any.some((mark) => bytes.includes(mark)))
}

function parse(text: string): StoredRecord | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isRecord ? (value as StoredRecord) : undefined
  } catch {
    return undefined
  }
}

function progressOf(
  files: FilePort,
  segments: readonly SegmentFile[],
): (at: number, end: number) => ScanProgress {
  const sizes = segments.map(({ path }) => files.status(path)?.size ?? 0)
  const starts: number[] = []
  let bytesTotal = 0
  for (const size of sizes) {
    starts.push(bytesTotal)
    bytesTotal += size
  }
  return (at, end) => ({ bytesRead: (starts[at] ?? 0) + end, bytesTotal })
}
