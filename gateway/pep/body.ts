import type { IncomingMessage } from 'node:http'
import { Transform, type Readable } from 'node:stream'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { createGathered } from './gathered.ts'

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
   * The body to forward: `null` when there is none, the bytes when all of them are here, else the
   * stream with the peeked bytes put back in front.
   */
  forward(): Readable | Buffer | null
  /** Whether every byte of the body has been received. */
  readonly finished: boolean
  /** Whether the body was broken off for its size while it was forwarded. */
  readonly exceeded: boolean
}

/** A body that is not there. */
export const EMPTY_BODY: PeekableBody = {
  peek: () => Promise.resolve({ bytes: Buffer.alloc(0), complete: true }),
  forward: () => null,
  finished: true,
  exceeded: false,
}

/** How a body is read. */
export interface BodyOptions {
  /** Bounds every wait for the next bytes (I17). */
  readonly idleTimeoutMs: number
  /** Size past which the body is refused; `undefined` when it is known or may be any. */
  readonly bytesMax?: number | undefined
  /** Runs once before the first byte is asked for (it sends `100 Continue`). */
  readonly beforeRead: () => void
}

/**
 * A peek may last this many idle times in all: a body that drips keeps its place in the number of
 * concurrent requests only so long.
 */
const PEEK_IDLE_TIMES_MAX = 5

/** Wraps the body of `request`. */
export function createPeekableBody(request: IncomingMessage, options: BodyOptions): PeekableBody {
  return new RequestBytes(request, options)
}

/** A class, because an object with getters and closures costs a microsecond per request. */
class RequestBytes implements PeekableBody {
  exceeded = false
  private held: Peek | undefined
  private isStarted = false
  private readonly request: IncomingMessage
  private readonly options: BodyOptions

  constructor(request: IncomingMessage, options: BodyOptions) {
    this.request = request
    this.options = options
  }

  get finished(): boolean {
    return this.request.complete
  }

  async peek(bytesMax: number): Promise<Peek | Refusal> {
    const { held, request, options } = this
    if (held !== undefined && (held.complete || held.bytes.length >= bytesMax)) return held
    this.start()
    const result = await readUpTo(request, bytesMax, options.idleTimeoutMs)
    if ('outcome' in result) return result
    if (result.bytes.length > this.sizeMax) return refuse('body_too_large')
    this.held = result
    if (!result.complete && result.bytes.length > 0) request.unshift(result.bytes)
    return result
  }

  forward(): Readable | Buffer {
    const { held, request, options, sizeMax } = this
    this.start()
    if (held?.complete === true) return held.bytes
    const whole = takeWhole(request, sizeMax)
    if (whole !== null) return whole
    request.setTimeout(options.idleTimeoutMs, () => request.destroy())
    request.once('end', () => request.setTimeout(0))
    if (sizeMax === Infinity) return request
    return bounded(request, sizeMax, () => (this.exceeded = true))
  }

  private get sizeMax(): number {
    return this.options.bytesMax ?? Infinity
  }

  private start(): void {
    if (!this.isStarted) this.options.beforeRead()
    this.isStarted = true
  }
}

/** Bodies up to this size are forwarded as one buffer when they are all here already. */
const WHOLE_BYTES_MAX = 64 * 1024

/**
 * A small body that has arrived with its head or shortly after: nothing is left to stream, and a
 * stream with its listeners and timers costs more than the rest of stage 8.
 */
function takeWhole(request: IncomingMessage, bytesMax: number): Buffer | null {
  const size = request.readableLength
  if (!request.complete || size === 0 || size > Math.min(bytesMax, WHOLE_BYTES_MAX)) return null
  return request.read() as Buffer | null
}

/** The same bytes, broken off once they are more than `bytesMax`: a chunked body says no length. */
function bounded(request: IncomingMessage, bytesMax: number, onExceeded: () => void): Readable {
  let size = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (size > bytesMax) onExceeded()
      if (size > bytesMax) done(new Error('the request body is over its bound'))
      else done(null, chunk)
    },
  })
  const breakOff = (): void => {
    if (!request.complete) stream.destroy()
  }
  request.once('error', breakOff).once('close', breakOff).pipe(stream)
  stream.on('error', () => request.unpipe(stream))
  return stream
}

function readUpTo(
  request: IncomingMessage,
  bytesMax: number,
  idleTimeoutMs: number,
): Promise<Peek | Refusal> {
  return new Promise((resolve) => {
    const gathered = createGathered()
    const giveUp = (): void => finish(refuse('request_timeout'))
    const timer = setTimeout(giveUp, idleTimeoutMs)
    const deadline = setTimeout(giveUp, idleTimeoutMs * PEEK_IDLE_TIMES_MAX)
    const finish = (result: Peek | Refusal): void => {
      clearTimeout(timer)
      clearTimeout(deadline)
      request
        .off('readable', onReadable)
        .off('end', onEnd)
        .off('error', onBroken)
        .off('close', onBroken)
      resolve(result)
    }
    const seen = (complete: boolean): Peek => ({ bytes: gathered.bytes(), complete })
    const onEnd = (): void => finish(seen(true))
    const onBroken = (): void => finish(refuse('request_body_aborted'))
    const onReadable = (): void => {
      for (;;) {
        const chunk = request.read() as Buffer | null
        if (chunk === null) break
        gathered.add(chunk)
        timer.refresh()
        if (gathered.isDribbled()) {
          finish(refuse('body_too_large'))
          return
        }
        if (gathered.size() > bytesMax) {
          finish(seen(false))
          return
        }
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
