/** The leaf hashes of records that are in the files already. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, unavailable, type SegmentFile } from '../files/segments.ts'
import { readLines } from '../line/lines.ts'
import { HASH_BYTES, leafHashOf } from '../tree/merkle.ts'

/** Leaf hashes handed on at a time, between two turns of the event loop. */
const LEAVES_PER_TURN = 1024

/**
 * Hands on the leaf hashes of the records `from` to `to` (excluded), in order. Bytes are hashed as
 * they are; nothing else is looked at.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when the files do not hold them all
 */
export async function eachLeaf(
  source: { readonly files: FilePort; readonly dir: string },
  { from, to }: { readonly from: number; readonly to: number },
  take: (leaves: Buffer, count: number) => void,
): Promise<void> {
  const { files, dir } = source
  const { segments } = listSegments(files, dir)
  const leaves = Buffer.alloc(LEAVES_PER_TURN * HASH_BYTES)
  let count = 0
  let next = from
  for (const segment of segmentsFrom(segments, from)) {
    let seq = segment.firstSeq
    if (seq > next) break
    for (const { bytes } of readLines(files, segment.path)) {
      if (seq >= to) break
      if (seq++ < next) continue
      leafHashOf(bytes).copy(leaves, count * HASH_BYTES)
      next += 1
      if (++count < LEAVES_PER_TURN) continue
      take(leaves, count)
      count = 0
      await nextTurn()
    }
  }
  take(leaves, count)
  if (next < to) throw unavailable(`${dir}: record ${next} is missing`)
}

function segmentsFrom(segments: readonly SegmentFile[], from: number): readonly SegmentFile[] {
  return segments.filter((_, at) => (segments[at + 1]?.firstSeq ?? Infinity) > from)
}
