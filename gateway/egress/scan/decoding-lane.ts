import type { ByteSink, ScanFinding } from './finding.ts'

/** A character of no alphabet. */
export const OTHER = 0
/** A character of base64 or base64url. */
export const ALPHABET = 1
/** One that is a digit of hexadecimal as well. */
export const HEX = 3

/** What each character is: {@link OTHER}, {@link ALPHABET} or {@link HEX}. */
export const CLASS = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_') {
  CLASS[char.charCodeAt(0)] = /[0-9a-f]/i.test(char) ? HEX : ALPHABET
}

/** Characters that are also decoded from the second, third and fourth on. */
const SHIFTED_CHARS_MAX = 64 * 1024

/** The decoding of a run of characters from one of its first ones on. */
export class Lane {
  readonly sink: ByteSink
  private readonly encoding: 'hex' | 'base64'
  private readonly group: number
  private skip: number
  private left: number
  private rest = ''
  private out: Buffer[] = []

  /** @param shift characters that are left out at the start */
  constructor(sink: ByteSink, encoding: 'hex' | 'base64', shift: number) {
    this.sink = sink
    this.encoding = encoding
    this.group = encoding === 'hex' ? 2 : 4
    this.skip = shift
    // An odd digit shifts all of a hexadecimal run; base64 begins where a text of it does.
    this.left = shift === 0 || encoding === 'hex' ? Infinity : SHIFTED_CHARS_MAX
  }

  /** Decodes; what comes of it waits for {@link judge}. */
  push(chars: string): void {
    if (this.left <= 0) return
    this.left -= chars.length
    const skipped = Math.min(this.skip, chars.length)
    this.skip -= skipped
    const all = this.rest + (skipped > 0 ? chars.slice(skipped) : chars)
    const whole = all.length - (all.length % this.group)
    this.rest = all.slice(whole)
    if (whole > 0) this.out.push(Buffer.from(all.slice(0, whole), this.encoding))
  }

  /** Decodes what padding, or the end, makes whole. */
  flush(): void {
    const { rest } = this
    this.rest = ''
    if (rest !== '' && this.left > 0) this.out.push(Buffer.from(rest, this.encoding))
  }

  /** Judges what has been decoded since it was asked last. */
  judge(): ScanFinding | undefined {
    const [first, second] = this.out
    if (first === undefined) return undefined
    const bytes = second === undefined ? first : Buffer.concat(this.out)
    this.out = []
    return this.sink.push(bytes)
  }
}
