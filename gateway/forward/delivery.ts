import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ResponseHead } from '../domain/ports.ts'
import type { Reason } from '../domain/reasons.ts'
import { errorEvent, fieldOf, fieldsToWrite, isEventStream } from './response-head.ts'

/** A guard may hold back this much while it judges; more is a guard gone wrong. */
const HELD_BYTES_MAX = 4096

/** A body up to this size is copied rather than handed over, which costs less. */
const WHOLE_BYTES_MAX = 8 * 1024

/** So little is taken by the kernel at once; the delivery of more is watched. */
const TAIL_BYTES = 16 * 1024

/**
 * The answer on its way to the client. The head leaves with the first bytes that the guard let
 * pass, so that a refusal on those bytes can still be answered properly; only an event stream is
 * opened before its first event.
 */
export class Delivery {
  /** Body bytes handed to the client's connection. */
  byteCount = 0
  /** Whether anything has been sent. */
  isBegun = false
  private head: ResponseHead | undefined
  /** The whole body, when it came in one small piece: it leaves with the head, in one write. */
  private whole: Buffer | undefined
  private held: Buffer[] = []
  private heldBytes = 0
  private isReaderSlow = false
  private readonly response: ServerResponse

  constructor(response: ServerResponse) {
    this.response = response
  }

  /** The status sent, or 0. */
  get status(): number {
    return this.isBegun ? (this.head?.status ?? 0) : 0
  }

  /** Whether the answer's head is here. */
  get hasHead(): boolean {
    return this.head !== undefined
  }

  /** Whether the stream can end with an event that says why. */
  get isEventStream(): boolean {
    return this.isBegun && isEventStream(this.head) && !this.hasLength
  }

  /** Whether delivery of what was written may still take long. */
  get isPending(): boolean {
    return this.isReaderSlow || this.response.writableLength > TAIL_BYTES
  }

  /** `closes`: the client's connection cannot be used again after this answer. */
  begin(head: ResponseHead, closes: boolean): void {
    this.head = head
    if (closes) this.response.shouldKeepAlive = false
    if (!isEventStream(head)) return
    this.sendHead()
    this.response.socket?.setNoDelay(true)
    this.response.flushHeaders()
  }

  /** Keeps `chunk` until the next verdict; false when there is too much to keep. */
  hold(chunk: Buffer): boolean {
    this.held.push(chunk)
    this.heldBytes += chunk.length
    return this.heldBytes <= HELD_BYTES_MAX
  }

  /** Sends what was held and `chunk`; false when the client must first read. */
  write(chunk: Buffer): boolean {
    if (this.isWhole(chunk)) {
      this.whole = chunk
      return true
    }
    this.release()
    const isTaken = this.send(chunk)
    if (!isTaken) this.isReaderSlow = true
    return isTaken
  }

  end(): void {
    const { whole } = this
    this.release()
    if (!this.isBegun) this.sendHead()
    if (whole === undefined) {
      this.response.end()
      return
    }
    this.byteCount = whole.length
    // Node joins a string, but not a buffer, with the head; latin1 keeps every byte as it is.
    this.response.end(whole.toString('latin1'), 'latin1')
  }

  /** Ends an event stream in good order, saying why. */
  endWithReason(reason: Reason): void {
    this.response.end(errorEvent(reason))
  }

  /** Closes the client's connection so that what it got cannot pass for a whole answer. */
  breakOff(): void {
    const { response } = this
    // Without a length and without chunks, only a reset tells a broken answer from a whole one.
    if (!response.chunkedEncoding && !this.hasLength) reset(response.socket)
    response.destroy()
  }

  private get hasLength(): boolean {
    return fieldOf(this.head, 'content-length') !== undefined
  }

  /** Whether `chunk` is all there is by the length announced, so that its end is here as well. */
  private isWhole(chunk: Buffer): boolean {
    const { isBegun, heldBytes, head } = this
    if (isBegun || heldBytes > 0 || chunk.length > WHOLE_BYTES_MAX) return false
    return fieldOf(head, 'content-length') === String(chunk.length)
  }

  private sendHead(): void {
    if (this.head === undefined) return
    this.isBegun = true
    this.response.writeHead(this.head.status, fieldsToWrite(this.head))
  }

  private release(): void {
    if (this.heldBytes === 0) return
    const { held } = this
    this.held = []
    this.heldBytes = 0
    for (const chunk of held) this.send(chunk)
  }

  private send(chunk: Buffer): boolean {
    if (!this.isBegun) this.sendHead()
    this.byteCount += chunk.length
    return this.response.write(chunk)
  }
}

function reset(socket: Socket | null): void {
  try {
    socket?.resetAndDestroy()
  } catch {
    // TLS has no reset of its own; a truncation shows by the missing close_notify.
    socket?.destroy()
  }
}
