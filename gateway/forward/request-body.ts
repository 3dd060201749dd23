import { Readable } from 'node:stream'
import { BODY_ABORTED } from './failures.ts'

/** Past so many pieces their average size must be sensible. */
const PIECES_FREE = 16_384
const PIECE_BYTES_MIN = 16

/**
 * The client's body on its way to the upstream, with back-pressure. It stands between the two so
 * that breaking off the upstream's side never destroys the client's connection, on which an answer
 * may still have to be sent (early responses), and so that bytes are counted.
 */
export class RequestBody extends Readable {
  /** Bytes read from the client. */
  byteCount = 0
  /** Whether the client's body has ended. */
  ended = false
  private isDiscarded = false
  private pieces = 0
  private readonly source: Readable

  constructor(source: Readable) {
    super({ highWaterMark: 64 * 1024 })
    this.source = source
    // It may break while it waits for a connection, when nobody listens to it yet (I18).
    this.on('error', ignore)
    source.on('data', this.onData).on('end', this.onEnd)
    source.on('error', this.onBroken).on('close', this.onBroken)
    // Reading starts when the upstream's connection asks for bytes.
    source.pause()
    if (source.readableEnded) this.onEnd()
    else if (source.destroyed) this.onBroken()
  }

  /** Throws the rest of the body away, so that the answer can be read by a client still sending. */
  discard(): void {
    this.isDiscarded = true
    this.detach()
    this.source.resume()
  }

  override _read(): void {
    if (!this.ended && !this.isDiscarded) this.source.resume()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.detach()
    if (!this.ended && !this.isDiscarded) this.source.pause()
    callback(error)
  }

  private readonly onData = (chunk: Buffer): void => {
    this.byteCount += chunk.length
    // Tiny chunks cost the upstream's parser its stack (CVE-2025-23310) and this process its time.
    if (++this.pieces > PIECES_FREE && this.byteCount < this.pieces * PIECE_BYTES_MIN) {
      this.onBroken()
      return
    }
    if (!this.push(chunk)) this.source.pause()
  }

  private readonly onEnd = (): void => {
    this.ended = true
    this.push(null)
  }

  private readonly onBroken = (): void => {
    if (this.ended || this.destroyed) return
    this.destroy(Object.assign(new Error('the request body broke off'), { code: BODY_ABORTED }))
  }

  private detach(): void {
    // `error` stays listened to: the source may still fail, and nobody else need be there (I18).
    this.source.off('data', this.onData).off('end', this.onEnd).off('close', this.onBroken)
  }
}

function ignore(): void {
  // The failure reaches the exchange through the upstream's side.
}
