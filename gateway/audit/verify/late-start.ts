/** Begins a verification behind a checkpoint that somebody vouches for. */
import type { FilePort } from '../files/file-port.ts'
import type { SegmentFile } from '../files/segments.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import { CompactRange } from '../tree/compact-range.ts'
import { consistencyProof, verifyConsistency } from '../tree/merkle.ts'
import { hashesOfTiles } from '../tree/tiles.ts'
import type { LogFault } from './fault.ts'
import { atFirstRecord, edgeAt, findLink, notesAt } from './start.ts'
import { createTileCheck } from './tile-check.ts'
import type { Carry, WalkPlan } from './walk-job.ts'

/** Where to begin, and what is wrong there. */
export interface LateStart {
  readonly carry: Carry
  readonly segments: readonly SegmentFile[]
  readonly place: { readonly offset: number; readonly line: number }
  readonly fault: LogFault | undefined
}

/** The state behind the checkpoint `since`: the tiles must lead to its root, and the record before it must be in them. */
export function startAfter(
  files: FilePort,
  from: {
    readonly plan: WalkPlan
    readonly segments: readonly SegmentFile[]
    readonly since: ReadCheckpoint
  },
): LateStart {
  const { plan, segments, since } = from
  const { size } = since
  const place = { offset: 0, line: 1 }
  const start = atFirstRecord(plan)
  const fail = (kind: LogFault['class'], message: string): LateStart => {
    const fault = { class: kind, file: plan.dir, line: 0, seq: Math.max(0, size - 1), message }
    return { carry: start, segments, place, fault }
  }
  if (size === 0) return { carry: start, segments, place, fault: undefined }
  const edge = edgeAt(files, plan.dir, size)
  const at = segments.findLastIndex(({ firstSeq }) => firstSeq < size)
  const segment = segments[at]
  const before = segment && findLink(files, segment, size - 1)
  if (segment === undefined || before === undefined) {
    return fail('truncated', `record ${size - 1}, the last that --since speaks for, is not there`)
  }
  if (edge === undefined) return fail('tile', `tiles of the first ${size} records are missing`)
  let next = 0
  const range = CompactRange.restore(size, () => Buffer.from(edge[next++] ?? '', 'base64'))
  if (!range.root().equals(since.root)) {
    return fail('anchor', `the tiles of the first ${size} records are not those of --since`)
  }
  const { link, offset, line } = before
  const tiles = createTileCheck(files, plan.dir, size)
  if (tiles.check(0, size - 1, Buffer.from(link.hash, 'base64')) !== undefined) {
    return fail('record', 'the record is not the one whose hash is in the tree')
  }
  const [notes] = notesAt(files, plan, [size])
  const proven = notes?.proven ?? 0
  const places = notes?.notes ?? start.notes
  const carry = { last: link, prev: null, size, edge, suspect: null, proven, notes: places }
  return { carry, segments: segments.slice(at), place: { offset, line }, fault: undefined }
}

/**
 * Anchors within what is not read again: the tiles must prove that the tree so far begins with theirs.
 */
export function earlierAnchorFault(
  files: FilePort,
  plan: WalkPlan,
  { size, edge }: Carry,
): LogFault | undefined {
  if (size === 0 || edge === null) return undefined
  let next = 0
  const toRoot = CompactRange.restore(size, () => Buffer.from(edge[next++] ?? '', 'base64')).root()
  const tiles = createTileCheck(files, plan.dir, 0)
  const hashAt = hashesOfTiles((level, index) => tiles.tileAt(level, index))
  for (const { size: from, root, file } of plan.anchors) {
    if (from > size) continue
    const fault = { file, line: 0, seq: 0 } as const
    try {
      const proof = consistencyProof(from, size, hashAt)
      const fromRoot = Buffer.from(root, 'base64')
      if (verifyConsistency({ from, to: size, fromRoot, toRoot, proof })) continue
      const message = `records before ${from} are not those that ${file} speaks for`
      return { ...fault, class: 'anchor', message }
    } catch {
      return { ...fault, class: 'tile', message: `tiles are missing that lead to ${file}` }
    }
  }
  return undefined
}
