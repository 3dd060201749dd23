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
  const { files, dir, owner, fsync = true } = options
  const path = segmentPath(dir, firstSeq)
  return openSegmentWriter({ files, path, size: undefined, uid: owner.uid, fsync, after })
}

/** The segment the log ends in when it has room, or a new one. */
export function firstSegment(options: ReadyOptions, tail: LogTail): SegmentWriter {
  const { files, owner, fsync = true } = options
  const { segment, last } = tail
  if (segment === undefined || segment.size >= options.segmentBytesMax) {
    return createSegment(options, (last?.seq ?? -1) + 1)
  }
  return openSegmentWriter({ files, path: segment.path, size: segment.size, uid: owner.uid, fsync })
}
