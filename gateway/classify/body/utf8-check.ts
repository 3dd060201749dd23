import { isUtf8 } from 'node:buffer'

const NOTHING: Buffer = Buffer.alloc(0)

/** Checks that a text that comes in pieces is UTF-8 (RFC 3629), wherever it is cut. */
export class Utf8Check {
  /** The start of a character whose rest is in the next piece: at most three bytes. */
  private cut = NOTHING

  /** False when the text cannot be UTF-8 any more. */
  push(chunk: Buffer): boolean {
    let rest = chunk
    if (this.cut.length > 0) {
      const missing = lengthOf(this.cut[0] ?? 0) - this.cut.length
      const head = Buffer.concat([this.cut, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      if (rest.length === 0 && head.length < lengthOf(head[0] ?? 0)) {
        this.cut = head
        return true
      }
      this.cut = NOTHING
      if (!isUtf8(head)) return false
    }
    const size = cutOff(rest)
    if (size === 0) return isUtf8(rest)
    this.cut = Buffer.from(rest.subarray(rest.length - size))
    return isUtf8(rest.subarray(0, rest.length - size))
  }

  /** Whether the text may end here. */
  end(): boolean {
    return this.cut.length === 0
  }
}

/** Bytes of the character that begins with `lead`. */
function lengthOf(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}

/** How many bytes at the end begin a character that is not all here. */
function cutOff(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return lengthOf(byte) > back ? back : 0
  }
  return 0
}
