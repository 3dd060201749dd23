import type { IncomingMessage } from 'node:http'
import { refuse, type Refusal } from '../domain/refusal.ts'

/** What a peek saw: at most the asked bytes, and whether they are the whole body. */
export interface Peek {
  readonly bytes: Buffer
  readonly complete: boolean
}

/** A request body that can be looked at before it is forwarded; the same bytes go on. */
export interface PeekableBody {
  /** Reads up to `bytesMax` bytes. Asking again returns what is already held when that suffices. */
  peek(bytesMax: number): Promise<Peek | Refusal>
  /**
   * The body to forward: `null` when there is none, the bytes when the peek saw all of them, else
   * the stream with the peeked bytes put back in front.
   */
  forward(): IncomingMessage | Buffer | null
  /** Whether every byte of the body has been received. */
  readonly finished: boolean
}

/** A body that is not there. */
export const EMPTY_BODY: PeekableBody = {
  peek: () => Promise.resolve({ bytes: Buffer.alloc(0), complete: true }),
  forward: () => null,
  finished: true,
}

/**
 * Wraps the body of `request`. `beforeRead` runs once before the first byte is asked for (it sends
 * `100 Continue`); `idleTimeoutMs` bounds every wait for the next bytes (I17).
 */
export function createPeekableBody(
  request: IncomingMessage,
  options: { readonly idleTimeoutMs: number; readonly beforeRead: () => void },
): PeekableBody {
  let held: Peek | undefined
  let started = false
  const start = (): void => {
    if (!started) options.beforeRead()
    started = true
  }
  return {
    get finished() {
      return request.complete
    },
    async peek(bytesMax) {
      if (held !== undefined && (held.complete || held.bytes.length >= bytesMax)) return held
      start()
      const result = await readUpTo(request, bytesMax, options.idleTimeoutMs)
      if ('outcome' in result) return result
      held = result
      if (!result.complete && result.bytes.length > 0) request.unshift(result.bytes)
      return result
    },
    forward() {
      start()
      if (held?.complete === true) return held.bytes
      request.setTimeout(options.idleTimeoutMs, () => request.destroy())
      request.once('end', () => request.setTimeout(0))
      return request
    },
  }
}

function readUpTo(
  request: IncomingMessage,
  bytesMax: number,
  idleTimeoutMs: number,
): Promise<Peek | Refusal> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const timer = setTimeout(() => finish(refuse('request_timeout')), idleTimeoutMs)
    const finish = (result: Peek | Refusal): void => {
      clearTimeout(timer)
      request
        .off('readable', onReadable)
        .off('end', onEnd)
        .off('error', onBroken)
        .off('close', onBroken)
      resolve(result)
    }
    const seen = (complete: boolean): Peek => ({
      bytes:
        chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size),
      complete,
    })
    const onEnd = (): void => finish(seen(true))
    const onBroken = (): void => finish(refuse('request_body_aborted'))
    const onReadable = (): void => {
      for (;;) {
        const chunk = request.read() as Buffer | null
        if (chunk === null) break
        chunks.push(chunk)
        size += chunk.length
        timer.refresh()
        if (size > bytesMax) { finish(seen(false)); return; }
      }
      // A body whose declared end has arrived is complete even before the stream says `end`.
      if (request.complete && request.readableLength === 0) finish(seen(true))
    }
    request
      .on('readable', onReadable)
      .once('end', onEnd)
      .once('error', onBroken)
      .once('close', onBroken)
    if (request.readableEnded) onEnd()
    else if (request.readableLength > 0) onReadable()
  })
}
