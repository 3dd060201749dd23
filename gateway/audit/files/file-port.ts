/** What the ledger needs of a file system, as a port, so that tests can make every call fail. */
import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  open,
  close,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
  utimesSync,
  type Stats,
} from 'node:fs'

/** What is at a path or behind a descriptor; a symbolic link is never followed. */
export interface FileStatus {
  readonly kind: 'file' | 'directory' | 'other'
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly links: number
  /** What tells it from another file of the same name. */
  readonly inode: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

/** Called once when a sync ends, with what went wrong. */
export type SyncDone = (error: Error | null) => void

/** File operations; all throw as `node:fs` does, with `code`. */
export interface FilePort {
  /** Creates a directory, 0700, and its parents; one that exists is left as it is. */
  makeDirectory(path: string): void
  /** `undefined` when nothing is there. */
  status(path: string): FileStatus | undefined
  statusOf(fd: number): FileStatus
  list(path: string): string[]
  /** Opens for appending. With `create`, the file must not exist and becomes 0600. */
  openAppend(path: string, create: boolean): number
  openRead(path: string): number
  /** Writes bytes `start` to `end`; returns how many were taken, which may be fewer. */
  write(fd: number, bytes: Uint8Array, start: number, end: number): number
  /** Reads at `position`; returns 0 at the end. */
  read(fd: number, into: Uint8Array, position: number): number
  truncate(fd: number, size: number): void
  /** `fdatasync`, off the event loop. */
  sync(fd: number, done: SyncDone): void
  /** `fdatasync`, before anything goes on: for a few bytes that must be whole before they have a name. */
  syncNow(fd: number): void
  /** Makes created and renamed names durable, off the event loop. */
  syncDirectory(path: string, done: SyncDone): void
  close(fd: number): void
  rename(from: string, to: string): void
  /** Hard link; fails when `to` exists. */
  link(from: string, to: string): void
  remove(path: string): void
  /** Removes an empty directory. */
  removeDirectory(path: string): void
  /** Sets the modification time, milliseconds since the epoch. */
  touch(path: string, at: number): void
}

// A FIFO put in place of a segment must not block the open, nor a symbolic link be followed.
const NEVER_FOLLOW = constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The file system of the machine. */
export const systemFiles: FilePort = {
  makeDirectory: (path) => void mkdirSync(path, { recursive: true, mode: 0o700 }),
  status: (path) => {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    return stats && fileStatus(stats)
  },
  statusOf: (fd) => fileStatus(fstatSync(fd)),
  list: (path) => readdirSync(path),
  openAppend: (path, create) => {
    const exclusive = create ? constants.O_CREAT | constants.O_EXCL : 0
    const flags = constants.O_WRONLY | constants.O_APPEND | NEVER_FOLLOW | exclusive
    return openSync(path, flags, 0o600)
  },
  openRead: (path) => openSync(path, constants.O_RDONLY | NEVER_FOLLOW),
  write: (fd, bytes, start, end) => writeSync(fd, bytes, start, end - start),
  read: (fd, into, position) => readSync(fd, into, 0, into.length, position),
  truncate: (fd, size) => ftruncateSync(fd, size),
  sync: (fd, done) => fdatasync(fd, done),
  syncNow: (fd) => fdatasyncSync(fd),
  syncDirectory,
  close: (fd) => closeSync(fd),
  rename: (from, to) => renameSync(from, to),
  link: (from, to) => linkSync(from, to),
  remove: (path) => unlinkSync(path),
  removeDirectory: (path) => rmdirSync(path),
  touch: (path, at) => utimesSync(path, at / 1000, at / 1000),
}

function fileStatus(stats: Stats): FileStatus {
  return {
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
    size: stats.size,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    links: stats.nlink,
    inode: stats.ino,
    modifiedAt: stats.mtimeMs,
  }
}

function syncDirectory(path: string, done: SyncDone): void {
  open(path, constants.O_RDONLY | constants.O_DIRECTORY, (openError, fd) => {
    if (openError !== null) {
      done(openError)
      return
    }
    fsync(fd, (syncError) => close(fd, (closeError) => done(syncError ?? closeError ?? null)))
  })
}
