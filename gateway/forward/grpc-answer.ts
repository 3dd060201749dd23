import type { ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { ResponseHead } from '../domain/ports.ts'
import { headersObject, valueIn } from './grpc-headers.ts'

/** A guard may hold back this much while it judges; more is a guard gone wrong. */
const HELD_BYTES_MAX = 4096

const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants

/**
 * The answer of a call on its way to the client. The metadata leaves at once: clients of streams
 * wait for it. What goes wrong later is told by the trailers.
 */
export class CallAnswer {
  /** Bytes of messages, prefixes included, handed to the client's connection. */
  byteCount = 0
  isBegun = false
  /** What the trailers said, once they are known. */
  grpcStatus: number | undefined
  private held: Buffer[] = []
  private heldBytes = 0
  private trailers: readonly string[] = []
  private readonly stream: ServerHttp2Stream

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream
    stream.once('wantTrailers', () => this.sendTrailers())
  }

  /** Whether nothing can be sent any more. */
  get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed
  }

  begin({ status, headers }: ResponseHead): void {
    if (this.isGone) return
    this.isBegun = true
    this.stream.respond({ ':status': status, ...headersObject(headers) }, { waitForTrailers: true })
  }

  /** An answer without any message: its metadata are its trailers. */
  beginAndEnd({ status, headers }: ResponseHead): void {
    if (this.isGone) return
    this.isBegun = true
    this.note(headers)
    this.stream.respond({ ':status': status, ...headersObject(headers) }, { endStream: true })
    this.letGo()
  }

  /** Keeps `chunk` until the next verdict; false when there is too much to keep. */
  hold(chunk: Buffer): boolean {
    this.held.push(chunk)
    this.heldBytes += chunk.length
    return this.heldBytes <= HELD_BYTES_MAX
  }

  /** Sends what was held and `chunk`; false when the client must first read. */
  write(chunk: Buffer): boolean {
    this.release()
    return this.send(chunk)
  }

  /** Ends in good order, what was held last and then `trailers`. */
  end(trailers: readonly string[]): void {
    this.release()
    this.endNow(trailers)
  }

  /** Ends without what was held. */
  cut(trailers: readonly string[]): void {
    this.held = []
    this.heldBytes = 0
    this.endNow(trailers)
  }

  /** Ends the call for a client that does not read. */
  breakOff(): void {
    if (!this.isGone) this.stream.close(NGHTTP2_CANCEL)
  }

  private endNow(trailers: readonly string[]): void {
    if (this.isGone) return
    this.trailers = trailers
    this.note(trailers)
    this.stream.end()
  }

  private sendTrailers(): void {
    if (this.isGone) return
    try {
      this.stream.sendTrailers(headersObject(this.trailers))
    } catch {
      // What the upstream said cannot be sent; the client must not take the answer for whole.
      this.stream.close(NGHTTP2_INTERNAL_ERROR)
      return
    }
    this.letGo()
  }

  /** A client still sending is told that nobody listens any more (RFC 9113 §8.1). */
  private letGo(): void {
    const { stream } = this
    setImmediate(() => {
      if (stream.destroyed) return
      if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR)
    })
  }

  private release(): void {
    if (this.heldBytes === 0) return
    const { held } = this
    this.held = []
    this.heldBytes = 0
    for (const chunk of held) this.send(chunk)
  }

  private send(chunk: Buffer): boolean {
    if (this.isGone) return true
    this.byteCount += chunk.length
    return this.stream.write(chunk)
  }

  private note(pairs: readonly string[]): void {
    const text = valueIn(pairs, 'grpc-status')
    this.grpcStatus = text !== undefined && /^\d{1,2}$/.test(text) ? Number(text) : undefined
  }
}
