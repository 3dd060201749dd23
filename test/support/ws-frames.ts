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

/** One frame as a server sends it: not masked. */
export function serverFrame(
  payload: string | Buffer,
  { opcode = 1, fin = true }: Omit<FrameOptions, 'mask' | 'length'> = {},
): Buffer {
  const bytes = Buffer.from(payload)
  const [first = 0, ...rest] = lengthBytes(bytes.length)
  return Buffer.concat([Buffer.of((fin ? 0x80 : 0) | opcode, first & 0x7f, ...rest), bytes])
}

/** One frame of a server, read. */
export interface ServerFrame {
  readonly opcode: number
  readonly fin: boolean
  readonly payload: Buffer
}

/** The whole frames that a server sent. */
export function framesIn(raw: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = []
  for (let at = 0; at + 2 <= raw.length;) {
    const [first = 0, short = 0] = raw.subarray(at, at + 2)
    const from = at + (short === 126 ? 4 : short === 127 ? 10 : 2)
    if (from > raw.length) break
    const length =
      short < 126 ? short : raw.readUIntBE(short === 126 ? at + 2 : at + 4, short === 126 ? 2 : 6)
    const payload = raw.subarray(from, from + length)
    if (payload.length < length) break
    frames.push({ opcode: first & 0x0f, fin: first >= 0x80, payload })
    at = from + length
  }
  return frames
}

/** The whole messages in frames of a server: what they are, and their payload as `latin1`. */
export function messagesIn(raw: Buffer): ['text' | 'binary' | 'control', string][] {
  const messages: ['text' | 'binary' | 'control', string][] = []
  let open: ['text' | 'binary', Buffer[]] | undefined
  for (const { opcode, fin, payload } of framesIn(raw)) {
    if (opcode >= 8) {
      messages.push(['control', payload.toString('latin1')])
      continue
    }
    open ??= [opcode === 1 ? 'text' : 'binary', []]
    open[1].push(payload)
    if (fin) {
      messages.push([open[0], Buffer.concat(open[1]).toString('latin1')])
      open = undefined
    }
  }
  return messages
}
