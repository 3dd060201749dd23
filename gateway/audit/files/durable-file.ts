/**
 * Small files that are whole or not there, and on disk before anything goes on. Synchronous: a signer
 * must not do anything else between what it decides and what it remembers.
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** Creates a file with `mode`, on disk. @throws Error `EEXIST` when something is there */
export function createFile(path: string, text: string, mode: number): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  writeAndSync(openSync(path, flags, mode), text)
  syncDirectory(dirname(path))
}

/** Replaces a file, 0600: whoever reads it finds the old text or the new, also after a power cut. */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.new`
  // A draft of a process that was killed is of no use to anybody.
  removeIfThere(draft)
  createFile(draft, text, 0o600)
  renameSync(draft, path)
  syncDirectory(dirname(path))
}

/** Appends to a file of this user, created 0600, on disk. @throws Error when it is a link or shared */
export function appendToFile(path: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
  const fd = openSync(path, flags | constants.O_NONBLOCK, 0o600)
  const status = fstatSync(fd)
  if (!status.isFile() || (status.mode & 0o022) !== 0) {
    closeSync(fd)
    throw new Error(`${path}: is not a regular file that only its owner may write to`)
  }
  writeAndSync(fd, text)
}

/** The bytes of a file of at most `bytesMax`; `undefined` when nothing is there. Links are refused. */
export function readWhole(path: string, bytesMax: number): Buffer | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const fd = openSync(path, flags)
  try {
    if (!fstatSync(fd).isFile()) throw new Error(`${path}: is not a regular file`)
    const bytes = Buffer.alloc(bytesMax + 1)
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length)
      if (count === 0) break
      length += count
    }
    if (length > bytesMax) throw new Error(`${path}: is longer than ${bytesMax} bytes`)
    return bytes.subarray(0, length)
  } finally {
    closeSync(fd)
  }
}

function writeAndSync(fd: number, text: string): void {
  try {
    const bytes = Buffer.from(text)
    let done = 0
    while (done < bytes.length) done += writeSync(fd, bytes, done)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Removes a file, if there is one. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
