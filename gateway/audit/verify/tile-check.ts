/**
 * The tile files of a log, compared with the hashes that its records have. Reads each tile once,
 * in the order of the records, and holds one tile of each level.
 */
import { openedIfCan, readFull } from '../files/file-ops.ts'
import { join } from 'node:path'
import type { FilePort } from '../files/file-port.ts'
import { HASH_BYTES } from '../tree/merkle.ts'
import { partialTiles, TILE_BYTES, TILE_WIDTH, tilePath } from '../tree/tiles.ts'

/** A file that holds the beginning of a tile. */
interface TileSource {
  readonly path: string
  readonly bytes: Buffer
}

/** What is wrong with a tile file. */
export interface TileFault {
  readonly file: string
  readonly message: string
}

/** See the head of this file. */
export interface TileCheck {
  /** Compares one hash with every file that holds it. */
  check(level: number, at: number, hash: Uint8Array): TileFault | undefined
  /** Whether a file holds the hash of leaf `at`, after {@link check} of it. */
  holds(at: number): boolean
  /** Whole tiles, or as much of them as there is, for proofs. Throws when there is none. */
  tileAt(level: number, index: number): Buffer
}

interface Loaded {
  readonly index: number
  readonly sources: readonly TileSource[]
  readonly fault: TileFault | undefined
}

/** The tiles of the log in `dir`; those of a tree of `requiredSize` leaves must be whole. */
export function createTileCheck(files: FilePort, dir: string, requiredSize: number): TileCheck {
  const loaded: (Loaded | undefined)[] = []
  const load = (level: number, index: number): Loaded => {
    const held = loaded[level]
    if (held?.index === index) return held
    const fresh = { index, ...loadTile(files, { dir, level, index, requiredSize }) }
    loaded[level] = fresh
    return fresh
  }
  return {
    check(level, at, hash) {
      const { sources, fault } = load(level, Math.floor(at / TILE_WIDTH))
      if (fault !== undefined) return fault
      const start = (at % TILE_WIDTH) * HASH_BYTES
      for (const { path, bytes } of sources) {
        const stored = bytes.subarray(start, start + HASH_BYTES)
        if (stored.length === 0 || stored.equals(hash)) continue
        return { file: path, message: `hash ${at % TILE_WIDTH} in it is not that of the records` }
      }
      return undefined
    },
    holds(at) {
      const { index, sources } = loaded[0] ?? { index: -1, sources: [] }
      const end = ((at % TILE_WIDTH) + 1) * HASH_BYTES
      return index === Math.floor(at / TILE_WIDTH) && sources.some((one) => one.bytes.length >= end)
    },
    tileAt(level, index) {
      const [first, ...rest] = load(level, index).sources
      if (first === undefined) throw new Error(`${tilePath(level, index)} is missing`)
      return rest.reduce((a, b) => (b.bytes.length > a.bytes.length ? b : a), first).bytes
    },
  }
}

interface TilePlace {
  readonly dir: string
  readonly level: number
  readonly index: number
  readonly requiredSize: number
}

function loadTile(files: FilePort, place: TilePlace): Omit<Loaded, 'index'> {
  const { dir, level, index } = place
  const full = join(dir, tilePath(level, index))
  const found = [
    { path: full, width: TILE_WIDTH },
    ...partialWidths(files, `${full}.p`).map((width) => ({
      path: join(dir, tilePath(level, index, width)),
      width,
    })),
  ]
  const sources: TileSource[] = []
  for (const { path, width } of found) {
    const bytes = readWhole(files, path)
    if (bytes === undefined) continue
    if (bytes.length === width * HASH_BYTES) sources.push({ path, bytes })
    // A tile that no checkpoint needs yet may be in the middle of being written.
    else if (isRequired(place, width)) {
      const message = `the file has ${bytes.length} bytes instead of ${width * HASH_BYTES}`
      return { sources: [], fault: { file: path, message } }
    }
  }
  return { sources, fault: undefined }
}

function isRequired({ level, index, requiredSize }: TilePlace, width: number): boolean {
  return (index * TILE_WIDTH + width) * TILE_WIDTH ** level <= requiredSize
}

function partialWidths(files: FilePort, directory: string): readonly number[] {
  if (files.status(directory)?.kind !== 'directory') return []
  return files
    .list(directory)
    .filter((name) => /^[1-9]\d{0,2}$/.test(name) && Number(name) < TILE_WIDTH)
    .map(Number)
}

/** At most a tile and one byte; `undefined` when there is no such file. */
function readWhole(files: FilePort, path: string): Buffer | undefined {
  if (files.status(path)?.kind !== 'file') return undefined
  const fd = openedIfCan(files, path)
  if (fd === undefined) return undefined // Replaced by a fuller one at this moment.
  try {
    return readFull(files, fd, Buffer.alloc(TILE_BYTES + 1), 0)
  } finally {
    files.close(fd)
  }
}

/** The first tile that a published tree of `size` leaves needs and that is not there. */
export function missingTile(files: FilePort, dir: string, size: number): string | undefined {
  const isThere = (path: string) => files.status(path)?.kind === 'file'
  for (let level = 0, count = size; count >= TILE_WIDTH; level += 1) {
    const tiles = Math.floor(count / TILE_WIDTH)
    for (let index = 0; index < tiles; index++) {
      const path = join(dir, tilePath(level, index))
      if (!isThere(path)) return path
    }
    count = tiles
  }
  for (const { level, index, width } of partialTiles(size)) {
    const full = join(dir, tilePath(level, index))
    if (isThere(full) || partialWidths(files, `${full}.p`).some((w) => w >= width)) continue
    return join(dir, tilePath(level, index, width))
  }
  return undefined
}
