/**
 * Hash tiles (C2SP tlog-tiles): the tree in files of 256 hashes. The tile `index` of level `level`
 * holds the hashes of the complete subtrees of 256^level leaves from number 256 · index on.
 */
import { HASH_BYTES, nodeHash, type HashAt } from './merkle.ts'

/** Hashes in a full tile. */
export const TILE_WIDTH = 256
/** Levels of the tree in one level of tiles. */
export const TILE_HEIGHT = 8
/** Bytes of a full tile. */
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/** Where a tile is, below the directory of the log: `tile/0/x001/234`, `tile/0/x001/234.p/17`. */
export function tilePath(level: number, index: number, width = TILE_WIDTH): string {
  const suffix = width === TILE_WIDTH ? '' : `.p/${width}`
  return `tile/${level}/${tileNumber(index)}${suffix}`
}

function tileNumber(index: number): string {
  let text = String(index % 1000).padStart(3, '0')
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    text = `x${String(rest % 1000).padStart(3, '0')}/${text}`
  }
  return text
}

/** A tile of a tree of some size, and how many hashes it has then. */
export interface TileOfTree {
  readonly level: number
  readonly index: number
  readonly width: number
}

/** The tiles that are not full in a tree of `size` leaves: at most one of each level. */
export function partialTiles(size: number): readonly TileOfTree[] {
  const tiles: TileOfTree[] = []
  let level = 0
  for (let count = size; count > 0; count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width })
    level += 1
  }
  return tiles
}

/** The hash of the complete subtree over `count` hashes of a tile, a power of two, from `first` on. */
export function subtreeHash(tile: Buffer, first: number, count: number): Buffer {
  if (count === 1) return tile.subarray(first * HASH_BYTES, (first + 1) * HASH_BYTES)
  const half = count / 2
  return nodeHash(subtreeHash(tile, first, half), subtreeHash(tile, first + half, half))
}

/**
 * Hashes of a tree whose tiles are read with `tileAt`, which throws when a tile cannot be had and
 * gives at least the hashes that the tree has.
 */
export function hashesOfTiles(tileAt: (level: number, index: number) => Buffer): HashAt {
  return (level, index) => {
    const tileLevel = Math.floor(level / TILE_HEIGHT)
    const count = 2 ** (level - tileLevel * TILE_HEIGHT)
    const first = index * count
    const tile = tileAt(tileLevel, Math.floor(first / TILE_WIDTH))
    return subtreeHash(tile, first % TILE_WIDTH, count)
  }
}
