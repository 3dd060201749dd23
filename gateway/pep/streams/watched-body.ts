/**
 * Carries a request body past the watch of its classification, on its way to the upstream. What
 * turns up is authorised before it goes on, and a refusal comes before the upstream has all of the
 * body: whoever acts on whole bodies only never acts on one that was refused.
 */
import { Transform, type Readable, type TransformCallback } from 'node:stream'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Operation } from '../../domain/vocabulary.ts'
import type { BodyWatch, WatchVerdict } from '../../domain/watch.ts'
import { createGathered, type Gathered } from '../gathered.ts'

/** How a body is watched. */
export interface BodyWatching {
  readonly watch: BodyWatch
  /** Most bytes kept while the watch cannot tell; past it the body is refused. */
  readonly heldBytesMax: number
  /**
   * `body`, by default: the last piece waits until the end was asked about, because an upstream
   * that knows the length acts on the last byte. `messages`: what was judged goes on at once, so
   * that an upstream can answer a message before the next one comes (gRPC streams); the watch then
   * never lets pass a message that is not whole.
   */
  readonly unit?: 'body' | 'messages'
  /** Decides and records; nothing goes on meanwhile. */
  readonly authorise: (operations: readonly Operation[]) => Promise<Refusal | undefined>
}

/** A watched body on its way. */
export interface WatchedBody {
  /** What to send upstream in place of the source. Reads the source as it is itself read. */
  readonly stream: Readable
  /** Why it was broken off. */
  readonly refusal: Refusal | undefined
}

/**
 * Watches a body that is still coming in. A refusal breaks the stream off with an error before its
 * last byte, after `onRefused` was called with it, once. The source is neither destroyed nor read
 * any further: an answer may still have to be sent on its connection.
 */
export function watchStream(
  source: Readable,
  watching: BodyWatching,
  onRefused: (refusal: Refusal) => void,
): WatchedBody {
  const stream = new WatchedStream(watching, onRefused)
  const breakOff = (): void => {
    if (!stream.sourceEnded) stream.destroy(new Error('the request body broke off'))
  }
  // Someone must listen, also while the body waits for a connection (I18).
  stream.on('error', () => source.unpipe(stream))
  source.once('end', () => (stream.sourceEnded = true))
  source.on('error', breakOff).once('close', breakOff).pipe(stream)
  if (source.destroyed && !source.readableEnded) breakOff()
  return {
    stream,
    get refusal() {
      return stream.refusal
    },
  }
}

/** Watches a body that is all here. @returns why it may not be sent, or `undefined` */
export async function watchWhole(
  bytes: Buffer,
  watching: BodyWatching,
): Promise<Refusal | undefined> {
  const { watch } = watching
  if (bytes.length > 0) {
    const found = look(() => watch.push(bytes))
    const refusal = found === 'hold' ? undefined : await judge(found, watching)
    if (refusal !== undefined) return refusal
  }
  const last = look(() => watch.end())
  return judge(last, watching)
}

/** A watch that fails has not found the body good (I6). */
function look<Verdict extends WatchVerdict>(ask: () => Verdict): Verdict | Refusal {
  try {
    return ask()
  } catch {
    return refuse('internal')
  }
}

async function judge(
  found: Exclude<WatchVerdict, 'hold'>,
  { authorise }: BodyWatching,
): Promise<Refusal | undefined> {
  if (found === undefined || isRefusal(found)) return found
  return authorise(found).catch(() => refuse('indeterminate'))
}

/** Pieces are as large as the client's socket gives them. */
const BUFFERED_BYTES = 64 * 1024

class WatchedStream extends Transform {
  refusal: Refusal | undefined
  sourceEnded = false
  private held: Gathered = createGathered()
  /** What was judged and waits for what comes behind it. */
  private last: Buffer | undefined
  private readonly watching: BodyWatching
  private readonly onRefused: (refusal: Refusal) => void

  constructor(watching: BodyWatching, onRefused: (refusal: Refusal) => void) {
    super({ writableHighWaterMark: BUFFERED_BYTES, readableHighWaterMark: BUFFERED_BYTES })
    this.watching = watching
    this.onRefused = onRefused
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (chunk.length === 0) {
      done()
      return
    }
    const found = look(() => this.watching.watch.push(chunk))
    if (found === undefined && this.held.size() === 0) {
      this.release(chunk)
      done()
      return
    }
    this.held.add(chunk)
    if (found === 'hold') this.keep(done)
    else this.settle(found, done)
  }

  override _flush(done: TransformCallback): void {
    const end = look(() => this.watching.watch.end())
    this.settle(end, (error) => {
      const isRefused = error !== undefined && error !== null
      if (!isRefused && this.last !== undefined) this.push(this.last)
      this.last = undefined
      done(error)
    })
  }

  private keep(done: TransformCallback): void {
    if (this.held.isDribbled()) this.refuse(refuse('body_too_large'), done)
    else if (this.held.size() <= this.watching.heldBytesMax) done()
    else this.refuse(refuse('body_over_peek'), done)
  }

  /** Lets go of what is held once every operation is permitted. */
  private settle(found: Exclude<WatchVerdict, 'hold'>, done: TransformCallback): void {
    void judge(found, this.watching).then((refusal) => {
      if (this.destroyed) return
      if (refusal !== undefined) {
        this.refuse(refusal, done)
        return
      }
      const { held } = this
      if (held.size() > 0) {
        this.held = createGathered()
        this.release(held.bytes())
      }
      done()
    })
  }

  private release(piece: Buffer): void {
    if (this.watching.unit === 'messages') {
      this.push(piece)
      return
    }
    if (this.last !== undefined) this.push(this.last)
    this.last = piece
  }

  private refuse(refusal: Refusal, done: TransformCallback): void {
    this.refusal = refusal
    this.onRefused(refusal)
    done(new Error('the request body was refused'))
  }
}
