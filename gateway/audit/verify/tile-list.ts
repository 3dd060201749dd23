/** Which tile files a log has, by their names alone. */
import { join } from 'node:path'
import type { FilePort } from '../files/file-port.ts'
import { TILE_WIDTH } from '../tree/tiles.ts'

/** What {@link listTiles} found. */
export interface TileListing {
  /** The records that the tiles of the lowest level speak for. */
  readonly size: number
  /** The tile that speaks for the last of them. */
  readonly last: string | undefined
  /** A name that is no tile. */
  readonly stranger: string | undefined
}

const LEVEL = /^(?:\d|[1-5]\d)$/
const GROUP = /^x(\d{3})$/
const TILE = /^(\d{3})$/
const PARTIAL = /^(\d{3})\.p$/
const WIDTH = /^[1-9]\d{0,2}$/
/** Left behind by a writer that was ended while it replaced a tile. */
const DRAFT = '.tmp'
/** Numbers below 1000^5 are safe integers. */
const DEPTH_MAX = 5

interface Walk {
  size: number
  last: string | undefined
  stranger: string | undefined
}

/** See the head of this file. Holds the names of one directory of each depth. */
export function listTiles(files: FilePort, dir: string): TileListing {
  const walk: Walk = { size: 0, last: undefined, stranger: undefined }
  const root = join(dir, 'tile')
  if (files.status(root)?.kind !== 'directory') return walk
  for (const name of files.list(root)) {
    const path = join(root, name)
    if (!LEVEL.test(name)) walk.stranger ??= path
    else walkGroup(walk, files, { path, number: 0, depth: 0, isLowest: name === '0' })
  }
  return walk
}

interface Group {
  readonly path: string
  /** What the groups above make of the number of a tile. */
  readonly number: number
  readonly depth: number
  readonly isLowest: boolean
}

function walkGroup(walk: Walk, files: FilePort, group: Group): void {
  for (const name of listed(files, group.path)) {
    const path = join(group.path, name)
    const inner = group.depth < DEPTH_MAX ? GROUP.exec(name)?.[1] : undefined
    if (inner === undefined) walkTile(walk, files, group, name)
    else {
      const number = (group.number + Number(inner)) * 1000
      walkGroup(walk, files, { ...group, path, number, depth: group.depth + 1 })
    }
  }
}

function walkTile(walk: Walk, files: FilePort, group: Group, name: string): void {
  const path = join(group.path, name)
  const tile = (TILE.exec(name) ?? PARTIAL.exec(name))?.[1]
  if (tile === undefined) {
    if (!name.endsWith(DRAFT)) walk.stranger ??= path
    return
  }
  const index = group.number + Number(tile)
  const widths = name === tile ? [TILE_WIDTH] : widthsIn(walk, files, path)
  if (group.isLowest) for (const width of widths) extend(walk, path, index * TILE_WIDTH + width)
}

function widthsIn(walk: Walk, files: FilePort, path: string): readonly number[] {
  const widths: number[] = []
  for (const name of listed(files, path)) {
    if (WIDTH.test(name) && Number(name) < TILE_WIDTH) widths.push(Number(name))
    else if (!name.endsWith(DRAFT)) walk.stranger ??= join(path, name)
  }
  return widths
}

/** A directory of partial tiles is removed once their tile is full. */
function listed(files: FilePort, path: string): readonly string[] {
  return files.status(path)?.kind === 'directory' ? files.list(path) : []
}

function extend(walk: Walk, path: string, size: number): void {
  if (size <= walk.size) return
  walk.size = size
  walk.last = path
}
