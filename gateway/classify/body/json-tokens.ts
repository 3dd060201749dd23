/** The tokens of a JSON text: strings, numbers and words, cut anywhere. */
import { firstPhase, nextPhase, NO_NUMBER, NUMBER_ENDED } from './json-number.ts'
import { isEscape, isHex, numberEnd, stringStop, wordEnd, wordOf } from './json-scan.ts'
import { KEY_BYTES_MAX, KeptToken, unescaped, VALUE_BYTES_MAX } from './json-token.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const NOTHING: Buffer = Buffer.alloc(0)

/** A value comes next. */
export const VALUE = 0
/** A value, or the end of the array. */
export const FIRST_VALUE = 1
/** A key. */
export const KEY = 2
/** A key, or the end of the object. */
export const FIRST_KEY = 3
/** A colon. */
export const COLON_NEXT = 4
/** A comma, or the end of the container. */
export const AFTER_VALUE = 5
/** Nothing but white space. What is above it is in the middle of a token. */
export const END = 6
const STRING = 7
const ESCAPE = 8
const NUMBER = 9
const WORD = 10

/** What a value is that is neither object nor array; `word`: `true` or `false`. */
export type ScalarKind = 'string' | 'number' | 'word' | 'null'

/** Reads tokens; where they may stand is for who extends it to say. */
export abstract class JsonTokens {
  protected state: number = VALUE
  protected bytes = NOTHING
  protected at = 0
  /** The depth of the outermost container in which nothing is told, or 0. */
  protected muted = 0
  protected isKey = false
  protected readonly token = new KeptToken()
  /** Of an escape: hexadecimal digits to come. Of a number: its phase. Of a word: bytes read. */
  private phase = 0
  private word = NOTHING

  /** A value begins, in a container that is told of: whether its text is wanted. */
  protected abstract wantsText(): boolean
  /** Keys longer than 512 bytes are refused before. */
  protected abstract onKey(key: string): boolean
  /** The same, of a key that is all in this piece: between these two places, as it is written. */
  protected abstract onKeyAt(piece: Buffer, from: number, to: number): boolean
  /** The text as it means, if it was wanted and is at most 4096 bytes as written. */
  protected abstract onScalar(kind: ScalarKind, text: string | undefined): boolean

  /** Goes on in the middle of a token. */
  protected within(): boolean {
    switch (this.state) {
      case STRING:
        return this.inString()
      case ESCAPE:
        return this.inEscape()
      case NUMBER:
        return this.inNumber()
      default:
        return this.inWord()
    }
  }

  protected beginScalar(byte: number): boolean {
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
    this.isKey = false
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

  protected beginString(isKey: boolean): boolean {
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
