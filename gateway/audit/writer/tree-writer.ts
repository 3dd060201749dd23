/**
 * The tree of the log that is being written: its right edge and the tiles that are not full in
 * memory, full tiles in files as they fill. A tile that cannot be written waits and is tried again:
 * the records are what counts, and a tile can be made from them again.
 */
import { CompactRange } from '../tree/compact-range.ts'
import { HASH_BYTES, rootAt, type HashAt } from '../tree/merkle.ts'
import {
  hashesOfTiles,
  partialTiles,
  subtreeHash,
  TILE_BYTES,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TileOfTree,
} from '../tree/tiles.ts'
import type { TileFiles } from '../files/tile-files.ts'

/** Size and root of a tree. */
export interface TreeHead {
  readonly size: number
  readonly root: Buffer
}

/** See the head of this file. */
export interface TreeWriter {
  readonly size: number
  head(): TreeHead
  /** The root when the tree had `size` leaves. Throws when a tile is missing. */
  rootAt(size: number): Buffer
  readonly hashAt: HashAt
  /** Appends leaf hashes: 32 bytes each, `count` of them. Throws when too many tiles wait. */
  append(leaves: Buffer, count: number): void
  /**
   * Writes full tiles that wait. With `force`, also over files that hold something else. How many
   * were replaced. Throws what the file system throws.
   */
  writeFull(force: boolean): number
  /** Writes the partial tiles of a tree of `size` leaves. Throws what the file system throws. */
  writePartial(size: number): void
  /** Removes partial tiles that are full by now. */
  dropPartial(): void
}

/** Full tiles that may wait to be written: 32 MiB. */
const WAITING_MAX = 4096
/** Full tiles kept in memory once read, for proofs. */
const CACHE_MAX = 16

interface Waiting extends TileOfTree {
  readonly bytes: Buffer
}

/** Continues the tree of `size` leaves, a multiple of 256, whose full tiles are in `tiles`. */
export function createTreeWriter(tiles: TileFiles, size: number): TreeWriter {
  return new Tree(tiles, size)
}

/** A full tile that should be there is not, or not whole. */
export class MissingTileError extends Error {
  constructor({ level, index }: Pick<TileOfTree, 'level' | 'index'>) {
    super(`the tile ${index} of level ${level} is missing or not whole`)
    this.name = 'MissingTileError'
  }
}

class Tree implements TreeWriter {
  readonly hashAt: HashAt
  private readonly tiles: TileFiles
  private range: CompactRange
  /** The tile of each level that is not full. */
  private readonly open: Buffer[] = []
  private readonly waiting: Waiting[] = []
  private readonly cache = new Map<string, Buffer>()
  private filled: TileOfTree[] = []

  constructor(tiles: TileFiles, size: number) {
    this.tiles = tiles
    this.range = new CompactRange()
    this.hashAt = hashesOfTiles((level, index) => this.tileAt(this.size, level, index))
    // A partial tile is made from the full ones below it: nothing speaks for its own file.
    for (const { level, index, width } of partialTiles(size)) {
      const tile = this.openTile(level)
      for (let at = 0; at < width; at++) {
        const below = this.fullTile(level - 1, index * TILE_WIDTH + at)
        subtreeHash(below, 0, TILE_WIDTH).copy(tile, at * HASH_BYTES)
      }
    }
    const hashAt = hashesOfTiles((level, index) => this.tileAt(size, level, index))
    this.range = CompactRange.restore(size, hashAt)
  }

  get size(): number {
    return this.range.size
  }

  head(): TreeHead {
    return { size: this.range.size, root: this.range.root() }
  }

  rootAt(size: number): Buffer {
    return size === this.range.size ? this.range.root() : rootAt(size, this.hashAt)
  }

  append(leaves: Buffer, count: number): void {
    // Before anything is changed: a tile of this level and, seldom, one of each above.
    if (this.waiting.length + count / TILE_WIDTH > WAITING_MAX) {
      throw new Error('too many tiles wait to be written')
    }
    for (let at = 0; at < count; at++) {
      const into = (this.range.size % TILE_WIDTH) * HASH_BYTES
      const tile = this.openTile(0)
      leaves.copy(tile, into, at * HASH_BYTES, (at + 1) * HASH_BYTES)
      // A view: the bytes of a tile stay as they are.
      this.range.append(tile.subarray(into, into + HASH_BYTES), this.onNode)
    }
  }

  writeFull(force: boolean): number {
    let replaced = 0
    while (this.waiting[0] !== undefined) {
      const tile = this.waiting[0]
      if (!this.tiles.write(tile, tile.bytes, false)) {
        if (!force) break
        this.tiles.write(tile, tile.bytes, true)
        replaced += 1
      }
      this.waiting.shift()
      this.filled.push(tile)
    }
    return replaced
  }

  writePartial(size: number): void {
    for (const tile of partialTiles(size)) {
      const bytes = this.tileAt(this.size, tile.level, tile.index).subarray(
        0,
        tile.width * HASH_BYTES,
      )
      this.tiles.write(tile, bytes, true)
    }
  }

  dropPartial(): void {
    const filled = this.filled
    this.filled = []
    for (const { level, index } of filled) this.tiles.dropPartial(level, index)
  }

  private readonly onNode = (level: number, index: number, hash: Buffer): void => {
    if (level % TILE_HEIGHT !== 0) return
    const tileLevel = level / TILE_HEIGHT
    const at = index % TILE_WIDTH
    const tile = this.openTile(tileLevel)
    if (level > 0) hash.copy(tile, at * HASH_BYTES)
    if (at + 1 < TILE_WIDTH) return
    const full = { level: tileLevel, index: (index - at) / TILE_WIDTH, width: TILE_WIDTH }
    this.waiting.push({ ...full, bytes: tile })
    this.open[tileLevel] = Buffer.alloc(TILE_BYTES)
  }

  private openTile(level: number): Buffer {
    // Levels below are never skipped: an index past the end by more than one cannot occur.
    return (this.open[level] ??= Buffer.alloc(TILE_BYTES))
  }

  private tileAt(size: number, level: number, index: number): Buffer {
    const first = Math.floor(size / TILE_WIDTH ** level / TILE_WIDTH)
    return index === first ? this.openTile(level) : this.fullTile(level, index)
  }

  private fullTile(level: number, index: number): Buffer {
    const waiting = this.waiting.find((tile) => tile.level === level && tile.index === index)
    if (waiting !== undefined) return waiting.bytes
    const key = `${level}/${index}`
    const cached = this.cache.get(key)
    if (cached !== undefined) return cached
    const tile = this.tiles.read(level, index)
    if (tile === undefined) throw new MissingTileError({ level, index })
    if (this.cache.size >= CACHE_MAX) this.cache.delete(this.cache.keys().next().value ?? '')
    this.cache.set(key, tile)
    return tile
  }
}
