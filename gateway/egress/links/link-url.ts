/** Reads one link, or one text of a credential, byte by byte, and masks what of it does not leave. */
import { isStorageHost, SIGNED_PARAMETERS, STORAGE_SCHEMES } from './storage-links.ts'
import { readUnit, type Unit } from './link-units.ts'

/** How much of a link goes. */
export interface MaskPolicy {
  /** Whether whole storage URIs go, and links to blob stores; else only the values that sign. */
  readonly storage: boolean
  /** Whether a signed link to a picture, a sound or a video keeps its signature. */
  readonly keepMedia: boolean
}

/** Bytes that can be masked. */
export interface Maskable {
  readonly bytes: Buffer
  mask(from: number, to: number): void
}

/** Reads from where a needle ended. */
export interface UrlReader {
  readonly isReading: boolean
  /** Begins with a link whose `//` has just been read; `before`: up to there. */
  open(before: string): void
  /** Begins with the text that belongs to a key which has just been read. */
  openToken(): void
  /**
   * Reads on from `at`, up to the end of the link or of the bytes. Gives where it stopped: while
   * `isReading`, what is from there on has to wait.
   */
  read(work: Maskable, at: number, isLast: boolean): number
}

type State = 'none' | 'host' | 'path' | 'name' | 'value' | 'storage' | 'colon' | 'token'

/** The end of a scheme and the slashes, in every way of writing them. */
const COLON_SLASHES = /(?::|%3[aA]|\\u003[aA])(?:(?:\/|\\\/){1,2}|(?:\\u002[fF]){2}|(?:%2[fF]){2})$/

const SCHEME_CHARS_MAX = 16

/** A link without a scheme, where one can begin. */
const RELATIVE = /(?:^|[\s"'(<>=])\/\/$/

const HOST_CHARS_MAX = 300
const NAME_CHARS_MAX = 48
const SUFFIX_CHARS = 6

const MEDIA = /\.(?:png|jpe?g|webp|gif|avif|bmp|svg|mp3|wav|ogg|opus|flac|aac|m4a|mp4|webm|mov)$/

/** A reader for one body. */
export function createUrlReader(
  policy: MaskPolicy,
  onMask?: (kind: 'signature' | 'storage' | 'token') => void,
): UrlReader {
  return new Reader(policy, onMask)
}

class Reader implements UrlReader {
  private state: State = 'none'
  /** The text of JSON is the link and nothing else: a space is part of it. */
  private isWhole = false
  private text = ''
  private isMedia = false
  private readonly policy: MaskPolicy
  private readonly onMask: ((kind: 'signature' | 'storage' | 'token') => void) | undefined

  constructor(
    policy: MaskPolicy,
    onMask: ((kind: 'signature' | 'storage' | 'token') => void) | undefined,
  ) {
    this.policy = policy
    this.onMask = onMask
  }

  get isReading(): boolean {
    return this.state !== 'none'
  }

  open(before: string): void {
    const scheme = schemeOf(before)
    this.isMedia = false
    this.isWhole = scheme?.isWhole === true
    if (scheme === undefined) {
      // `//host/path` begins a link where a word could; in base64 and paths it means nothing.
      if (RELATIVE.test(before)) this.enter('path')
    } else if (STORAGE_SCHEMES.has(scheme.name)) {
      this.enter(this.policy.storage ? 'storage' : 'path')
      if (this.policy.storage) this.onMask?.('storage')
    } else this.enter(this.policy.storage ? 'host' : 'path')
  }

  openToken(): void {
    this.enter('colon')
  }

  read(work: Maskable, from: number, isLast: boolean): number {
    const { bytes } = work
    let at = from
    /** Where the host began: it is read again when it is not whole. */
    const hostAt = from
    while (at < bytes.length) {
      const run = this.state === 'colon' ? at : plainRun(bytes, at)
      if (run > at) {
        this.takeRun(work, at, run)
        at = run
        continue
      }
      const unit = readUnit(bytes, at, isLast)
      if (unit === undefined) return this.wait(hostAt, at)
      if (this.isEnd(unit)) {
        this.close(work, hostAt, at)
        return at
      }
      this.take(work, { unit, at, hostAt })
      at += unit.length
    }
    if (isLast) this.close(work, hostAt, at)
    return this.wait(hostAt, at)
  }

  private enter(state: State): void {
    this.state = state
    this.text = ''
  }

  private wait(hostAt: number, at: number): number {
    if (this.state !== 'host') return at
    this.text = ''
    return hostAt
  }

  private isEnd({ char, isEscape }: Unit): boolean {
    if (this.state === 'colon') return !/[\s:"]/.test(char) || isEscape
    if (this.state === 'token') return char === '"' && !isEscape
    if (char === '"') return !isEscape || !this.isWhole
    if (this.isWhole && this.state === 'storage') return char < ' ' && !isEscape
    return ENDS.has(char) || char < '!'
  }

  private take(work: Maskable, step: { unit: Unit; at: number; hostAt: number }): void {
    const { unit, at, hostAt } = step
    if (this.state === 'colon') {
      if (unit.char === '"') {
        this.enter('token')
        this.onMask?.('token')
      }
    } else if (this.state === 'host') this.takeHost(work, unit, { at, hostAt })
    else if (this.state === 'path') this.takePath(unit)
    else if (this.state === 'name') this.takeName(unit)
    else if (this.state === 'value') this.takeValue(work, unit, at)
    else work.mask(at, at + unit.length)
  }

  /** Bytes that end and separate nothing. */
  private takeRun(work: Maskable, from: number, to: number): void {
    const { state } = this
    if (state === 'value' || state === 'storage' || state === 'token') work.mask(from, to)
    else if (state === 'path') {
      const first = Math.max(from, to - SUFFIX_CHARS)
      const text = this.policy.keepMedia ? work.bytes.toString('latin1', first, to) : ''
      this.text = (this.text + text).slice(-SUFFIX_CHARS)
    } else if (this.text.length <= HOST_CHARS_MAX) {
      // One over its bound is the name of nothing that is known.
      this.text += work.bytes.toString('latin1', from, Math.min(to, from + HOST_CHARS_MAX))
    }
  }

  private takeHost(work: Maskable, unit: Unit, range: { at: number; hostAt: number }): void {
    const { at, hostAt } = range
    if (!HOST_ENDS.has(unit.char)) {
      this.text += unit.char
      if (this.text.length > HOST_CHARS_MAX) this.enter('path')
      return
    }
    if (isStorageHost(this.text.toLowerCase())) {
      this.enter('storage')
      this.onMask?.('storage')
      work.mask(hostAt, at + unit.length)
      return
    }
    this.enter('path')
    this.takePath(unit)
  }

  private takePath({ char }: Unit): void {
    if (char === '?' || char === '#' || char === '&') {
      this.isMedia = this.policy.keepMedia && MEDIA.test(this.text.toLowerCase())
      this.enter('name')
    } else this.text = (this.text + char).slice(-SUFFIX_CHARS)
  }

  private takeName({ char }: Unit): void {
    if (char === '=') {
      const isSigned = !this.isMedia && SIGNED_PARAMETERS.has(this.text.toLowerCase())
      this.enter(isSigned ? 'value' : 'name')
      if (isSigned) this.onMask?.('signature')
    } else if (SEPARATORS.has(char)) this.text = ''
    else if (this.text.length < NAME_CHARS_MAX) this.text += char
  }

  private takeValue(work: Maskable, { char, length }: Unit, at: number): void {
    if (char === '&' || char === ';' || char === '#') this.enter('name')
    else work.mask(at, at + length)
  }

  /** The link is over. A host without a path can be one of a store too. */
  private close(work: Maskable, hostAt: number, at: number): void {
    if (this.state === 'host' && isStorageHost(this.text.toLowerCase())) {
      work.mask(hostAt, at)
      this.onMask?.('storage')
    }
    this.enter('none')
  }
}

interface Scheme {
  readonly name: string
  /** A text of JSON begins with it, and is the link as a whole. */
  readonly isWhole: boolean
}

/** The scheme that ends a text with its slashes; `undefined` when there is none. */
function schemeOf(before: string): Scheme | undefined {
  const end = before.search(COLON_SLASHES)
  let from = end
  while (from > 0 && end - from < SCHEME_CHARS_MAX && isSchemeChar(before.charCodeAt(from - 1))) {
    from--
  }
  if (end < 0 || from === end) return undefined
  const isWhole = before[from - 1] === '"' && before[from - 2] !== '\\'
  return { name: before.slice(from, end).toLowerCase(), isWhole }
}

function isSchemeChar(code: number): boolean {
  const lower = code | 0x20
  if (lower >= 0x61 && lower <= 0x7a) return true
  return (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e
}

const HOST_ENDS: ReadonlySet<string> = new Set(['/', '?', '#'])
const SEPARATORS: ReadonlySet<string> = new Set(['&', ';', '?', '#'])
const ENDS: ReadonlySet<string> = new Set(['"', "'", '<', '>', '`', '\\', '\x7f'])

/** What is read by itself, by byte: ends, separators, escapes. */
const IS_SPECIAL = Uint8Array.from({ length: 256 }, (_, code) =>
  code < 0x21 || code === 0x7f || `"'<>\`\\%/?#&=;`.includes(String.fromCharCode(code)) ? 1 : 0,
)

function plainRun(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && IS_SPECIAL[bytes[at] ?? 0] === 0) at++
  return at
}
