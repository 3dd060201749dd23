/**
 * Reads a JSON text (RFC 8259) in pieces that may be cut at any byte, strictly and without building
 * values. Whoever extends it is told of keys and values where it wants to be; what it skips costs
 * neither memory nor calls. What is all in one piece is stepped over at once, and goes byte by byte
 * only where that finds it cut or wrong: there is one answer, whatever the pieces.
 */
import { firstPhase, nextPhase, NO_NUMBER, NUMBER_ENDED } from './json-number.ts'
import { isEscape, isHex, numberEnd, spaceEnd, stringStop, wordEnd, wordOf } from './json-scan.ts'
import { containerEnd } from './json-skip.ts'
import { KEY_BYTES_MAX, KeptToken, unescaped, VALUE_BYTES_MAX } from './json-token.ts'
import { Utf8Check } from './utf8-check.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** What may come next. */
const VALUE = 0
const FIRST_VALUE = 1
const KEY = 2
const FIRST_KEY = 3
const COLON_NEXT = 4
const AFTER_VALUE = 5
const END = 6
/** Or what it is in the middle of. */
const STRING = 7
const ESCAPE = 8
const NUMBER = 9
const WORD = 10

const DEPTH_MAX = 64
const NOTHING: Buffer = Buffer.alloc(0)

/** What a value is that is neither object nor array; `word`: `true` or `false`. */
export type ScalarKind = 'string' | 'number' | 'word' | 'null'

/** The grammar; {@link push} and {@link end} say whether the text is good so far, and as a whole. */
export abstract class JsonMachine {
  /** Open containers around what is read now. */
  protected depth = 0
  private state = VALUE
  private bytes = NOTHING
  private at = 0
  /** By depth, whether the container is an array. */
  private readonly arrays: boolean[] = [false]
  /** The depth of the outermost container in which nothing is told, or 0. */
  private muted = 0
  private isKey = false
  private readonly token = new KeptToken()
  /** Of an escape: hexadecimal digits to come. Of a number: its phase. Of a word: bytes read. */
  private phase = 0
  private word = NOTHING
  private readonly utf8 = new Utf8Check()

  /** The next piece; after `false` no more may be given. */
  push(chunk: Buffer): boolean {
    // A byte order mark and UTF-16 fall through the grammar: neither starts with a bracket.
    if (!this.utf8.push(chunk)) return false
    this.bytes = chunk
    this.at = 0
    while (this.at < chunk.length) if (!this.step()) return false
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

  /** A value begins, in a container that is told of: whether its text is wanted. */
  protected abstract wantsText(): boolean
  /** Keys longer than 512 bytes are refused before. */
  protected abstract onKey(key: string): boolean
  /** The same, of a key that is all in this piece: between these two places, as it is written. */
  protected abstract onKeyAt(piece: Buffer, from: number, to: number): boolean
  /** The text as it means, if it was wanted and is at most 4096 bytes as written. */
  protected abstract onScalar(kind: ScalarKind, text: string | undefined): boolean
  /** `skip`: nothing within is told, but its end is. */
  protected abstract onOpen(isArray: boolean): 'tell' | 'skip' | 'refuse'
  protected abstract onClose(isEmpty: boolean): boolean

  private step(): boolean {
    switch (this.state) {
      case STRING:
        return this.inString()
      case ESCAPE:
        return this.inEscape()
      case NUMBER:
        return this.inNumber()
      case WORD:
        return this.inWord()
      default:
        return this.between()
    }
  }

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
    if (byte === QUOTE) return this.beginString(false)
    const word = wordOf(byte)
    return word === undefined ? this.beginNumber(byte) : this.beginWord(word)
  }

  private beginWord(word: Buffer): boolean {
    const end = wordEnd(this.bytes, this.at)
    this.word = word
    this.phase = 0
    this.state = WORD
    if (end === -1) return true
    this.at = end
    return this.endWord()
  }

  private beginNumber(byte: number): boolean {
    const phase = firstPhase(byte)
    if (phase === NO_NUMBER) return false
    const { bytes, at } = this
    if (this.muted === 0 && this.wantsText()) this.token.start = at
    const end = numberEnd(bytes, at)
    // One that ends with the piece may go on in the next.
    if (end !== -1 && end < bytes.length) {
      this.at = end
      return this.endNumber()
    }
    this.phase = phase
    this.state = NUMBER
    this.at++
    return true
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

  private beginString(isKey: boolean): boolean {
    this.isKey = isKey
    if (this.muted === 0 && (isKey || this.wantsText())) this.token.start = this.at
    this.at++
    this.state = STRING
    return this.inString()
  }

  private inString(): boolean {
    const { bytes } = this
    const stop = stringStop(bytes, this.at)
    this.at = stop + 1
    if (bytes[stop] === QUOTE) return this.endString()
    if (bytes[stop] !== BACKSLASH) return stop >= bytes.length
    this.phase = 0
    this.state = ESCAPE
    return true
  }

  /** One that is cut, or none. */
  private inEscape(): boolean {
    const byte = this.bytes[this.at++] ?? 0
    if (this.phase === 0 && byte === 0x75) {
      this.phase = 4
      return true
    }
    if (!(this.phase === 0 ? isEscape(byte) : isHex(byte))) return false
    if (this.phase < 2) this.state = STRING
    else this.phase--
    return true
  }

  private endString(): boolean {
    const { isKey, token, bytes, at } = this
    this.state = isKey ? COLON_NEXT : AFTER_VALUE
    if (this.muted > 0) return true
    if (isKey && token.isWhole) {
      const { start } = token
      token.start = -1
      return at - start <= KEY_BYTES_MAX && this.onKeyAt(bytes, start + 1, at - 1)
    }
    const raw = token.take(bytes, at, isKey ? KEY_BYTES_MAX : VALUE_BYTES_MAX)
    const text = raw === undefined ? undefined : unescaped(raw)
    if (!isKey) return this.onScalar('string', text)
    return text !== undefined && this.onKey(text)
  }

  /** One that is cut, or none. */
  private inNumber(): boolean {
    const { bytes } = this
    for (; this.at < bytes.length; this.at++) {
      this.phase = nextPhase(this.phase, bytes[this.at] ?? 0)
      if (this.phase === NO_NUMBER) return false
      if (this.phase === NUMBER_ENDED) return this.endNumber()
    }
    return true
  }

  private endNumber(): boolean {
    this.state = AFTER_VALUE
    if (this.muted > 0) return true
    return this.onScalar('number', this.token.take(this.bytes, this.at, VALUE_BYTES_MAX))
  }

  /** One that is cut, or none. */
  private inWord(): boolean {
    const { word, bytes } = this
    if (bytes[this.at] !== word[this.phase]) return false
    this.at++
    return ++this.phase < word.length || this.endWord()
  }

  private endWord(): boolean {
    this.state = AFTER_VALUE
    const kind = this.word[0] === 0x6e ? 'null' : 'word'
    return this.muted > 0 || this.onScalar(kind, undefined)
  }
}
