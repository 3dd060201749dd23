/**
 * Reads a JSON text (RFC 8259) in pieces that may be cut at any byte, strictly and without building
 * values. Whoever extends it is told of keys and values where it wants to be; what it skips costs
 * neither memory nor calls. What is all in one piece is stepped over at once, and goes byte by byte
 * only where that finds it cut or wrong: there is one answer, whatever the pieces.
 */
import { spaceEnd } from './json-scan.ts'
import { containerEnd } from './json-skip.ts'
import {
  AFTER_VALUE,
  COLON_NEXT,
  END,
  FIRST_KEY,
  FIRST_VALUE,
  JsonTokens,
  KEY,
  VALUE,
} from './json-tokens.ts'
import { Utf8Check } from './utf8-check.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const DEPTH_MAX = 64

/** The grammar; {@link push} and {@link end} say whether the text is good so far, and as a whole. */
export abstract class JsonMachine extends JsonTokens {
  /** Open containers around what is read now. */
  protected depth = 0
  /** By depth, whether the container is an array. */
  private readonly arrays: boolean[] = [false]
  private readonly utf8 = new Utf8Check()

  /** The next piece; after `false` no more may be given. */
  push(chunk: Buffer): boolean {
    // A byte order mark and UTF-16 fall through the grammar: neither starts with a bracket.
    if (!this.utf8.push(chunk)) return false
    this.bytes = chunk
    this.at = 0
    while (this.at < chunk.length)
      if (!(this.state > END ? this.within() : this.between())) return false
    return this.token.start < 0 || this.token.carry(chunk) || !this.isKey
  }

  /** Whether the text is complete. */
  end(): boolean {
    return this.state === END && this.utf8.end()
  }

  /** Makes ready for another text. */
  restart(): void {
    this.state = VALUE
  }

  /** Whether nothing but white space has come. */
  get isBlank(): boolean {
    return this.state === VALUE && this.depth === 0
  }

  /** Whether something has come in the open container at that depth. */
  protected hasContent(depth: number): boolean {
    const { state } = this
    return this.depth > depth || (state !== FIRST_KEY && state !== FIRST_VALUE)
  }

  /** Whether a wanted text is under way that is too long already. */
  protected get isLong(): boolean {
    return this.token.isLong && !this.isKey
  }

  /** `skip`: nothing within is told, but its end is. */
  protected abstract onOpen(isArray: boolean): 'tell' | 'skip' | 'refuse'
  protected abstract onClose(isEmpty: boolean): boolean

  private between(): boolean {
    const byte = this.skipSpace()
    if (this.at >= this.bytes.length) return true
    switch (this.state) {
      case AFTER_VALUE:
        return this.afterValue(byte)
      case COLON_NEXT:
        this.at++
        this.state = VALUE
        return byte === COLON
      case FIRST_KEY:
        return byte === CLOSE_OBJECT ? this.close(byte) : this.beginKey(byte)
      case KEY:
        return this.beginKey(byte)
      case FIRST_VALUE:
        return byte === CLOSE_ARRAY ? this.close(byte) : this.beginValue(byte)
      default:
        return this.state === VALUE && this.beginValue(byte)
    }
  }

  private skipSpace(): number {
    this.at = spaceEnd(this.bytes, this.at)
    return this.bytes[this.at] ?? 0
  }

  private beginKey(byte: number): boolean {
    return byte === QUOTE && this.beginString(true)
  }

  private afterValue(byte: number): boolean {
    if (byte !== COMMA) return this.close(byte)
    this.at++
    this.state = this.arrays[this.depth] === true ? VALUE : KEY
    return true
  }

  private beginValue(byte: number): boolean {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.open(byte === OPEN_ARRAY)
    if (this.depth === 0) return false
    return this.beginScalar(byte)
  }

  private open(isArray: boolean): boolean {
    if (this.depth === DEPTH_MAX) return false
    const told = this.muted > 0 ? 'tell' : this.onOpen(isArray)
    if (told === 'refuse') return false
    if (told === 'skip') {
      const end = containerEnd(this.bytes, this.at, DEPTH_MAX - this.depth)
      if (end !== -1) return this.leap(end)
    }
    this.depth++
    if (told === 'skip') this.muted = this.depth
    this.arrays[this.depth] = isArray
    this.state = isArray ? FIRST_VALUE : FIRST_KEY
    this.at++
    return true
  }

  /** Over a container that is all here and in which nothing is told. */
  private leap(end: number): boolean {
    const isEmpty = spaceEnd(this.bytes, this.at + 1) === end - 1
    this.at = end
    this.state = this.depth === 0 ? END : AFTER_VALUE
    return this.onClose(isEmpty)
  }

  private close(byte: number): boolean {
    const { depth, state } = this
    if (byte !== (this.arrays[depth] === true ? CLOSE_ARRAY : CLOSE_OBJECT)) return false
    this.at++
    if (this.muted === depth) this.muted = 0
    const isTold = this.muted === 0
    this.depth = depth - 1
    this.state = depth === 1 ? END : AFTER_VALUE
    return !isTold || this.onClose(state !== AFTER_VALUE)
  }
}
