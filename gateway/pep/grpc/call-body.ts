import type { ServerHttp2Stream } from 'node:http2'
import { Transform, type Readable } from 'node:stream'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Peek, PeekableBody } from '../body.ts'
import { createGathered, type Gathered } from '../gathered.ts'

/** How the body of a call is read. */
export interface CallBodyOptions {
  /** Bounds every wait for the next bytes of a peek (I17). */
  readonly idleTimeoutMs: number
  /** Size past which the body is refused; any size when absent. */
  readonly bytesMax: number | undefined
}

/** A peek may last this many idle times in all, however slowly the body drips. */
const PEEK_IDLE_TIMES_MAX = 5

/**
 * Wraps the body of a call. A peek ends as soon as the bytes asked for are here, and gives all that
 * are: a client that streams waits for an answer before it says more.
 */
export function createCallBody(stream: ServerHttp2Stream, options: CallBodyOptions): PeekableBody {
  return new CallBody(stream, options)
}

class CallBody implements PeekableBody {
  exceeded = false
  private gathered: Gathered = createGathered()
  private isForwarded = false
  private readonly stream: ServerHttp2Stream
  private readonly options: CallBodyOptions

  constructor(stream: ServerHttp2Stream, options: CallBodyOptions) {
    this.stream = stream
    this.options = options
  }

  get finished(): boolean {
    return this.stream.readableEnded
  }

  peek(bytesMax: number): Promise<Peek | Refusal> {
    const { stream, gathered, options } = this
    if (gathered.size() >= bytesMax || stream.readableEnded) return Promise.resolve(this.seen())
    if (stream.destroyed) return Promise.resolve(refuse('request_body_aborted'))
    return new Promise((resolve) => {
      const giveUp = (): void => finish(refuse('request_timeout'))
      const timer = setTimeout(giveUp, options.idleTimeoutMs)
      const deadline = setTimeout(giveUp, options.idleTimeoutMs * PEEK_IDLE_TIMES_MAX)
      const finish = (result: Peek | Refusal): void => {
        clearTimeout(timer)
        clearTimeout(deadline)
        stream.off('readable', look).off('end', onEnd).off('close', onBroken)
        resolve(result)
      }
      const onEnd = (): void => finish(this.seen())
      const onBroken = (): void => finish(refuse('request_body_aborted'))
      const look = (): void => {
        const before = gathered.size()
        this.read()
        if (gathered.size() > before) timer.refresh()
        if (gathered.isDribbled()) finish(refuse('body_too_large'))
        else if (gathered.size() >= bytesMax) finish(this.seen())
      }
      stream.on('readable', look).once('end', onEnd).once('close', onBroken)
      if (stream.readableLength > 0) look()
    })
  }

  forward(): Readable | Buffer {
    const { stream, gathered } = this
    if (this.isForwarded) return stream
    this.isForwarded = true
    if (stream.readableEnded) return gathered.bytes()
    if (gathered.size() > 0) stream.unshift(gathered.bytes())
    this.gathered = createGathered()
    const { bytesMax } = this.options
    return bytesMax === undefined ? stream : this.bounded(bytesMax)
  }

  private read(): void {
    const { stream, gathered } = this
    for (;;) {
      const chunk = stream.read() as Buffer | null
      if (chunk === null) return
      gathered.add(chunk)
    }
  }

  private seen(): Peek | Refusal {
    const bytes = this.gathered.bytes()
    const { bytesMax = Infinity } = this.options
    if (bytes.length > bytesMax) return refuse('body_too_large')
    return { bytes, complete: this.stream.readableEnded }
  }

  /** The same bytes, broken off once there are too many. */
  private bounded(bytesMax: number): Readable {
    const { stream } = this
    let size = 0
    const bound = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        size += chunk.length
        this.exceeded ||= size > bytesMax
        if (this.exceeded) done(new Error('the request body is over its bound'))
        else done(null, chunk)
      },
    })
    const breakOff = (): void => {
      if (!stream.readableEnded) bound.destroy()
    }
    stream.once('close', breakOff).pipe(bound)
    bound.on('error', () => stream.unpipe(bound))
    return bound
  }
}
