/**
 * Reads a JSON text (RFC 8259) in pieces that may be cut at any byte, strictly and without building
 * values. Whoever extends it is told of keys and values where it wants to be; what it skips costs
 * neither memory nor calls.
 */
import { isHex, stringStop } from './json-scan.ts'
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
const KEY_BYTES_MAX = 512
const VALUE_BYTES_MAX = 4096

const ESCAPES: ReadonlySet<number> = new Set(Buffer.from('"\\/bfnrt'))
const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
)

/** The phases of a number: which follows on which kind of byte. 0: it has ended; 9: it is none. */
const BYTE_KINDS = new Uint8Array(256).fill(6)
BYTE_KINDS.fill(1, 0x31, 0x3a)
BYTE_KINDS[0x30] = 0
for (const [at, byte] of [...Buffer.from('.e+-')].entries()) BYTE_KINDS[byte] = at + 2
BYTE_KINDS[0x45] = 3
// prettier-ignore
const PHASES = Uint8Array.from([
  // 0  1-9 .  e  +  -  other
  9, 9, 9, 9, 9, 9, 9,
  2, 3, 9, 9, 9, 9, 9, // 1: after the minus
  9, 9, 4, 6, 9, 9, 0, // 2: after a leading zero
  3, 3, 4, 6, 9, 9, 0, // 3: digits
  5, 5, 9, 9, 9, 9, 9, // 4: after the point
  5, 5, 9, 6, 9, 9, 0, // 5: digits of the fraction
  8, 8, 9, 9, 7, 7, 9, // 6: after the e
  8, 8, 9, 9, 9, 9, 9, // 7: after the sign of the exponent
  8, 8, 9, 9, 9, 9, 0, // 8: digits of the exponent
])

/** What a value is that is neither object nor array; `word`: `true` or `false`. */
export type ScalarKind = 'string' | 'number' | 'word' | 'null'

/** The grammar; {@link push} and {@link end} say whether the text is good so far, and as a whole. */
export abstract class JsonMachine {
  /** Open containers around what is read now. */
  protected depth = 0
  private state = VALUE
  private bytes: Buffer = Buffer.alloc(0)
  private at = 0
  /** By depth, whether the container is an array. */
  private readonly arrays: boolean[] = [false]
  /** The depth of the outermost container in which nothing is told, or 0. */
  private muted = 0
  private isKey = false
  /** Where the token that is kept began in this piece, or -1; what came of it in earlier ones. */
  private tokenStart = -1
  private earlier: Buffer[] = []
  private earlierBytes = 0
  /** Of an escape: hexadecimal digits to come. Of a number: its phase. Of a word: bytes read. */
  private phase = 0
  private word: Buffer = Buffer.alloc(0)
  private readonly utf8 = new Utf8Check()

  /** The next piece; after `false` no more may be given. */
  push(chunk: Buffer): boolean {
    // A byte order mark and UTF-16 fall through the grammar: neither starts with a bracket.
    if (!this.utf8.push(chunk)) return false
    this.bytes = chunk
    this.at = 0
    while (this.at < chunk.length) if (!this.step()) return false
    return this.tokenStart < 0 || this.carryToken()
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
    return this.tokenStart >= 0 && !this.isKey && this.earlierBytes > VALUE_BYTES_MAX
  }

  /** A value begins, in a container that is told of: whether its text is wanted. */
  protected abstract wantsText(): boolean
  /** Keys longer than 512 bytes are refused before. */
  protected abstract onKey(key: string): boolean
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
    const { bytes } = this
    let { at } = this
    let byte = bytes[at] ?? 0
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      byte = bytes[++at] ?? 0
    }
    this.at = at
    return byte
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
    const word = WORDS.get(byte)
    if (word !== undefined) {
      this.word = word
      this.phase = 0
      this.state = WORD
      return true
    }
    const phase = byte === 0x2d ? 1 : (PHASES[7 + (BYTE_KINDS[byte] ?? 6)] ?? 9)
    if (phase === 9) return false
    if (this.muted === 0 && this.wantsText()) this.tokenStart = this.at
    this.phase = phase
    this.state = NUMBER
    this.at++
    return true
  }

  private open(isArray: boolean): boolean {
    if (this.depth === DEPTH_MAX) return false
    const told = this.muted > 0 ? 'tell' : this.onOpen(isArray)
    if (told === 'refuse') return false
    this.depth++
    if (told === 'skip') this.muted = this.depth
    this.arrays[this.depth] = isArray
    this.state = isArray ? FIRST_VALUE : FIRST_KEY
    this.at++
    return true
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
    if (this.muted === 0 && (isKey || this.wantsText())) this.tokenStart = this.at
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
    if (!(this.phase === 0 ? ESCAPES.has(byte) : isHex(byte))) return false
    if (this.phase < 2) this.state = STRING
    else this.phase--
    return true
  }

  private endString(): boolean {
    const { isKey } = this
    this.state = isKey ? COLON_NEXT : AFTER_VALUE
    if (this.muted > 0) return true
    const raw = this.takeToken(isKey ? KEY_BYTES_MAX : VALUE_BYTES_MAX)
    const text = raw === undefined ? undefined : unescaped(raw)
    if (!isKey) return this.onScalar('string', text)
    return text !== undefined && this.onKey(text)
  }

  private inNumber(): boolean {
    const { bytes } = this
    let { at, phase } = this
    while (at < bytes.length) {
      const next = PHASES[phase * 7 + (BYTE_KINDS[bytes[at] ?? 0] ?? 6)] ?? 9
      if (next === 9) return false
      if (next === 0) {
        this.at = at
        this.state = AFTER_VALUE
        if (this.muted > 0) return true
        return this.onScalar('number', this.takeToken(VALUE_BYTES_MAX))
      }
      phase = next
      at++
    }
    this.at = at
    this.phase = phase
    return true
  }

  private inWord(): boolean {
    const { word, bytes } = this
    if (bytes[this.at] !== word[this.phase]) return false
    this.at++
    if (++this.phase < word.length) return true
    this.state = AFTER_VALUE
    return this.muted > 0 || this.onScalar(word[0] === 0x6e ? 'null' : 'word', undefined)
  }

  /** The token that ends here, if it was kept and is no longer than that. */
  private takeToken(bytesMax: number): string | undefined {
    const { tokenStart: start, at, bytes } = this
    if (start < 0) return undefined
    this.tokenStart = -1
    if (this.earlierBytes === 0) {
      return at - start > bytesMax ? undefined : bytes.toString('utf8', start, at)
    }
    const size = this.earlierBytes + at
    const pieces = [...this.earlier, bytes.subarray(0, at)]
    this.earlier = []
    this.earlierBytes = 0
    return size > bytesMax ? undefined : Buffer.concat(pieces).toString('utf8')
  }

  /** The token goes on in the next piece. */
  private carryToken(): boolean {
    const piece = this.bytes.subarray(this.tokenStart)
    this.tokenStart = 0
    this.earlierBytes += piece.length
    if (this.earlierBytes <= VALUE_BYTES_MAX) this.earlier.push(Buffer.from(piece))
    else this.earlier = []
    return !this.isKey || this.earlierBytes <= KEY_BYTES_MAX
  }
}

/** What a string token means that was found good. */
function unescaped(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  // A string alone, of bounded length: there is no object to build.
  return JSON.parse(token) as string
}
