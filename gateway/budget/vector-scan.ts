/** Counts the embeddings in answers, as they stream past. */

/** Shorter arrays of numbers are shapes, positions, bytes of a token. */
const NUMBERS_MIN = 32

/** Under this member, a text is an embedding in base64. */
const MEMBER = 'embedding'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a
const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d
const COLON = 0x3a
const BRACE = 0x7b
const END_BRACE = 0x7d

/**
 * Counts arrays of at least 32 numbers, and texts that are called `embedding`, in JSON texts of any
 * shape: `data[]`, `embeddings[]`, arrays of arrays. Holds 9 characters.
 */
export class VectorScan {
  vectors = 0
  private isText = false
  private isEscaped = false
  private text = ''
  private isLong = false
  /** The last string was {@link MEMBER}, and nothing but its colon came since. */
  private isNamed = false
  private hasColon = false
  /** Commas since an array was opened in which only numbers were seen; -1: there is none. */
  private commas = -1

  push(chunk: Buffer): void {
    for (const byte of chunk) {
      if (this.isText) this.inText(byte)
      else this.outside(byte)
    }
  }

  private inText(byte: number): void {
    if (this.isEscaped) this.isEscaped = false
    else if (byte === BACKSLASH) this.isEscaped = true
    else if (byte === QUOTE || byte === LINE_FEED) {
      this.isText = false
      this.isNamed = byte === QUOTE && !this.isLong && this.text === MEMBER
      this.hasColon = false
      return
    }
    if (this.text.length < MEMBER.length) this.text += String.fromCharCode(byte)
    else this.isLong = true
  }

  private outside(byte: number): void {
    if (byte === COLON) {
      this.hasColon = true
      return
    }
    if (byte === QUOTE) this.beginText()
    else if (byte === COMMA) this.commas += this.commas >= 0 ? 1 : 0
    else if (byte === OPEN) this.commas = 0
    else if (byte === CLOSE) this.endArray()
    else if (byte === BRACE || byte === END_BRACE) this.commas = -1
    if (byte > 0x20) this.isNamed = false
  }

  private beginText(): void {
    if (this.isNamed && this.hasColon) this.vectors += 1
    this.isText = true
    this.isEscaped = false
    this.isLong = false
    this.text = ''
    this.commas = -1
  }

  private endArray(): void {
    if (this.commas + 1 >= NUMBERS_MIN) this.vectors += 1
    this.commas = -1
  }
}
