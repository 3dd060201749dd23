/** Room on the disk that is kept for one purpose: to record that there is no other room left. */
import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { writeAll } from './file-ops.ts'
import type { FilePort } from './file-port.ts'

/** The file `reserve`. */
export interface Reserve {
  /** Makes the file in its full size, or leaves it. Throws what the file system throws, and then there is none. */
  fill(): void
  /** Gives the room back. Never throws. */
  release(): void
}

const BLOCK_BYTES = 256 * 1024

/** The reserve of `bytes` in `dir`. */
export function createReserve(files: FilePort, dir: string, bytes: number): Reserve {
  const path = join(dir, 'reserve')
  const release = (): void => {
    try {
      if (files.status(path) !== undefined) files.remove(path)
    } catch {
      // On a disk that cannot be written, there is nothing to be had from it.
    }
  }
  return {
    release,
    fill: () => {
      const status = files.status(path)
      if (status?.kind === 'file' && status.size === bytes) return
      if (status !== undefined) files.remove(path)
      try {
        write(files, path, bytes)
      } catch (error) {
        release()
        throw error
      }
    },
  }
}

function write(files: FilePort, path: string, bytes: number): void {
  // A file system that compresses keeps no room for zeroes.
  const block = randomFillSync(Buffer.alloc(Math.min(BLOCK_BYTES, bytes)))
  const fd = files.openAppend(path, true)
  try {
    for (let left = bytes; left > 0; left -= block.length) {
      writeAll(files, fd, block, { start: 0, end: Math.min(left, block.length) })
    }
  } finally {
    files.close(fd)
  }
}

/** Whether an error says that there is no room. */
export function isNoRoom(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOSPC' || code === 'EDQUOT'
}
