/**
 * The messages of a gRPC body: a flag byte, a length of four bytes, and so many bytes of message.
 * Incremental: a body may be cut anywhere, and nothing of it is copied.
 */

/** Bytes in front of every message. */
export const PREFIX_BYTES = 5

/** Told what is in a body, in order. Any of them may say `false`: nothing more is read then. */
export interface MessageEvents {
  /** A message begins. */
  begin(length: number, isCompressed: boolean): boolean
  /** Some of its bytes: from `from` up to `to` of `chunk`. */
  bytes(chunk: Buffer, from: number, to: number): boolean
  /** It is complete. */
  end(): boolean
}

/** Finds the messages of one body. */
export class MessageFraming {
  private prefix = 0
  private length = 0
  private left = 0
  private isCompressed = false
  private isStopped = false
  private readonly events: MessageEvents

  constructor(events: MessageEvents) {
    this.events = events
  }

  /** Whether the last byte seen was the last of a message, or none was seen. */
  get isAtBoundary(): boolean {
    return this.prefix === 0 && this.left === 0
  }

  /** Takes the next bytes; `false` when they cannot be gRPC, or when it was told to stop. */
  push(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length && !this.isStopped) {
      if (this.left === 0) this.readPrefix(chunk[at++] ?? 0)
      else {
        const to = Math.min(chunk.length, at + this.left)
        this.left -= to - at
        this.isStopped = !this.events.bytes(chunk, at, to)
        at = to
        if (this.left === 0 && !this.isStopped) this.isStopped = !this.events.end()
      }
    }
    return !this.isStopped
  }

  private readPrefix(byte: number): void {
    if (this.prefix === 0) {
      // Any other flag is reserved, and means something else to whoever knows it.
      if (byte > 1) this.isStopped = true
      this.isCompressed = byte === 1
      this.length = 0
    } else this.length = this.length * 256 + byte
    this.prefix += 1
    if (this.prefix < PREFIX_BYTES || this.isStopped) return
    this.prefix = 0
    this.left = this.length
    this.isStopped = !this.events.begin(this.length, this.isCompressed)
    if (this.left === 0 && !this.isStopped) this.isStopped = !this.events.end()
  }
}
