/** Frames as a client sends them, for tests that write every byte themselves (RFC 6455 §5.2). */

/** How a frame differs from a whole, masked text. */
export interface FrameOptions {
  readonly opcode?: number
  /** Whether it ends its message; true when absent. */
  readonly fin?: boolean
  readonly mask?: readonly [number, number, number, number] | undefined
  /** The length that the header announces, when it is not that of the payload. */
  readonly length?: number
}

const MASK = [0x37, 0xfa, 0x21, 0x3d] as const

/** One masked frame; a text is UTF-8. */
export function clientFrame(payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const { opcode = 1, fin = true, mask = MASK } = options
  const bytes = Buffer.from(payload)
  const masked = bytes.map((byte, at) => byte ^ (mask[at & 3] ?? 0))
  const first = (fin ? 0x80 : 0) | opcode
  const head = [first, ...lengthBytes(options.length ?? bytes.length), ...mask]
  return Buffer.concat([Buffer.from(head), masked])
}

function lengthBytes(length: number): number[] {
  if (length < 126) return [0x80 | length]
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(length))
  return length < 65_536 ? [0xfe, ...bytes.subarray(6)] : [0xff, ...bytes]
}

/** A close frame of a server at the end of `raw`: its status and text. */
export function serverClose(raw: Buffer): { code: number; text: string } | undefined {
  const headEnd = raw.indexOf('\r\n\r\n') + 4
  const at = raw.lastIndexOf(0x88)
  if (headEnd < 4 || at < headEnd || raw.length < at + 4) return undefined
  const length = raw[at + 1] ?? 0
  if (raw.length !== at + 2 + length) return undefined
  return { code: raw.readUInt16BE(at + 2), text: raw.toString('utf8', at + 4) }
}
