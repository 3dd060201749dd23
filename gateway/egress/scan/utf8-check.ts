import { isUtf8 } from 'node:buffer'

const NOTHING = Buffer.alloc(0)
/** The highest byte that begins a character (U+10FFFF). */
const LEAD_MAX = 0xf4

/**
 * Whether a stream stays text, in pieces cut anywhere: valid UTF-8 without NUL; in another charset no
 * control characters that texts do not have.
 */
export class TextCheck {
  private cut: Buffer = NOTHING
  private readonly isUtf8: boolean

  constructor(isUtf8: boolean) {
    this.isUtf8 = isUtf8
  }

  /** Whether the next piece is text, as far as it is whole; a character at its end may be cut. */
  accepts(chunk: Buffer): boolean {
    if (chunk.includes(0)) return false
    if (!this.isUtf8) return !chunk.some(isControl)
    const whole = this.cut.length === 0 ? chunk : Buffer.concat([this.cut, chunk])
    const end = whole.length - cutBytes(whole)
    this.cut = end === whole.length ? NOTHING : whole.subarray(end)
    return isUtf8(end === whole.length ? whole : whole.subarray(0, end))
  }
}

/** A control character besides those from tab to carriage return, and escape. */
function isControl(byte: number): boolean {
  return byte < 0x20 && (byte < 0x09 || byte > 0x0d) && byte !== 0x1b
}

/** Bytes at the end that begin a character whose rest is not there. */
function cutBytes(data: Buffer): number {
  for (let back = 1; back <= 3 && back <= data.length; back++) {
    const byte = data[data.length - back] ?? 0
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return byte <= LEAD_MAX && lengthOf(byte) > back ? back : 0
  }
  return 0
}

function lengthOf(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}
