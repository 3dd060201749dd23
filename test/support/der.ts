/** Just enough DER (X.690) to write the certificates that tests need. */

/** One value with its tag and length. */
export function tlv(tag: number, ...content: readonly (Buffer | number)[]): Buffer {
  const body = Buffer.concat(
    content.map((part) => (Buffer.isBuffer(part) ? part : Buffer.of(part))),
  )
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length)
  return length < 0x100 ? Buffer.of(0x81, length) : Buffer.of(0x82, length >> 8, length & 0xff)
}

/** SEQUENCE. */
export const sequence = (...items: readonly Buffer[]): Buffer => tlv(0x30, ...items)

/** INTEGER, not negative, big-endian. */
export const integer = (bytes: Buffer): Buffer =>
  tlv(0x02, ...((bytes[0] ?? 0) > 0x7f ? [0, bytes] : [bytes]))

/** OBJECT IDENTIFIER in dotted text. */
export function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return tlv(0x06, first * 40 + second, ...rest.map(base128))
}

function base128(value: number): Buffer {
  const digits = [value & 0x7f]
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
  return Buffer.from(digits)
}

/** BIT STRING of whole bytes. */
export const bitString = (bytes: Buffer): Buffer => tlv(0x03, 0, bytes)

/** OCTET STRING. */
export const octetString = (bytes: Buffer): Buffer => tlv(0x04, bytes)

/** UTF8String. */
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))

/** UTCTime, for years before 2050. */
export function utcTime(at: Date): Buffer {
  const text = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return tlv(0x17, Buffer.from(text.slice(2)))
}
