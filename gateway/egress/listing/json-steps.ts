/**
 * Reads one JSON text (RFC 8259) byte by byte, however it is cut, strictly and without building
 * values. Whoever listens is told of values as they begin, of keys, and of containers as they end.
 * Bytes within strings are not checked to be UTF-8.
 */

/** What kind of value begins; `null` is told by its first letter. */
export type ValueKind = 'object' | 'array' | 'null' | 'scalar'

/** Told of the parts of a text. `false` ends the reading. */
export interface JsonListener {
  /** Before the value counts in `depth`. */
  begins(kind: ValueKind): boolean
  /** Of the object the reader is in; escapes resolved. */
  key(text: string): boolean
  /** A container has ended and counts in `depth` no more. */
  ended(): void
}

const DEPTH_MAX = 64
const KEY_BYTES_MAX = 64 * 1024
const ATOM_CHARACTERS_MAX = 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/** Numbers, and the three words. */
const ATOM = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/

type State =
  /** A value must come; `first-*`: or the end of the container; `after`: `,` or the end. */
  'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'after' | Token

type Token = 'string' | 'escape' | 'hex' | 'atom'

/** White space between tokens. */
export function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** The reader. */
export class JsonSteps {
  private state: State = 'value'
  /** What is open: `true` for an object. */
  private readonly open: boolean[] = []
  private hexLeft = 0
  private atom = ''
  /** The bytes of the key being read. */
  private keyBytes: number[] | undefined
  private readonly listener: JsonListener

  constructor(listener: JsonListener) {
    this.listener = listener
  }

  /** How many containers are open. */
  get depth(): number {
    return this.open.length
  }

  /** Whether a value has just ended. Of a number or word that is known by what follows only. */
  get isAfterValue(): boolean {
    return this.state === 'after'
  }

  /** Whether it is within a number or a word. */
  get isInAtom(): boolean {
    return this.state === 'atom'
  }

  /** Reads the next byte; `false` when the text is not JSON, too deep, or was ended. */
  step(byte: number): boolean {
    const { state } = this
    if (state === 'string') return this.inString(byte)
    if (state === 'escape') return this.inEscape(byte)
    if (state === 'hex') return this.inHex(byte)
    if (state !== 'atom') return isSpace(byte) || this.between(byte)
    if (!isDelimiter(byte)) return this.inAtom(byte)
    return this.endAtom() && (isSpace(byte) || this.between(byte))
  }

  /** At the end of the text: `whole`, `empty` (white space alone), or `false`. */
  end(): 'whole' | 'empty' | false {
    if (this.state === 'atom' && !this.endAtom()) return false
    if (this.open.length > 0) return false
    if (this.state === 'value') return 'empty'
    return this.state === 'after' && 'whole'
  }

  /** Between tokens, at a byte that is no white space. */
  private between(byte: number): boolean {
    const { state } = this
    if (state === 'after') return this.afterValue(byte)
    if (state === 'colon') {
      this.state = 'value'
      return byte === COLON
    }
    if (state === 'key') return this.beginKey(byte)
    if (state === 'first-key') {
      return byte === CLOSE_OBJECT ? this.close(true) : this.beginKey(byte)
    }
    const isEmpty = state === 'first-value' && byte === CLOSE_ARRAY
    return isEmpty ? this.close(false) : this.begin(byte)
  }

  private afterValue(byte: number): boolean {
    const isObject = this.open.at(-1)
    if (isObject === undefined) return false
    if (byte !== COMMA)
      return byte === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY) && this.close(isObject)
    this.state = isObject ? 'key' : 'value'
    return true
  }

  private begin(byte: number): boolean {
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return this.enter(byte === OPEN_OBJECT)
    if (byte !== QUOTE && !startsAtom(byte)) return false
    if (!this.listener.begins(byte === 0x6e ? 'null' : 'scalar')) return false
    if (byte === QUOTE) {
      this.state = 'string'
      return true
    }
    this.state = 'atom'
    this.atom = ''
    return this.inAtom(byte)
  }

  private enter(isObject: boolean): boolean {
    if (this.open.length === DEPTH_MAX) return false
    if (!this.listener.begins(isObject ? 'object' : 'array')) return false
    this.open.push(isObject)
    this.state = isObject ? 'first-key' : 'first-value'
    return true
  }

  private close(isObject: boolean): boolean {
    if (this.open.pop() !== isObject) return false
    this.state = 'after'
    this.listener.ended()
    return true
  }

  private beginKey(byte: number): boolean {
    this.state = 'string'
    this.keyBytes = []
    return byte === QUOTE
  }

  private inString(byte: number): boolean {
    if (byte === QUOTE) return this.endString()
    if (byte < 0x20) return false
    if (byte === BACKSLASH) this.state = 'escape'
    return this.keepKey(byte)
  }

  private inEscape(byte: number): boolean {
    const isUnicode = byte === 0x75
    this.state = isUnicode ? 'hex' : 'string'
    this.hexLeft = 4
    if (!isUnicode && !'"\\/bfnrt'.includes(String.fromCharCode(byte))) return false
    return this.keepKey(byte)
  }

  private inHex(byte: number): boolean {
    const lower = byte | 0x20
    const isHex = (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
    if (--this.hexLeft === 0) this.state = 'string'
    return isHex && this.keepKey(byte)
  }

  private inAtom(byte: number): boolean {
    this.atom += String.fromCharCode(byte)
    return this.atom.length <= ATOM_CHARACTERS_MAX
  }

  private endAtom(): boolean {
    this.state = 'after'
    return ATOM.test(this.atom)
  }

  private keepKey(byte: number): boolean {
    if (this.keyBytes === undefined) return true
    return this.keyBytes.push(byte) <= KEY_BYTES_MAX
  }

  private endString(): boolean {
    const { keyBytes } = this
    if (keyBytes === undefined) {
      this.state = 'after'
      return true
    }
    this.keyBytes = undefined
    this.state = 'colon'
    const inner = Buffer.from(keyBytes).toString()
    // One string token, already checked: there is no object to build.
    const text: unknown = inner.includes('\\') ? JSON.parse(`"${inner}"`) : inner
    return typeof text === 'string' && this.listener.key(text)
  }
}

/** The first byte of a number, or of one of the three words. */
function startsAtom(byte: number): boolean {
  const isNumber = byte === 0x2d || (byte >= 0x30 && byte <= 0x39)
  return isNumber || byte === 0x74 || byte === 0x66 || byte === 0x6e
}

function isDelimiter(byte: number): boolean {
  return isSpace(byte) || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT
}
