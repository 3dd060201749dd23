/** Where a verification, or a part of it, begins: the state before a record, from files alone. */
import type { FilePort } from '../files/file-port.ts'
import type { SegmentFile } from '../files/segments.ts'
import { checkLine, isFault, type Link } from '../line/chain.ts'
import { readLines, readLinesBackward } from '../line/lines.ts'
import { CompactRange } from '../tree/compact-range.ts'
import { HASH_BYTES } from '../tree/merkle.ts'
import { hashesOfTiles, TILE_WIDTH } from '../tree/tiles.ts'
import { NO_FACTS, type Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import { FIRST_NOTE, readNotes, type NotePlace } from './notes.ts'
import { createTileCheck, type TileCheck } from './tile-check.ts'
import { Walk } from './walk.ts'
import type { Carry, WalkPlan } from './walk-job.ts'

/** The beginning of a log. */
export function atFirstRecord(plan: WalkPlan): Carry {
  const notes = plan.notesFiles.map(() => FIRST_NOTE)
  return { last: null, prev: null, size: 0, edge: [], suspect: null, proven: 0, notes }
}

/** What {@link afterRemoved} found. */
export interface AfterRemoved {
  readonly carry: Carry
  readonly facts: Facts
  readonly fault: LogFault | undefined
}

/**
 * The state before record `firstSeq`, the records before which were removed: their hashes are in the
 * tiles, and every checkpoint is compared with them. Without any tile, the tree is not known.
 */
export function afterRemoved(files: FilePort, plan: WalkPlan, firstSeq: number): AfterRemoved {
  const start = atFirstRecord(plan)
  const walk = new Walk(files, plan, start)
  try {
    const fault = takeHashes(walk, firstSeq)
    if (fault !== 'none') return { carry: walk.carry(), facts: walk.facts, fault }
    const carry = { ...start, size: firstSeq, edge: null }
    return { carry, facts: NO_FACTS, fault: undefined }
  } finally {
    walk.close()
  }
}

function takeHashes(walk: Walk, firstSeq: number): LogFault | 'none' | undefined {
  let fault = walk.settle()
  for (let seq = 0; seq < firstSeq && fault === undefined; seq++) {
    const hash = leafIn(walk.tiles, seq)
    if (hash === undefined && seq === 0) return 'none'
    if (hash === undefined) {
      const message = 'the hash of a record that was removed is missing'
      return { class: 'tile', file: `tile/0 of record ${seq}`, line: 0, seq, message }
    }
    fault = walk.takeHash(hash)
  }
  return fault
}

function leafIn(tiles: TileCheck, seq: number): Buffer | undefined {
  try {
    const tile = tiles.tileAt(0, Math.floor(seq / TILE_WIDTH))
    const at = (seq % TILE_WIDTH) * HASH_BYTES
    return tile.length < at + HASH_BYTES ? undefined : tile.subarray(at, at + HASH_BYTES)
  } catch {
    return undefined
  }
}

/**
 * The state before record `size` as tiles and the line before have it: a guess that holds when the
 * part before ends with the same. `undefined` when the files do not say.
 */
export function guessedCarry(
  files: FilePort,
  plan: WalkPlan,
  at: { readonly size: number; readonly last: Link | undefined; readonly notes: NotesAt },
): Carry | undefined {
  const { size, last, notes } = at
  if (last?.seq !== size - 1) return undefined
  const edge = edgeAt(files, plan.dir, size)
  if (edge === undefined) return undefined
  // In the order of what a walk ends with: the two are compared as texts.
  const { proven, notes: places } = notes
  return { last, prev: null, size, edge, suspect: null, proven, notes: places }
}

/** The edge of the tree of `size` leaves, base64, from the tiles; `undefined` when they lack it. */
export function edgeAt(files: FilePort, dir: string, size: number): readonly string[] | undefined {
  const tiles = createTileCheck(files, dir, size)
  try {
    const hashAt = hashesOfTiles((level, index) => tiles.tileAt(level, index))
    const { hashes } = CompactRange.restore(size, hashAt)
    if (hashes.some(({ length }) => length !== HASH_BYTES)) return undefined
    return hashes.map((hash) => hash.toString('base64'))
  } catch {
    return undefined
  }
}

/** The last record of a segment, by its own words. */
export function lastLinkOf(files: FilePort, segment: SegmentFile): Link | undefined {
  for (const bytes of readLinesBackward(files, segment.path)) return linkOf(bytes)
  return undefined
}

/** Record `seq` of a segment by its own words, and where the line after it begins. */
export function findLink(
  files: FilePort,
  segment: SegmentFile,
  seq: number,
): { readonly link: Link; readonly offset: number; readonly line: number } | undefined {
  let line = 1
  for (const raw of readLines(files, segment.path)) {
    line += 1
    const link = raw.terminated ? linkOf(raw.bytes) : undefined
    if (link?.seq !== seq) continue
    return { link, offset: raw.offset + raw.bytes.length + 1, line }
  }
  return undefined
}

function linkOf(bytes: Buffer): Link | undefined {
  const line = { bytes, number: 1, offset: 0, terminated: true, overlong: false }
  const checked = checkLine(line, 'unknown', 'link')
  return isFault(checked) ? undefined : checked
}

/** Where each file of checkpoints goes on after those of at most some size, and the last of them. */
export type NotesAt = Pick<Carry, 'notes' | 'proven'>

/** {@link NotesAt} for each of `sizes`, which ascend. Reads the files once. */
export function notesAt(
  files: FilePort,
  plan: WalkPlan,
  sizes: readonly number[],
): readonly NotesAt[] {
  const places = plan.notesFiles.map((file): readonly [readonly NotePlace[], readonly number[]] => {
    const notes = readNotes(files, file.path, { from: FIRST_NOTE, until: file.until })
    let [place, proven] = [FIRST_NOTE, 0]
    let next = notes.next().value
    const [found, last]: [NotePlace[], number[]] = [[], []]
    for (const size of sizes) {
      while (next !== undefined && 'size' in next && next.size <= size) {
        place = next.end
        proven = next.size
        next = notes.next().value
      }
      found.push(place)
      last.push(proven)
    }
    notes.return()
    return [found, last]
  })
  return sizes.map((_, index) => ({
    notes: places.map(([found]) => found[index] ?? FIRST_NOTE),
    proven: Math.max(0, ...places.map(([, last]) => last[index] ?? 0)),
  }))
}
