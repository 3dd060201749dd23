/**
 * Removes whole segments whose records are all older than they are to be kept. Their hashes stay in
 * the tiles, so that proofs and the root go on: those are put on disk first, then a record says what
 * goes, and only then it goes.
 */
import { basename, dirname, join } from 'node:path'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, segmentDirectory, type SegmentFile } from '../files/segments.ts'
import { syncTile } from '../files/tile-files.ts'
import { settled } from '../files/file-ops.ts'
import { checkLine, isFault } from '../line/chain.ts'
import { readLines } from '../line/lines.ts'
import { TILE_WIDTH, tilePath } from '../tree/tiles.ts'

/** What {@link prune} needs. */
export interface PruneOptions {
  readonly files: FilePort
  readonly dir: string
  /** Records before this instant may go, milliseconds since the epoch. */
  readonly before: number
  /** Records from here on stay, whatever their age. */
  readonly keepFrom: number
  /** Resolves when the record is on disk and signed. */
  record(record: LedgerRecord): Promise<void>
}

/** What was removed. */
export interface Pruned {
  readonly first: number
  readonly last: number
  readonly bytes: number
}

/** Segments removed at a time. */
const SEGMENTS_MAX = 64

/** See the head of this file. Throws what the file system throws; what is left is whole. */
export async function prune(options: PruneOptions): Promise<Pruned | undefined> {
  const { files, dir } = options
  const old = oldSegments(options)
  const first = old[0]
  const next = old.at(-1)?.next
  if (first === undefined || next === undefined) return undefined
  await syncTiles(files, dir, { from: first.firstSeq, to: next })
  const bytes = old.reduce((sum, { path }) => sum + (files.status(path)?.size ?? 0), 0)
  const pruned = { first: first.firstSeq, last: next - 1, bytes }
  await options.record({ type: 'log.pruned', fields: pruned })
  // Oldest first: whatever ends this in between, what is left begins somewhere and has no gap.
  for (const { path } of old) removeSegment(files, dir, path)
  await settled((done) => files.syncDirectory(segmentDirectory(dir), done))
  return pruned
}

interface OldSegment extends SegmentFile {
  /** The first record of the segment behind it. */
  readonly next: number
}

function oldSegments({ files, dir, before, keepFrom }: PruneOptions): readonly OldSegment[] {
  const { segments } = listSegments(files, dir)
  const old: OldSegment[] = []
  // The tree is made again from whole tiles and the records behind them: these stay.
  const limit = Math.floor(keepFrom / TILE_WIDTH) * TILE_WIDTH
  for (const [at, segment] of segments.entries()) {
    const behind = segments[at + 1]
    if (behind === undefined || behind.firstSeq > limit || old.length === SEGMENTS_MAX) break
    // All of its records were written before the first of the next one.
    if (startOf(files, behind) >= before) break
    old.push({ ...segment, next: behind.firstSeq })
  }
  return old
}

/** When the first record of a segment was written; a segment that cannot be read is never old. */
function startOf(files: FilePort, { path }: SegmentFile): number {
  for (const line of readLines(files, path)) {
    const checked = checkLine(line, 'unknown', 'link')
    return isFault(checked) ? Infinity : checked.at
  }
  return Infinity
}

async function syncTiles(
  files: FilePort,
  dir: string,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const directories = new Set<string>()
  for (let level = 0, width = TILE_WIDTH; width <= to; level += 1, width *= TILE_WIDTH) {
    // On the lowest level the tile that holds the last of them is full too; above, it may not be.
    const end = level === 0 ? Math.ceil(to / width) : Math.floor(to / width)
    for (let index = Math.floor(from / width); index < end; index++) {
      await syncTile(files, dir, { level, index })
      directories.add(dirname(join(dir, tilePath(level, index))))
    }
  }
  for (const path of directories) await settled((done) => files.syncDirectory(path, done))
}

/** Removes a segment, what was once moved aside from it, and its index. */
function removeSegment(files: FilePort, dir: string, path: string): void {
  files.remove(path)
  const name = basename(path)
  const folder = segmentDirectory(dir)
  for (const other of files.list(folder)) {
    if (other.startsWith(`${name}.torn`)) files.remove(join(folder, other))
  }
  const index = join(dir, 'index', name.replace(/\.jsonl$/, '.idx'))
  if (files.status(index) !== undefined) files.remove(index)
}
