/**
 * The tiles of a log in files. What they hold can be made again from the records for as long as these
 * are kept, so they are not synced one by one: {@link syncTile} does that before records go.
 */
import { dirname, join } from 'node:path'
import { HASH_BYTES } from '../tree/merkle.ts'
import { TILE_BYTES, tilePath, type TileOfTree } from '../tree/tiles.ts'
import { readFull, settled, writeAll } from './file-ops.ts'
import type { FilePort } from './file-port.ts'

/** Tiles of the log in `dir`. */
export interface TileFiles {
  /** The full tile; `undefined` when there is none of that length. */
  read(level: number, index: number): Buffer | undefined
  /**
   * Writes a tile. One that is there with the same bytes is left as it is; with others it is replaced
   * only when `force`. Whether the file now holds the bytes.
   */
  write(tile: TileOfTree, bytes: Buffer, force: boolean): boolean
  /** Removes the files of the partial tiles that a full one has made needless. */
  dropPartial(level: number, index: number): void
}

/** See {@link TileFiles}. */
export function createTileFiles(files: FilePort, dir: string): TileFiles {
  let lastDirectory = ''
  const prepare = (path: string) => {
    const directory = dirname(path)
    if (directory === lastDirectory) return
    files.makeDirectory(directory)
    lastDirectory = directory
  }
  return {
    read: (level, index) => readTile(files, join(dir, tilePath(level, index)), TILE_BYTES),
    write: ({ level, index, width }, bytes, force) => {
      const path = join(dir, tilePath(level, index, width))
      prepare(path)
      if (tryCreate(files, path, bytes)) return true
      if (readTile(files, path, bytes.length)?.equals(bytes) === true) return true
      if (!force) return false
      replace(files, path, bytes)
      return true
    },
    dropPartial: (level, index) => {
      const directory = join(dir, `${tilePath(level, index)}.p`)
      if (files.status(directory)?.kind !== 'directory') return
      for (const name of files.list(directory)) files.remove(join(directory, name))
      files.removeDirectory(directory)
      lastDirectory = ''
    },
  }
}

/** A file of exactly `length` bytes; `undefined` for any other. */
function readTile(files: FilePort, path: string, length: number): Buffer | undefined {
  const status = files.status(path)
  if (status?.kind !== 'file' || status.size !== length || length % HASH_BYTES !== 0) {
    return undefined
  }
  return readExactly(files, path, length)
}

function readExactly(files: FilePort, path: string, length: number): Buffer | undefined {
  const fd = files.openRead(path)
  try {
    const bytes = readFull(files, fd, Buffer.alloc(length), 0)
    return bytes.length === length ? bytes : undefined
  } finally {
    files.close(fd)
  }
}

function tryCreate(files: FilePort, path: string, bytes: Buffer): boolean {
  let fd: number
  try {
    fd = files.openAppend(path, true)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  try {
    writeAll(files, fd, bytes, { start: 0, end: bytes.length })
  } catch (error) {
    files.remove(path)
    throw error
  } finally {
    files.close(fd)
  }
  return true
}

/** Puts a file in the place of another at once: a reader finds the one or the other, whole. */
export function replace(files: FilePort, path: string, bytes: Buffer): void {
  const draft = `${path}.tmp`
  if (!tryCreate(files, draft, bytes)) {
    // Left behind by a writer that was ended here.
    files.remove(draft)
    if (!tryCreate(files, draft, bytes)) throw new Error(`${draft} is being written by another`)
  }
  files.rename(draft, path)
}

/** Puts a full tile on disk. @throws what the file system throws when there is none */
export async function syncTile(
  files: FilePort,
  dir: string,
  { level, index }: Pick<TileOfTree, 'level' | 'index'>,
): Promise<void> {
  const path = join(dir, tilePath(level, index))
  const fd = files.openAppend(path, false)
  try {
    await settled((done) => files.sync(fd, done))
  } finally {
    files.close(fd)
  }
}
