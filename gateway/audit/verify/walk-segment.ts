/** Verifies one segment, from what the part before it ended with. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { checkLine, isFault } from '../line/chain.ts'
import type { FilePort } from '../files/file-port.ts'
import { readLines, type RawLine } from '../line/lines.ts'
import { mergeFacts } from './facts.ts'
import type { LogFault } from './fault.ts'
import type { ShapeCheck } from './record-shape.ts'
import { Walk } from './walk.ts'
import type { SegmentPart, WalkJob, WalkOutcome } from './walk-job.ts'

/** Lines checked between two turns of the event loop. */
const LINES_PER_TURN = 1024

interface Reading {
  offset: number
  line: number
  torn: number
}

/** See the head of this file. With `shape`, records are held against it. Throws what the file system throws when the segment cannot be read. */
export async function verifySegment(
  files: FilePort,
  { plan, start, segment }: WalkJob,
  onBytes?: (offset: number) => void,
  shape?: ShapeCheck,
): Promise<WalkOutcome> {
  const walk = new Walk(files, plan, start, shape)
  const reading: Reading = { offset: segment.offset, line: segment.line, torn: 0 }
  try {
    const fault =
      misnamed(walk, segment) ??
      walk.settle() ??
      (await takeLines(walk, { files, segment, reading, onBytes }))
    const { isSettled } = walk
    const facts = mergeFacts(walk.facts, walk.contents.facts())
    return { carry: walk.carry(), facts, fault: fault ?? null, isSettled, ...reading }
  } finally {
    walk.close()
  }
}

function misnamed(walk: Walk, { path, firstSeq, offset }: SegmentPart): LogFault | undefined {
  if (offset > 0 || firstSeq === walk.size) return undefined
  const message = `a segment that begins with ${walk.size} belongs here`
  return { class: 'segment', file: path, line: 0, seq: walk.size, message }
}

interface Source {
  readonly files: FilePort
  readonly segment: SegmentPart
  readonly reading: Reading
  readonly onBytes: ((offset: number) => void) | undefined
}

async function takeLines(walk: Walk, source: Source): Promise<LogFault | undefined> {
  const { files, segment, reading, onBytes } = source
  const { path, isLast } = segment
  const lines = readLines(files, path, reading.offset)
  let count = 0
  for (;;) {
    const line = lines.next().value ?? undefined
    if (line === undefined) break
    if (!line.terminated) {
      if (!isLast) return unended(walk, path, reading.line)
      reading.torn = line.bytes.length
      return undefined
    }
    const fault = walk.take(line, { file: path, number: reading.line })
    if (fault !== undefined) {
      // The line is a view that does not outlive the reading of the next.
      const kept = { ...line, bytes: Buffer.from(line.bytes) }
      return blame(walk, { fault, line: kept, next: lines.next().value ?? undefined })
    }
    reading.line += 1
    reading.offset = line.offset + line.bytes.length + 1
    count += 1
    if (count % LINES_PER_TURN === 0) {
      onBytes?.(reading.offset)
      await nextTurn()
    }
  }
  // The newest one may have been created a moment ago, or just before a crash.
  if (isLast || reading.offset > 0) return undefined
  return { class: 'segment', file: path, line: 0, seq: walk.size, message: 'the segment is empty' }
}

function unended(walk: Walk, file: string, line: number): LogFault {
  const message = 'the last line of a closed segment has no end'
  return { class: 'grammar', file, line, seq: walk.size, message }
}

interface Broken {
  readonly fault: LogFault
  readonly line: RawLine
  readonly next: RawLine | undefined
}

/**
 * Where two records do not fit together, either may be the one that was changed. A tile tells, and
 * so does the record after both: when that one names the second, it was the first.
 */
function blame(walk: Walk, { fault, line, next }: Broken): LogFault {
  if (fault.class !== 'chain' || walk.isBeforeKnown() || next === undefined) return fault
  const second = checkLine(line, 'unknown', 'link')
  if (isFault(second) || isFault(checkLine(next, second, 'link'))) return fault
  return {
    ...fault,
    class: 'record',
    line: Math.max(0, fault.line - 1),
    seq: Math.max(0, fault.seq - 1),
    message: 'the record is not the one whose hash the next names',
  }
}
