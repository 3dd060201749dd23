/** Which segment is written to: a new one, or the one in which the log ends. */
import type { ReadyOptions } from './ledger-options.ts'
import type { LogTail } from './recovery.ts'
import { openSegmentWriter, type SegmentWriter } from './segment-writer.ts'
import { segmentPath } from '../files/segments.ts'

/** Creates the segment that begins with `firstSeq`; its syncs must not overtake `after`. */
export function createSegment(
  options: ReadyOptions,
  firstSeq: number,
  after?: Promise<void>,
): SegmentWriter {
  const { files, dir, owner, clock, fsync = true } = options
  const path = segmentPath(dir, firstSeq)
  const startedAt = clock.now()
  const { uid } = owner
  return openSegmentWriter({ files, path, size: undefined, startedAt, uid, fsync, after })
}

/** The segment the log ends in when it has room, or a new one. */
export function firstSegment(options: ReadyOptions, tail: LogTail): SegmentWriter {
  const { files, owner, fsync = true } = options
  const { segment, last } = tail
  if (segment === undefined || segment.size >= options.segmentBytesMax) {
    return createSegment(options, (last?.seq ?? -1) + 1)
  }
  const { path, size, startedAt } = segment
  return openSegmentWriter({ files, path, size, startedAt, uid: owner.uid, fsync })
}
