/**
 * Reads the records after a position out of the segment files, a block at a time: the ledger is the
 * spool of every sink, so that nothing waits in memory. Files are opened by name for every read;
 * one that was rewritten or moved on is found again.
 */
import { readFull } from '../files/file-ops.ts'
import { join } from 'node:path'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, segmentDirectory, type SegmentFile } from '../files/segments.ts'
import type { LogPosition } from '../line/chain.ts'
import { leafHash, LINE_BYTES_MAX } from '../line/record.ts'

/** A record as it is in the ledger. */
export interface TailRecord extends LogPosition {
  readonly ts: string
  readonly boot: string
  readonly type: string
  /** Without newline. */
  readonly line: Buffer
}

/** How much is read at once. */
export interface TailLimits {
  readonly recordsMax: number
  /** At least one record is given, however long. */
  readonly bytesMax: number
  /** The last record known to be written. */
  readonly seqMax: number
}

/** Reads what comes after a position. */
export interface Tail {
  /**
   * The records after `after`, in order; its `hash` may be empty when it is not known.
   * @throws TailGap when they were pruned, TailBroken when what is there does not follow
   */
  readAfter(after: LogPosition, limits: TailLimits): readonly TailRecord[]
}

/** The records wanted are gone; the oldest that is left is `next`. */
export class TailGap extends Error {
  override readonly name = 'TailGap'
  readonly next: number

  constructor(next: number) {
    super(`the oldest record is ${next}`)
    this.next = next
  }
}

/** The files do not hold what follows. */
export class TailBroken extends Error {
  override readonly name = 'TailBroken'
}

/** Where a record begins. */
interface Place {
  readonly path: string
  readonly offset: number
}

const BLOCK_BYTES = 256 * 1024
const NEWLINE = 0x0a
/** Positions whose place is remembered: where the last reads began and ended. */
const PLACES_MAX = 4

const ENVELOPE = new RegExp(
  '^\\{"v":1,"log":"[A-Za-z0-9._:/-]{1,200}","seq":(\\d{1,16}),"ts":"([\\d:.TZ+-]{24,27})",' +
    '"mono":"\\d{1,20}","boot":"([A-Za-z0-9-]{1,64})","prev":"([A-Za-z0-9+/]{43}=)",' +
    '"type":"([a-z][a-z0-9._-]{0,63})"[,}]',
)
const ENVELOPE_BYTES_MAX = 600

/** Reads the log in `dir`. */
export function createTail(files: FilePort, dir: string): Tail {
  const places = new Map<number, Place>()
  const remember = (seq: number, place: Place): void => {
    places.delete(seq)
    places.set(seq, place)
    const [oldest] = places.keys()
    if (places.size > PLACES_MAX && oldest !== undefined) places.delete(oldest)
  }
  const attempt = (after: LogPosition, limits: TailLimits): readonly TailRecord[] => {
    const next = after.seq + 1
    const place = places.get(next) ?? placeOf(files, dir, next)
    const read = readFrom(files, place, after, limits) ?? readNextSegment(files, dir, after, limits)
    if (read === undefined) throw new TailBroken(`record ${next} is not where it belongs`)
    remember(next, read.begun)
    remember(next + read.records.length, read.ended)
    return read.records
  }
  return {
    readAfter(after, limits) {
      if (limits.seqMax <= after.seq) return []
      try {
        return attempt(after, limits)
      } catch (error) {
        if (places.size === 0) throw error
        // What was remembered may be of a file that is gone by now.
        places.clear()
        return attempt(after, limits)
      }
    },
  }
}

interface Read {
  readonly records: readonly TailRecord[]
  readonly begun: Place
  readonly ended: Place
}

/** `undefined` when there is nothing at this place. */
function readFrom(
  files: FilePort,
  place: Place,
  after: LogPosition,
  limits: TailLimits,
): Read | undefined {
  const block = readBlock(files, place)
  if (block === undefined) return undefined
  const records: TailRecord[] = []
  let last = after
  let start = 0
  while (records.length < limits.recordsMax && last.seq < limits.seqMax) {
    const end = block.indexOf(NEWLINE, start)
    if (end === -1 || (records.length > 0 && end > limits.bytesMax)) break
    const record = recordIn(block.subarray(start, end), last)
    records.push(record)
    last = record
    start = end + 1
  }
  if (records.length === 0) return undefined
  const ended = { path: place.path, offset: place.offset + start }
  return { records, begun: place, ended }
}

function readNextSegment(
  files: FilePort,
  dir: string,
  after: LogPosition,
  limits: TailLimits,
): Read | undefined {
  const { segments } = listSegments(files, dir)
  const next = segments.find(({ firstSeq }) => firstSeq === after.seq + 1)
  return next && readFrom(files, { path: next.path, offset: 0 }, after, limits)
}

function recordIn(line: Buffer, before: LogPosition): TailRecord {
  const envelope = ENVELOPE.exec(line.toString('latin1', 0, ENVELOPE_BYTES_MAX))
  const [, seq, ts = '', boot = '', prev, type = ''] = envelope ?? []
  if (Number(seq) !== before.seq + 1 || line.length > LINE_BYTES_MAX) {
    throw new TailBroken(`record ${before.seq + 1} is not where it belongs`)
  }
  if (before.hash !== '' && prev !== before.hash) {
    throw new TailBroken(`record ${before.seq + 1} does not follow the one before`)
  }
  return { seq: before.seq + 1, hash: leafHash(line), ts, boot, type, line }
}

/** At most {@link BLOCK_BYTES} from a place; `undefined` when there is no such file. */
function readBlock(files: FilePort, { path, offset }: Place): Buffer | undefined {
  const fd = openedFile(files, path)
  if (fd === undefined) return undefined
  try {
    return readFull(files, fd, Buffer.allocUnsafe(BLOCK_BYTES), offset)
  } finally {
    files.close(fd)
  }
}

function openedFile(files: FilePort, path: string): number | undefined {
  try {
    return files.openRead(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Where record `seq` begins, or would. @throws TailGap */
function placeOf(files: FilePort, dir: string, seq: number): Place {
  const { segments } = listSegments(files, dir)
  const segment = segments.findLast(({ firstSeq }) => firstSeq <= seq)
  const [oldest] = segments
  if (segment !== undefined) return placeIn(files, segment, seq)
  if (oldest !== undefined) throw new TailGap(oldest.firstSeq)
  throw new TailBroken(`${join(segmentDirectory(dir))} holds no segment`)
}

/** Halves the file until a block holds the record: lines are in the order of their numbers. */
function placeIn(files: FilePort, { path, firstSeq }: SegmentFile, seq: number): Place {
  let low = 0
  let high = files.status(path)?.size ?? 0
  if (seq === firstSeq) return { path, offset: 0 }
  while (high - low > BLOCK_BYTES) {
    const middle = low + Math.floor((high - low) / 2)
    const found = firstLineAfter(files, path, middle)
    if (found === undefined || found.offset >= high || found.seq > seq) high = middle
    else low = found.offset
  }
  return { path, offset: scanFor(files, { path, offset: low }, seq) }
}

/** The first line that begins behind `offset`. */
function firstLineAfter(
  files: FilePort,
  path: string,
  offset: number,
): { readonly offset: number; readonly seq: number } | undefined {
  const block = readBlock(files, { path, offset })
  const start = (block?.indexOf(NEWLINE) ?? -1) + 1
  const seq = block === undefined || start === 0 ? undefined : seqAt(block, start)
  return seq === undefined ? undefined : { offset: offset + start, seq }
}

/** The offset of record `seq` within two blocks from a place; of their end when it is not there. */
function scanFor(files: FilePort, place: Place, seq: number): number {
  let { offset } = place
  for (let blocks = 0; blocks < 3; blocks++) {
    const block = readBlock(files, { path: place.path, offset })
    if (block === undefined) break
    let start = 0
    for (;;) {
      if ((seqAt(block, start) ?? -1) >= seq) return offset + start
      const end = block.indexOf(NEWLINE, start)
      if (end === -1) break
      start = end + 1
    }
    if (start === 0) break
    offset += start
  }
  return offset
}

function seqAt(block: Buffer, start: number): number | undefined {
  const seq = /^\{"v":1,"log":"[A-Za-z0-9._:/-]{1,200}","seq":(\d{1,16}),/.exec(
    block.toString('latin1', start, start + 300),
  )?.[1]
  return seq === undefined ? undefined : Number(seq)
}
