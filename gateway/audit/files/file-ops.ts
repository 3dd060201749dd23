/** Small compositions of {@link FilePort} calls that several files of the room need. */
import { invariant } from '../../domain/errors.ts'
import type { FilePort, SyncDone } from './file-port.ts'

/**
 * Writes all of `bytes` from `start` to `end`, going on after short writes. Throws what the port
 * throws, after which part of it may be in the file.
 */
export function writeAll(files: FilePort, fd: number, bytes: Uint8Array, range: ByteRange): void {
  let at = range.start
  while (at < range.end) {
    const written = files.write(fd, bytes, at, range.end)
    // A port that takes nothing and reports nothing would turn this into an endless loop.
    if (written <= 0) throw Object.assign(new Error('EIO: nothing was written'), { code: 'EIO' })
    at += written
  }
}

/**
 * Fills `into` with what the file holds from `position` on, going on after short reads. The part
 * that was filled: all of it but where the file ends.
 */
export function readFull(files: FilePort, fd: number, into: Buffer, position: number): Buffer {
  let filled = 0
  while (filled < into.length) {
    const read = files.read(fd, into.subarray(filled), position + filled)
    if (read === 0) break
    filled += read
  }
  return into.subarray(0, filled)
}

/** The file at `path`, open to be read; `undefined` when it cannot be opened. */
export function openedIfCan(files: FilePort, path: string): number | undefined {
  try {
    return files.openRead(path)
  } catch {
    return undefined
  }
}

/** What a file of at most `bytesMax` bytes says as JSON; `undefined` when it is not there, or is none. */
export function readJson(files: FilePort, path: string, bytesMax: number): unknown {
  const fd = openedIfCan(files, path)
  if (fd === undefined) return undefined
  try {
    return JSON.parse(readFull(files, fd, Buffer.alloc(bytesMax), 0).toString('utf8'))
  } catch {
    return undefined
  } finally {
    files.close(fd)
  }
}

/** Offsets, the end excluded. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Turns a sync call of the port into a promise. */
export function settled(call: (done: SyncDone) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

/** Cuts the file at `path` to `size` bytes. */
export function cutOff(files: FilePort, path: string, size: number): void {
  const fd = files.openAppend(path, false)
  try {
    files.truncate(fd, size)
  } finally {
    files.close(fd)
  }
}

/** A promise and the means to settle it. A rejection nobody waits for is not unhandled. */
export interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: Error): void
}

/** Builds a {@link Deferred}. */
export function defer(): Deferred {
  let settle: Omit<Deferred, 'promise'> | undefined
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Those who wait have promises of their own derived from this one and still see the rejection.
  promise.catch(() => undefined)
  invariant(settle !== undefined, 'a promise runs its executor at once')
  return { promise, resolve: settle.resolve, reject: settle.reject }
}

/** What was thrown, as an error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
