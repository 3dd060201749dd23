/** Protobuf and gRPC framing by hand, for tests: what a generated client would put on the wire. */

/** A varint. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Buffer.from(bytes)
}

/** A field of wire type 2: a string, bytes, or a message. */
export function field(number: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content as string, 'utf8')
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

/** A field of wire type 0. */
export function int(number: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

/** A message on the wire: flag, length, bytes. */
export function framed(message: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(isCompressed ? 1 : 0, 0)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

/** A ModelInferRequest of the Open Inference Protocol: name, version, id, raw contents. */
export function inferRequest(
  model: string,
  { version = '', raw = Buffer.alloc(0) }: { version?: string; raw?: Buffer } = {},
): Buffer {
  return Buffer.concat([
    field(1, model),
    ...(version === '' ? [] : [field(2, version)]),
    ...(raw.length === 0 ? [] : [field(7, raw)]),
  ])
}

/** The messages of a body, prefixes removed. @throws Error when it ends within one */
export function messagesOf(body: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < body.length;) {
    if (at + 5 > body.length) throw new Error('the body ends within a prefix')
    const end = at + 5 + body.readUInt32BE(at + 1)
    if (end > body.length) throw new Error('the body ends within a message')
    messages.push(body.subarray(at + 5, end))
    at = end
  }
  return messages
}
