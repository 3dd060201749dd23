import { createHash } from 'node:crypto'

/** RFC 6455 §4.2.2: proof that the peer read the handshake as a WebSocket handshake. */
export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

/** Largest frame relayed, bytes. */
const FRAME_BYTES_MAX = 64 * 1024 * 1024

/** What is wrong with a stream of frames; the stream must be closed. */
export type FrameViolation = 'reserved-bits' | 'opcode' | 'masking' | 'control-frame' | 'too-large'

/**
 * Follows one direction of a WebSocket connection by its frame headers alone, so that a relay knows
 * where a frame ends and stops what RFC 6455 forbids (§5.1 masking, §5.2 reserved bits and opcodes,
 * §5.5 control frames) instead of passing a desynchronised stream on. Keeps at most one header.
 */
export class FrameTracker {
  private payloadLeft = 0
  private header: number[] = []
  private readonly isMasked: boolean

  constructor(from: 'client' | 'server') {
    this.isMasked = from === 'client'
  }

  /** Whether the last byte seen ended a frame; a close frame may then follow. */
  get isAtBoundary(): boolean {
    return this.payloadLeft === 0 && this.header.length === 0
  }

  /** Takes the next bytes of the stream. */
  take(bytes: Buffer): FrameViolation | undefined {
    let at = 0
    while (at < bytes.length) {
      if (this.payloadLeft > 0) {
        const skipped = Math.min(this.payloadLeft, bytes.length - at)
        this.payloadLeft -= skipped
        at += skipped
        continue
      }
      this.header.push(bytes[at++] ?? 0)
      const violation = this.readHeader()
      if (violation !== undefined) return violation
    }
    return undefined
  }

  private readHeader(): FrameViolation | undefined {
    const head = readFrameHead(this.header, this.isMasked)
    if (head === undefined || typeof head === 'string') return head
    this.payloadLeft = head.length
    this.header = []
    return undefined
  }
}

/** The header of one frame (RFC 6455 §5.2). */
export interface FrameHead {
  /** Whether it is the last frame of its message. */
  readonly isFinal: boolean
  readonly opcode: number
  /** Bytes of payload. */
  readonly length: number
  /** The four bytes of the mask; none in frames of a server. */
  readonly mask: readonly number[]
}

/** The header in `header`, what is wrong with it, or `undefined` while more of it is to come. */
export function readFrameHead(
  header: readonly number[],
  isMasked: boolean,
): FrameHead | FrameViolation | undefined {
  const violation = headerViolation(header, isMasked)
  const [first = 0, second] = header
  if (violation !== undefined || second === undefined) return violation
  const short = second & 0x7f
  const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2
  if (header.length < lengthEnd + (isMasked ? 4 : 0)) return undefined
  const length = lengthEnd === 2 ? short : bigEndian(header.slice(2, lengthEnd))
  if (length > FRAME_BYTES_MAX) return 'too-large'
  return { isFinal: first >= 0x80, opcode: first & 0x0f, length, mask: header.slice(lengthEnd) }
}

function headerViolation(header: readonly number[], isMasked: boolean): FrameViolation | undefined {
  const [first = 0, second] = header
  const opcode = first & 0x0f
  // No extension is negotiated through the gateway, so no reserved bit has a meaning.
  if ((first & 0x70) !== 0) return 'reserved-bits'
  if ((opcode > 2 && opcode < 8) || opcode > 10) return 'opcode'
  if (second === undefined) return undefined
  if (((second & 0x80) !== 0) !== isMasked) return 'masking'
  const isControl = opcode >= 8
  const isWhole = (first & 0x80) !== 0 && (second & 0x7f) <= 125
  return isControl && !isWhole ? 'control-frame' : undefined
}

/** Exact up to 2^53; what is larger stays larger than any bound. */
function bigEndian(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}

/** The header of an unmasked frame, as servers send it, with the shortest length there is. */
export function serverFrameHeader(opcode: number, isFinal: boolean, length: number): Buffer {
  const first = (isFinal ? 0x80 : 0) | opcode
  if (length < 126) return Buffer.from([first, length])
  const header = Buffer.alloc(length < 65_536 ? 4 : 10)
  header[0] = first
  header[1] = length < 65_536 ? 126 : 127
  if (length < 65_536) header.writeUInt16BE(length, 2)
  else header.writeBigUInt64BE(BigInt(length), 2)
  return header
}

/** Bytes of text a close frame can hold besides its status (RFC 6455 §5.5). */
const CLOSE_TEXT_BYTES_MAX = 123

/**
 * A close frame (RFC 6455 §5.5.1) with status `code` and, from a server, as much of `text` as fits
 * in whole characters; masked with zeros when sent as a client.
 */
export function closeFrame(code: number, as: 'client' | 'server', text = ''): Buffer {
  const status = [code >> 8, code & 0xff]
  if (as === 'client') return Buffer.from([0x88, 0x82, 0, 0, 0, 0, ...status])
  const space = Buffer.alloc(CLOSE_TEXT_BYTES_MAX)
  const said = space.subarray(0, space.write(text))
  return Buffer.concat([Buffer.from([0x88, 2 + said.length, ...status]), said])
}
