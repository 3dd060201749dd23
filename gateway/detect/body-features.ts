/**
 * Reads the features of a request from its body, in one pass and without building anything of it.
 * Tolerant, because it judges nothing: what is not JSON is read as a text or a table, and what JSON
 * does not allow is passed over. Time and memory are bounded by the bytes given.
 */
import type { RequestFeatures } from './features.ts'
import { FIELD_ROLES, foldField, LISTED_VALUES, type FieldRole } from './field-roles.ts'
import { asUtf8 } from './json-encoding.ts'
import { readText } from './text-words.ts'
import { NUMBER, spread, step, WORD, WordHash } from './word-hash.ts'

/** See {@link createFeatureReader}. */
export interface FeatureReader {
  /**
   * The outline is good until the next read.
   * `isEmbedding`: whether the route gives embeddings, so that its inputs are counted.
   */
  read(bytes: Buffer, isEmbedding: boolean): RequestFeatures
  /** Of bytes that mean nothing to us: the same only when all of them are. */
  opaque(bytes: Buffer): RequestFeatures
  /** Of a body too large to be read: different from all others. `vectors`: as many as it may ask for. */
  unread(vectors?: number): RequestFeatures
}

/** A reader whose hashes are keyed by `seed`. */
export function createFeatureReader(seed: number): FeatureReader {
  let unread = 0
  const words = new WordHash(seed)
  return {
    read: (bytes, isEmbedding) => readFeatures(bytes, isEmbedding, { seed, words }),
    opaque: (bytes) => opaque(bytes, seed),
    unread(vectors = 0) {
      unread = (unread + 1) | 0
      const [hashA, hashB] = [spread(seed ^ unread), spread(Math.imul(seed, 31) ^ unread)]
      return { hashA, hashB, asksLogits: false, vectors }
    },
  }
}

function opaque(bytes: Buffer, seed: number): RequestFeatures {
  let [hashA, hashB] = [seed ^ bytes.length, ~seed]
  for (const byte of bytes) {
    hashA = step(hashA, byte)
    hashB = (Math.imul(hashB, 31) + byte) | 0
  }
  return { hashA: spread(hashA), hashB: spread(hashB), asksLogits: false, vectors: 0 }
}

interface Reading {
  readonly seed: number
  readonly words: WordHash
}

function readFeatures(body: Buffer, isEmbedding: boolean, reading: Reading): RequestFeatures {
  const { seed } = reading
  const bytes = asUtf8(body)
  const words = reading.words.reset()
  const first = bytes[skipSpace(bytes, 0)]
  const isJson = first === OBJECT || first === ARRAY
  if (!isJson) {
    readText(bytes, { from: 0, quoted: false, seed }, words)
    return featuresOf(words, { asksLogits: false, vectors: isEmbedding ? 1 : 0 })
  }
  const found = new BodyScan(bytes, reading).run(false)
  // Without a field that is known to hold what is asked, all of it is what is asked.
  if (found.hasContent) return featuresOf(words, asked(found, isEmbedding))
  words.reset()
  new BodyScan(bytes, reading).run(true)
  return featuresOf(words, asked(found, isEmbedding))
}

interface Found {
  readonly hasContent: boolean
  readonly asksLogits: boolean
  readonly inputs: number
}

function asked({ asksLogits, inputs }: Found, isEmbedding: boolean) {
  return { asksLogits, vectors: isEmbedding ? Math.max(1, inputs) : 0 }
}

function featuresOf(
  words: WordHash,
  rest: Pick<RequestFeatures, 'asksLogits' | 'vectors'>,
): RequestFeatures {
  return { hashA: words.hashA, hashB: words.hashB, outline: words.outline(), ...rest }
}

const [OBJECT, OBJECT_END, ARRAY, ARRAY_END] = [0x7b, 0x7d, 0x5b, 0x5d]
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const DEPTH_MAX = 64

/** Where a value stands: `skip` is of no interest. */
type Mode = FieldRole | 'skip'

/** Values that ask for nothing: `null`, `false`, and no alternatives. */
const NOTHING: ReadonlySet<string> = new Set(['null', 'false', '0'])
/** A number of alternatives besides the token itself, whose probability is told in any case. */
const ASKED_BY_ZERO: ReadonlySet<string> = new Set(['logprobs', 'promptlogprobs'])
/** To SGLang, -1 is without those of the prompt; elsewhere it is all there are. */
const NOT_ASKED_BY_MINUS: ReadonlySet<string> = new Set(['logprobstartlen'])

class BodyScan {
  private readonly words: WordHash
  private at = 0
  private hasContent = false
  private asksLogits = false
  private inputs = 0
  /** What the input that is being read has: {@link PROMPT}, {@link LOGITS}. */
  private beside = 0
  /** Whether the value that comes next is an object of parameters. */
  private isParameters = false
  private readonly bytes: Buffer
  private readonly seed: number

  constructor(bytes: Buffer, { seed, words }: Reading) {
    this.bytes = bytes
    this.seed = seed
    this.words = words
  }

  run(everything: boolean): Found {
    // JSON lines are several: who writes the same first line each time asks in the others.
    while ((this.at = skipSpace(this.bytes, this.at)) < this.bytes.length) this.document(everything)
    const { hasContent, asksLogits } = this
    return { hasContent, asksLogits, inputs: this.inputs }
  }

  private document(everything: boolean): void {
    const isList = this.bytes[this.at] === ARRAY
    const inputs = this.value(everything || isList ? 'content' : 'object', 0)
    if (!isList) return
    this.hasContent = true
    this.inputs += inputs
  }

  /** Reads one value. @returns how many inputs it is, if it is one */
  private value(mode: Mode, depth: number): number {
    this.at = skipSpace(this.bytes, this.at)
    const byte = this.bytes[this.at]
    if (depth > DEPTH_MAX && (byte === OBJECT || byte === ARRAY)) this.nested(mode)
    else if (byte === OBJECT) this.object(mode, depth)
    else if (byte === ARRAY) return this.array(mode, depth)
    else if (byte === QUOTE) this.string(mode)
    else this.scalar(mode)
    return 1
  }

  /** What is too deep to be looked for fields in: to its end, since what follows may be what is asked. */
  private nested(mode: Mode): void {
    let open = 0
    do {
      const byte = this.bytes[this.at]
      if (byte === QUOTE) this.string(mode)
      else {
        this.at++
        if (byte === OBJECT || byte === ARRAY) open++
        else if (byte === OBJECT_END || byte === ARRAY_END) open--
      }
    } while (open > 0 && this.at < this.bytes.length)
  }

  private object(mode: Mode, depth: number): void {
    if (mode !== 'inputs' || depth > INPUT_DEPTH_MAX) {
      this.members(mode, depth)
      return
    }
    const around = this.beside
    this.beside = this.isParameters ? PROMPT : 0
    this.isParameters = false
    this.members(mode, depth)
    if (this.beside === (PROMPT | LOGITS)) this.asksLogits = true
    this.beside = around
  }

  private members(mode: Mode, depth: number): void {
    this.at++
    for (;;) {
      this.at = skipSpace(this.bytes, this.at)
      const byte = this.bytes[this.at]
      if (byte !== QUOTE) {
        this.at++
        if (byte === COMMA) continue
        return
      }
      const [from, end] = [this.at, this.stringEnd()]
      this.at = skipSpace(this.bytes, end)
      if (this.bytes[this.at] === COLON) this.at++
      this.member(mode, depth, [from, end])
    }
  }

  private member(mode: Mode, depth: number, [from, end]: readonly [number, number]): void {
    if (isAsked(mode)) {
      this.words.keys++
      this.word(WORD, from + 1, end - 1)
      if (mode !== 'logits' && isName(this.bytes, from, end)) this.named()
      if (mode === 'inputs' && depth <= INPUT_DEPTH_MAX) this.besideInput(from, end)
      this.value(mode, depth + 1)
      return
    }
    const role = mode === 'object' ? FIELD_ROLES.get(foldField(this.text(from, end))) : undefined
    if (role === 'logits') this.logits(depth, [from, end])
    else if (role === 'content' || role === 'inputs') {
      this.hasContent = true
      // Of two fields with the same content, one after the other counts as more.
      this.inputs += this.value(role, depth + 1)
    } else this.value(role ?? 'skip', depth + 1)
  }

  /** What is changed about probabilities is part of what is asked. */
  private logits(depth: number, [from, end]: readonly [number, number]): void {
    const start = skipSpace(this.bytes, this.at)
    this.words.keys++
    this.word(WORD, from + 1, end - 1)
    this.value('logits', depth + 1)
    const text = this.bytes.toString('latin1', start, Math.min(this.at, start + 8)).trim()
    const isEmpty = /^(\{\s*\}|\[\s*\])/.test(text)
    if (isEmpty || (text !== '0' && NOTHING.has(text))) return
    const name = foldField(this.text(from, end))
    if (text === '0' ? ASKED_BY_ZERO.has(name) : text !== '-1' || !NOT_ASKED_BY_MINUS.has(name))
      this.asksLogits = true
  }

  /** Vertex and Azure ML take parameters beside a prompt; beside features it is one of them. */
  private besideInput(from: number, end: number): void {
    const role = FIELD_ROLES.get(foldField(this.text(from, end)))
    this.isParameters = role === 'object'
    if (role === 'content') this.beside |= PROMPT
    if (role !== 'logits') return
    const first = this.bytes[skipSpace(this.bytes, this.at)] ?? 0
    if (first === LOWER_T || first === MINUS || isDigit(first)) this.beside |= LOGITS
  }

  /** A tensor, or a column, that is called like a parameter is one. */
  private named(): void {
    const start = skipSpace(this.bytes, this.at)
    if (this.bytes[start] !== QUOTE) return
    const after = this.at
    this.at = start
    const end = this.stringEnd()
    if (FIELD_ROLES.get(foldField(this.text(start, end))) === 'logits') this.asksLogits = true
    this.at = after
  }

  private array(mode: Mode, depth: number): number {
    this.at++
    let elements = 0
    let numbers = 0
    for (;;) {
      this.at = skipSpace(this.bytes, this.at)
      const byte = this.bytes[this.at]
      if (byte === undefined || byte === ARRAY_END || byte === OBJECT_END) {
        this.at++
        // Tokens by their numbers are one input.
        return numbers === elements ? Math.min(1, elements) : elements
      }
      if (byte === COMMA || byte === COLON) this.at++
      else {
        elements++
        if (byte === MINUS || isDigit(byte)) numbers++
        this.value(mode, depth + 1)
      }
    }
  }

  private string(mode: Mode): void {
    if (isAsked(mode)) {
      const options = { from: this.at + 1, quoted: true, seed: this.seed }
      this.at = readText(this.bytes, options, this.words)
      return
    }
    const from = this.at
    const end = this.stringEnd()
    if (mode === 'listed' && LISTED_VALUES.has(this.text(from, end))) this.asksLogits = true
    this.at = end
  }

  private scalar(mode: Mode): void {
    const from = this.at
    const { bytes } = this
    let end = from
    while (end < bytes.length && !isDelimiter(bytes[end] ?? 0)) end++
    // At least one byte on, whatever it is.
    this.at = Math.max(end, from + 1)
    if (end > from && isAsked(mode)) this.word(NUMBER, from, end)
  }

  private word(kind: number, from: number, end: number): void {
    let hash = this.seed
    for (let at = from; at < end; at++) hash = step(hash, this.bytes[at] ?? 0)
    this.words.add(kind, hash)
  }

  /** Behind the closing quote of the string at `at`. */
  private stringEnd(): number {
    const { bytes } = this
    for (let at = this.at + 1; at < bytes.length; at++) {
      const byte = bytes[at]
      if (byte === BACKSLASH) at++
      else if (byte === QUOTE) return at + 1
    }
    return bytes.length
  }

  /** A string with its escapes undone, for looking it up; long ones are nothing we look for. */
  private text(from: number, end: number): string {
    if (end - from > 512) return ''
    const inner = this.bytes.toString('utf8', from + 1, end - 1)
    if (!inner.includes('\\')) return inner
    try {
      return String(JSON.parse(`"${inner}"`))
    } catch {
      return inner
    }
  }
}

const [MINUS, LOWER_T] = [0x2d, 0x74]
const [PROMPT, LOGITS] = [1, 2]
/** Levels below the body at which an input may have parameters beside it. */
const INPUT_DEPTH_MAX = 4

/** Whether what stands there is part of what is asked. */
function isAsked(mode: Mode): boolean {
  return mode === 'content' || mode === 'inputs' || mode === 'logits'
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isDelimiter(byte: number): boolean {
  return byte <= 0x20 || byte === COMMA || byte === ARRAY_END || byte === OBJECT_END
}

function skipSpace(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && (bytes[at] ?? 0) <= 0x20) at++
  return at
}

/** `"name"`, quotes included. */
function isName(bytes: Buffer, from: number, end: number): boolean {
  return (
    end - from === 6 &&
    bytes[from + 1] === 0x6e &&
    bytes[from + 2] === 0x61 &&
    bytes[from + 3] === 0x6d &&
    bytes[from + 4] === 0x65
  )
}
