/** Frames of HTTP/2 byte by byte (RFC 9113 §4.1), for what no client library would send. */
import { connect } from 'node:net'
import { once } from 'node:events'

/** RFC 9113 §3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export const TYPES = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
} as const

export const END_STREAM = 1
export const END_HEADERS = 4

/** One frame. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A header block (RFC 7541 §6.2.2): every field a literal, not indexed, not Huffman-coded. */
export function headerBlock(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  )
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([prefixed(bytes.length), bytes])
}

/** RFC 7541 §5.1 with a prefix of seven bits. */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

/** A frame that was received. */
export interface SeenFrame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A connection on which frames are written by hand. */
export interface RawHttp2 {
  write(...parts: Buffer[]): void
  readonly frames: readonly SeenFrame[]
  /** Waits for a frame. @throws Error when the connection ends without it */
  frame(test: (one: SeenFrame) => boolean): Promise<SeenFrame>
  /** Resolves when the server has closed the connection. */
  readonly ended: Promise<void>
  close(): void
}

/** Connects and, unless told otherwise, says the preface and empty settings. */
export async function rawHttp2(port: number, { preface = true } = {}): Promise<RawHttp2> {
  const socket = connect({ host: '127.0.0.1', port })
  const frames: SeenFrame[] = []
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const one of [...waiting]) one()
  }
  let rest = Buffer.alloc(0)
  let isOver = false
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3)
      frames.push({
        type: rest.readUInt8(3),
        flags: rest.readUInt8(4),
        stream: rest.readUInt32BE(5) % 0x80000000,
        payload: rest.subarray(9, end),
      })
      rest = rest.subarray(end)
    }
    wake()
  })
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOver = true
      wake()
      resolve()
    })
  })
  await once(socket, 'connect')
  if (preface) socket.write(Buffer.concat([PREFACE, frame(TYPES.settings, 0, 0)]))
  return {
    frames,
    ended,
    write: (...parts) => void socket.write(Buffer.concat(parts)),
    async frame(test) {
      for (;;) {
        const found = frames.find(test)
        if (found !== undefined) return found
        if (isOver) throw new Error('the connection ended')
        await new Promise<void>((resolve) => {
          const once = (): void => {
            waiting.delete(once)
            resolve()
          }
          waiting.add(once)
        })
      }
    },
    close: () => void socket.destroy(),
  }
}
