/**
 * Standard output without blocking. Node writes to pipes synchronously, so that a reader that stops
 * reading would stop the gateway; the library's own writer never answers a flush after EPIPE and
 * then waits for ever at exit. This one writes in the background, drops what does not fit, and
 * gives up on a reader that has gone.
 */
import { write } from 'node:fs'

/** Where lines go; each ends in a newline and holds no other. */
export interface LogDestination {
  write(line: string): void
  /** Calls `done` once, when everything handed over is written or cannot be. */
  flush?(done: () => void): void
  /**
   * Writes whole lines between the others and none of them in part; `done` is called once, when
   * they are written or cannot be. Never dropped for want of room: whoever calls it waits for `done`.
   */
  deliver?(lines: string, done: (error?: Error) => void): void
}

/** Writes bytes to a file descriptor; the shape of `fs.write`. */
export type WriteBytes = (
  fd: number,
  bytes: Buffer,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void

/** What {@link createOutput} needs. */
export interface OutputOptions {
  readonly fd: number
  /** Lines past this many waiting bytes are dropped; default 8 MiB. */
  readonly bytesMax?: number
  /** A flush gives up after this long; default 1000. */
  readonly flushMs?: number
  /** Called after lines were dropped, when there is room again. */
  readonly onDropped?: (lines: number) => void
  readonly write?: WriteBytes
}

/** Pause before a full pipe is tried again. */
const RETRY_MS = 20

/** Builds a destination over a file descriptor. No method throws or waits. */
export function createOutput(options: OutputOptions): LogDestination {
  const writeBytes = options.write ?? ((fd, bytes, done) => write(fd, bytes, done))
  const bytesMax = options.bytesMax ?? 8 * 1024 * 1024
  const flushes = createFlushes(options.flushMs ?? 1000)
  let queue: string[] = []
  const told: ((error?: Error) => void)[] = []
  let queuedBytes = 0
  let dropped = 0
  let state: 'idle' | 'writing' | 'gone' = 'idle'

  function pump(): void {
    if (dropped > 0) {
      const lines = dropped
      dropped = 0
      options.onDropped?.(lines)
    }
    if (queue.length === 0) {
      state = 'idle'
      flushes.settle()
      return
    }
    state = 'writing'
    const bytes = Buffer.from(queue.join(''))
    const tell = told.splice(0)
    queue = []
    queuedBytes = 0
    sendAll(options.fd, bytes, writeBytes, (error) => {
      if (error === undefined) {
        for (const done of tell) done()
        pump()
      } else giveUp(error, tell)
    })
  }

  /** EPIPE: whoever read the output has gone. Nothing can be said, and nothing must stop. */
  function giveUp(error: Error, tell: readonly ((error?: Error) => void)[]): void {
    state = 'gone'
    queue = []
    for (const done of [...tell, ...told.splice(0)]) done(error)
    flushes.settle()
  }

  return {
    write(line) {
      if (state === 'gone') return
      const bytes = Buffer.byteLength(line)
      if (queuedBytes + bytes > bytesMax) {
        dropped += 1
        return
      }
      queue.push(line)
      queuedBytes += bytes
      if (state === 'idle') pump()
    },
    deliver(lines, done) {
      if (state === 'gone') {
        done(new Error('nobody reads the output'))
        return
      }
      queue.push(lines)
      queuedBytes += Buffer.byteLength(lines)
      told.push(done)
      if (state === 'idle') pump()
    },
    flush(done) {
      flushes.add(done)
      if (state !== 'writing') flushes.settle()
    },
  }
}

/** Those who wait for a flush, each for so long at most. */
function createFlushes(flushMs: number): { add(done: () => void): void; settle(): void } {
  const waiting = new Set<() => void>()
  return {
    add(done) {
      const settle = (): void => {
        clearTimeout(timer)
        if (waiting.delete(settle)) done()
      }
      const timer = setTimeout(settle, flushMs)
      waiting.add(settle)
    },
    settle() {
      for (const settle of waiting) settle()
    },
  }
}

/** Writes all of `bytes`, going on after short writes and when a full pipe has room again. */
function sendAll(
  fd: number,
  bytes: Buffer,
  writeBytes: WriteBytes,
  done: (error?: Error) => void,
): void {
  const send = (rest: Buffer): void => sendAll(fd, rest, writeBytes, done)
  writeBytes(fd, bytes, (error, written) => {
    if (error === null && written === bytes.length) done()
    else if (error === null) send(bytes.subarray(written))
    else if (error.code === 'EAGAIN') setTimeout(() => send(bytes), RETRY_MS).unref()
    else done(error)
  })
}
