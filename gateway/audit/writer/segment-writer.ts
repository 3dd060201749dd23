/**
 * One open segment: bytes handed to the kernel at once, syncs shared by everybody who waits for
 * one. After a failed write or sync it is never used again: what the kernel says of the same
 * descriptor afterwards is worth nothing (fsync clears the error it has reported).
 */
import { dirname } from 'node:path'
import {
  asError,
  defer,
  settled,
  writeAll,
  type ByteRange,
  type Deferred,
} from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { checkSegmentStatus } from '../files/segments.ts'

/** A segment open for appending. */
export interface SegmentWriter {
  readonly path: string
  /** Bytes in the file. */
  readonly size: number
  /** When its first record was written, milliseconds since the epoch. */
  readonly startedAt: number
  /** Whether the file is as long as what was written to it, and still has its name. */
  isUntouched(): boolean
  /** Hands bytes to the kernel; throws what the file system throws. */
  write(bytes: Uint8Array, range: ByteRange): void
  /**
   * Resolves once everything written before this call, here and in the segments before, is on
   * disk. At most one sync is in flight and one waits; all who ask meanwhile share the second.
   */
  sync(): Promise<void>
  /** Syncs and closes; to be called once, after the last write. */
  retire(): Promise<void>
  /** Closes without another word, once no sync is using the descriptor. */
  abandon(): void
}

/** What {@link openSegmentWriter} needs. */
export interface SegmentWriterOptions {
  readonly files: FilePort
  readonly path: string
  /** Bytes already in it; `undefined` creates it. */
  readonly size: number | undefined
  readonly startedAt: number
  readonly uid?: number | undefined
  /** When false, sync does nothing: for tests and for machines that keep logs elsewhere. */
  readonly fsync: boolean
  /** The sync of the segment before, which this one's must not overtake. */
  readonly after?: Promise<void> | undefined
}

/** Opens a segment. Throws what the file system throws, or ERR_AUDIT_UNAVAILABLE. */
export function openSegmentWriter(options: SegmentWriterOptions): SegmentWriter {
  const { files, path } = options
  const fd = files.openAppend(path, options.size === undefined)
  try {
    checkSegmentStatus(path, files.statusOf(fd), options.uid)
  } catch (error) {
    files.close(fd)
    throw error
  }
  let size = options.size ?? 0
  const syncer = createSyncer(options, fd, () => assertInPlace(options, fd, size))
  return {
    path,
    get size() {
      return size
    },
    startedAt: options.startedAt,
    isUntouched: () => {
      const status = files.statusOf(fd)
      return status.size === size && status.links === 1
    },
    write: (bytes, range) => {
      writeAll(files, fd, bytes, range)
      size += range.end - range.start
    },
    sync: () => syncer.sync(),
    retire: () => syncer.sync().finally(() => syncer.closeWhenIdle()),
    abandon: () => syncer.closeWhenIdle(),
  }
}

interface Syncer {
  sync(): Promise<void>
  closeWhenIdle(): void
}

/**
 * A segment that was removed, replaced or cut takes every write without a word: what went into it
 * is nowhere. Asked before a sync counts, so that no privileged request goes on such a record.
 */
function assertInPlace({ files, path }: SegmentWriterOptions, fd: number, sizeMin: number): void {
  const own = files.statusOf(fd)
  const named = files.status(path)
  if (own.links > 0 && named?.kind === 'file' && Math.min(own.size, named.size) >= sizeMin) return
  throw new Error(`${path} was removed, replaced or cut while it was being written`)
}

function createSyncer(options: SegmentWriterOptions, fd: number, assertSound: () => void): Syncer {
  const { files } = options
  const syncOnce = nameAndDataSync(options, fd)
  let isRunning = false
  let waiting: Deferred | undefined
  let failure: Error | undefined
  let state: 'open' | 'closing' | 'closed' = 'open'

  const close = () => {
    state = 'closed'
    files.close(fd)
  }
  const finish = (done: Deferred, error?: Error) => {
    const next = waiting
    waiting = undefined
    isRunning = false
    failure = error
    if (error === undefined) done.resolve()
    else done.reject(error)
    if (error !== undefined) next?.reject(error)
    else if (next !== undefined) {
      start(next)
      return
    }
    if (state === 'closing') close()
  }
  const start = (done: Deferred) => {
    isRunning = true
    syncOnce().then(
      () => {
        try {
          assertSound()
          finish(done)
        } catch (error) {
          finish(done, asError(error))
        }
      },
      (error: unknown) => finish(done, asError(error)),
    )
  }
  return {
    sync: () => {
      if (failure !== undefined) return Promise.reject(failure)
      if (!options.fsync) return Promise.resolve()
      if (isRunning) return (waiting ??= defer()).promise
      const done = defer()
      start(done)
      return done.promise
    },
    closeWhenIdle: () => {
      if (state === 'open') state = 'closing'
      if (state === 'closing' && !isRunning) close()
    },
  }
}

/** A sync of the data, and the first time of the file's name too, not overtaking what is before. */
function nameAndDataSync(options: SegmentWriterOptions, fd: number): () => Promise<void> {
  const { files, path } = options
  let isNameDurable = options.size !== undefined
  return async () => {
    await options.after
    await settled((done) => files.sync(fd, done))
    if (isNameDurable) return
    await settled((done) => files.syncDirectory(dirname(path), done))
    isNameDurable = true
  }
}
