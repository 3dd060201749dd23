import { ByteCollector } from '../domain/byte-collector.ts'
import { readFrameHead, type FrameHead, type FrameViolation } from './websocket-frames.ts'

/** What a client has sent, whole. `frames`: exactly the bytes it came in. */
export type ClientMessage =
  | { readonly kind: 'text' | 'binary'; readonly frames: Buffer; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly frames: Buffer }
  | { readonly kind: 'violation'; readonly violation: FrameViolation }
  /** Longer than may be, or in too many pieces. */
  | { readonly kind: 'too-large' }

const CONTINUATION = 0
const TEXT = 1

/** Frames may add so many times the longest payload in headers: one byte a frame is no use. */
const RAW_FACTOR = 2

/**
 * Puts the messages of a client together from its frames (RFC 6455 §5.4): masking undone, control
 * frames that come between two fragments given at once, since they wait for nothing. Holds at most
 * one message, `bytesMax` of payload and twice that of frames, and what was pushed last. A message
 * is too large by the header of the frame that would make it so.
 */
export class MessageReader {
  private pending: Buffer[] = []
  private at = 0
  private header: number[] = []
  private frame: FrameHead | undefined
  private payloadSeen = 0
  /** Of the message that has been begun, if any. */
  private kind: 'text' | 'binary' | undefined
  private readonly frames = new ByteCollector()
  private readonly payload = new ByteCollector()
  private readonly control = new ByteCollector()
  private readonly bytesMax: number

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** Adds bytes to be read. */
  push(bytes: Buffer): void {
    this.pending.push(bytes)
  }

  /** The next whole thing in what was pushed; not to be asked again after a violation. */
  next(): ClientMessage | undefined {
    for (let bytes = this.pending[0]; bytes !== undefined; bytes = this.pending[0]) {
      if (this.frame === undefined && this.at < bytes.length) {
        const wrong = this.takeHeader(bytes[this.at++] ?? 0)
        if (wrong !== undefined) return wrong
      } else if (this.frame !== undefined) this.takePayload(bytes, this.frame)
      if (this.at === bytes.length) {
        this.pending.shift()
        this.at = 0
      }
      if (this.frame?.length === this.payloadSeen) {
        const whole = this.endFrame(this.frame)
        if (whole !== undefined) return whole
      }
    }
    return undefined
  }

  private takeHeader(byte: number): ClientMessage | undefined {
    this.header.push(byte)
    const head = readFrameHead(this.header, true)
    if (head === undefined) return undefined
    if (head === 'too-large') return { kind: 'too-large' }
    if (typeof head === 'string') return { kind: 'violation', violation: head }
    const isControl = head.opcode >= 8
    if (!isControl && (head.opcode === CONTINUATION) !== (this.kind !== undefined)) {
      return { kind: 'violation', violation: 'opcode' }
    }
    if (!isControl && this.isTooLarge(head)) return { kind: 'too-large' }
    if (!isControl) this.kind ??= head.opcode === TEXT ? 'text' : 'binary'
    const into = isControl ? this.control : this.frames
    into.add(Uint8Array.from(this.header))
    this.header = []
    this.frame = head
    this.payloadSeen = 0
    return undefined
  }

  private isTooLarge({ length }: FrameHead): boolean {
    const framed = this.frames.length + this.header.length + length
    return this.payload.length + length > this.bytesMax || framed > this.bytesMax * RAW_FACTOR
  }

  private takePayload(bytes: Buffer, { length, opcode, mask }: FrameHead): void {
    const end = Math.min(bytes.length, this.at + length - this.payloadSeen)
    const piece = bytes.subarray(this.at, end)
    if (opcode >= 8) this.control.add(piece)
    else {
      this.frames.add(piece)
      unmask(this.payload.add(piece), mask, this.payloadSeen)
    }
    this.payloadSeen += piece.length
    this.at = end
  }

  private endFrame({ opcode, isFinal }: FrameHead): ClientMessage | undefined {
    this.frame = undefined
    if (opcode >= 8) return { kind: 'control', frames: this.control.take() }
    const { kind } = this
    if (!isFinal || kind === undefined) return undefined
    this.kind = undefined
    return { kind, frames: this.frames.take(), payload: this.payload.take() }
  }
}

/** RFC 6455 §5.3. `offset`: where in the payload of the frame `bytes` begins. */
function unmask(bytes: Buffer, mask: readonly number[], offset: number): void {
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = (bytes[at] ?? 0) ^ (mask[(offset + at) & 3] ?? 0)
  }
}
