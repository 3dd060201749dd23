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
  const waiting = new Set<() => void>()
  let queue: string[] = []
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
      settleAll()
      return
    }
    state = 'writing'
    const bytes = Buffer.from(queue.join(''))
    queue = []
    queuedBytes = 0
    send(bytes)
  }

  function send(bytes: Buffer): void {
    writeBytes(options.fd, bytes, (error, written) => {
      if (error === null && written === bytes.length) pump()
      else if (error === null) send(bytes.subarray(written))
      else if (error.code === 'EAGAIN') setTimeout(() => send(bytes), RETRY_MS).unref()
      else giveUp()
    })
  }

  /** EPIPE: whoever read the output has gone. Nothing can be said, and nothing must stop. */
  function giveUp(): void {
    state = 'gone'
    queue = []
    settleAll()
  }

  function settleAll(): void {
    for (const settle of waiting) settle()
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
    flush(done) {
      const settle = (): void => {
        clearTimeout(timer)
        if (waiting.delete(settle)) done()
      }
      const timer = setTimeout(settle, options.flushMs ?? 1000)
      waiting.add(settle)
      if (state !== 'writing') settle()
    },
  }
}
