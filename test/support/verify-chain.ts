/**
 * Proves offline that a log is one unbroken chain of records, or says where it is not. It hashes
 * bytes as they are, trusts nothing the writer keeps in memory, and reads in flat memory. A chain
 * alone says nothing of its own end: whoever can write the file can cut it or rewrite a suffix.
 * Positions known from elsewhere (`anchors`: signed checkpoints, a witness) close that gap.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  checkLine,
  isFault,
  type ChainFault,
  type LineFault,
  type Link,
  type LogPosition,
} from '../../gateway/audit/line/chain.ts'
import { systemFiles, type FilePort } from '../../gateway/audit/files/file-port.ts'
import { readLines, type RawLine } from '../../gateway/audit/line/lines.ts'
import {
  listSegments,
  segmentDirectory,
  type SegmentFile,
} from '../../gateway/audit/files/segments.ts'

/** What {@link verifyChain} looks at. */
export interface VerifyOptions {
  readonly dir: string
  /** Positions the log must hold; order does not matter. */
  readonly anchors?: readonly LogPosition[]
  /** Origin the log must have; by default that of its first record. */
  readonly log?: string
  readonly files?: FilePort
}

/** What {@link verifyChain} found. Counts are of what was read before the fault, if any. */
export interface ChainReport {
  /** Whether there is no fault. */
  readonly intact: boolean
  /** The first fault. */
  readonly fault: ChainFault | undefined
  readonly records: number
  readonly segments: number
  readonly bytes: number
  /** Runs of the process. */
  readonly boots: number
  /** The last good record. */
  readonly head: LogPosition | undefined
  /** Records after the last anchor: nothing but the chain itself speaks for them. */
  readonly unanchored: number
  /** Records earlier than the one before them by the wall clock; a warning, `seq` decides. */
  readonly clockBackwards: number
}

interface Walk {
  readonly log: string | undefined
  readonly anchors: ReadonlyMap<number, string>
  last: Link | undefined
  records: number
  bytes: number
  boots: number
  clockBackwards: number
}

/** Lines checked between two turns of the event loop. */
const LINES_PER_TURN = 1024

/** See the head of this file. Throws what the file system throws when it cannot be read. */
export async function verifyChain(options: VerifyOptions): Promise<ChainReport> {
  const { dir, files = systemFiles, anchors = [] } = options
  const walk: Walk = {
    log: options.log,
    anchors: new Map(anchors.map(({ seq, hash }) => [seq, hash])),
    last: undefined,
    records: 0,
    bytes: 0,
    boots: 0,
    clockBackwards: 0,
  }
  const { segments, strangers } = listSegments(files, dir)
  const [stranger] = strangers
  let fault: ChainFault | undefined
  if (stranger !== undefined) fault = fileFault(walk, stranger, 'the file is not a segment')
  for (const [index, segment] of segments.entries()) {
    if (fault !== undefined) break
    fault = await walkSegment(walk, files, segment, index === segments.length - 1)
  }
  fault ??= checkEnd(walk, segments.at(-1)?.path ?? segmentDirectory(dir))
  return report(walk, segments.length, fault)
}

async function walkSegment(
  walk: Walk,
  files: FilePort,
  segment: SegmentFile,
  isLast: boolean,
): Promise<ChainFault | undefined> {
  const expected = nextSeq(walk)
  if (segment.firstSeq !== expected) {
    return fileFault(walk, segment.path, `a segment that begins with ${expected} belongs here`)
  }
  for (const line of readLines(files, segment.path)) {
    const fault = line.terminated ? walkLine(walk, line) : unterminated(isLast)
    if (fault !== undefined) {
      return { ...fault, file: segment.path, line: line.number, seq: nextSeq(walk) }
    }
    if (line.number % LINES_PER_TURN === 0) await nextTurn()
  }
  // The newest one may have been created a moment ago, or just before a crash.
  if (isLast || nextSeq(walk) > expected) return undefined
  return fileFault(walk, segment.path, 'the segment is empty')
}

function walkLine(walk: Walk, line: RawLine): LineFault | undefined {
  const checked = checkLine(line, walk.last, 'record')
  if (isFault(checked)) return checked
  if (checked.log !== (walk.log ?? checked.log)) {
    return { class: 'origin', message: `the record is of log ${checked.log}, not ${walk.log}` }
  }
  if (checked.hash !== (walk.anchors.get(checked.seq) ?? checked.hash)) {
    return { class: 'anchor', message: 'another record is known to be at this position' }
  }
  if (walk.last !== undefined && checked.at < walk.last.at) walk.clockBackwards += 1
  if (checked.boot !== walk.last?.boot) walk.boots += 1
  walk.last = checked
  walk.records += 1
  walk.bytes += line.bytes.length + 1
  return undefined
}

function unterminated(isLast: boolean): LineFault {
  return isLast
    ? { class: 'torn', message: 'the last line has no end: the writer died, or is writing' }
    : { class: 'grammar', message: 'the last line of a closed segment has no end' }
}

function checkEnd(walk: Walk, file: string): ChainFault | undefined {
  const seq = nextSeq(walk)
  const beyond = [...walk.anchors.keys()].find((anchored) => anchored >= seq)
  if (beyond === undefined) return undefined
  const message = `record ${beyond} is known to exist, the log ends before record ${seq}`
  return { class: 'truncated', file, line: 0, seq, message }
}

function fileFault(walk: Walk, file: string, message: string): ChainFault {
  return { class: 'segment', file, line: 0, seq: nextSeq(walk), message }
}

function nextSeq(walk: Walk): number {
  return walk.last === undefined ? 0 : walk.last.seq + 1
}

function report(walk: Walk, segments: number, fault: ChainFault | undefined): ChainReport {
  const { last, records, bytes, boots, clockBackwards } = walk
  const proven = Math.max(0, ...[...walk.anchors.keys()].filter((seq) => seq < nextSeq(walk)), -1)
  return {
    intact: fault === undefined,
    fault,
    records,
    segments,
    bytes,
    boots,
    head: last && { seq: last.seq, hash: last.hash },
    unanchored: walk.anchors.size === 0 ? records : nextSeq(walk) - 1 - proven,
    clockBackwards,
  }
}
