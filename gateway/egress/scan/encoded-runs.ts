import { ALPHABET, CLASS, HEX, Lane, OTHER } from './decoding-lane.ts'
import { DigitsBehind } from './digits-behind.ts'
import { isFinding, type OpenInner, type ScanFinding } from './finding.ts'

/** Characters in a row that are looked into: shorter ones are words, names, keys, short digests. */
const RUN_CHARS_MIN = 60

const BACKSLASH = 0x5c
const PADDING = 0x3d
const NOTHING = Buffer.alloc(0)

/**
 * Finds long runs of base64, base64url and hexadecimal and hands what they decode to to scanners of
 * their own. Lines may be broken (also by `\n` as JSON writes it), slashes escaped.
 *
 * Whether there is a run is asked from its end: where the last of 60 characters, or one near it, is no
 * such character, all those before are skipped. Of prose, a tenth is looked at.
 */
export class EncodedRuns {
  private readonly open: OpenInner
  /** Characters at the end of the last piece that may begin a run. */
  private carried: Buffer = NOTHING
  private last = 0
  private run: Run | undefined

  constructor(open: OpenInner) {
    this.open = open
  }

  push(chunk: Buffer): ScanFinding | undefined {
    let at = 0
    if (this.run !== undefined) {
      const next = this.feed(this.run, chunk)
      if (typeof next !== 'number') return next
      at = next
    } else if (this.carried.length > 0) {
      const next = this.join(chunk)
      if (typeof next !== 'number') return next
      at = next
    }
    const found = at < chunk.length ? this.look(chunk, at) : undefined
    this.last = chunk[chunk.length - 1] ?? this.last
    return found
  }

  end(): ScanFinding | undefined {
    return this.run?.end()
  }

  /** Joins what was carried to the next piece. Returns from where on to look. */
  private join(chunk: Buffer): number | ScanFinding {
    const { carried } = this
    let lead = 0
    const wanted = RUN_CHARS_MIN - carried.length
    while (lead < wanted && lead < chunk.length && CLASS[chunk[lead] ?? 0] !== OTHER) lead++
    const joined = Buffer.concat([carried, chunk.subarray(0, lead)])
    this.carried = NOTHING
    if (joined.length >= RUN_CHARS_MIN) {
      const found = this.begin(joined)
      if (found !== undefined) return found
      return this.run === undefined ? lead : this.feed(this.run, chunk.subarray(lead), lead)
    }
    if (lead < chunk.length) return lead
    this.carried = joined
    return chunk.length
  }

  private look(chunk: Buffer, from: number): ScanFinding | undefined {
    let at = from
    while (at + RUN_CHARS_MIN <= chunk.length) {
      const other = lastOther(chunk, at, at + RUN_CHARS_MIN)
      if (other >= 0) {
        at = other + 1
        continue
      }
      const start = at + this.escapeBytes(chunk, at)
      const found = this.begin(chunk.subarray(start, at + RUN_CHARS_MIN))
      if (found !== undefined) return found
      at += RUN_CHARS_MIN
      if (this.run === undefined) continue
      const next = this.feed(this.run, chunk.subarray(at), at)
      if (typeof next !== 'number') return next
      at = next
    }
    if (at >= chunk.length) return undefined
    const other = lastOther(chunk, at, chunk.length)
    const start = other < 0 ? at : other + 1
    // A text often ends with what is of no run.
    const isNone = start === chunk.length
    this.carried = isNone ? NOTHING : chunk.subarray(start + this.escapeBytes(chunk, start))
    return undefined
  }

  /** The letter of `\n`, `\r` or `\t` is not of the run that follows. */
  private escapeBytes(chunk: Buffer, at: number): number {
    const before = at > 0 ? chunk[at - 1] : this.last
    const letter = chunk[at]
    const isEscape = letter === 0x6e || letter === 0x72 || letter === 0x74
    return before === BACKSLASH && isEscape ? 1 : 0
  }

  private begin(chars: Buffer): ScanFinding | undefined {
    const isHex = chars.every((char) => CLASS[char] === HEX)
    const run = Run.begin(isHex, this.open)
    if (!(run instanceof Run)) return run
    this.run = run
    const next = this.feed(run, chars)
    return typeof next === 'number' ? undefined : next
  }

  /** Where the run ends in the chunk (counted from `base`), or its length. */
  private feed(run: Run, chunk: Buffer, base = 0): number | ScanFinding {
    const next = run.push(chunk)
    if (typeof next !== 'number') return next
    if (next < chunk.length) {
      this.run = undefined
      const found = run.end()
      if (found !== undefined) return found
    }
    return base + next
  }
}

/** The last place from `from` to `to` whose character is of no alphabet, or -1. */
function lastOther(chunk: Buffer, from: number, to: number): number {
  let at = to - 1
  while (at >= from && CLASS[chunk[at] ?? 0] !== OTHER) at--
  return at < from ? -1 : at
}

/** One run: its characters without what breaks lines, decoded from each place it could begin at. */
class Run {
  private readonly lanes: Lane[]
  private readonly wanted: number
  /** Hexadecimal that begins later in the run, behind what could as well be base64. */
  private readonly behind: DigitsBehind | undefined
  private escape: string | undefined
  private isLineStart = false

  private constructor(lanes: Lane[], isHex: boolean, open: OpenInner) {
    this.lanes = lanes
    this.wanted = isHex ? HEX : ALPHABET
    this.behind = isHex ? undefined : new DigitsBehind(open)
  }

  static begin(isHex: boolean, open: OpenInner): Run | ScanFinding {
    const lanes: Lane[] = []
    for (const [encoding, shift] of isHex ? HEX_WAYS : BASE64_WAYS) {
      const sink = open()
      if (isFinding(sink)) return sink
      lanes.push(new Lane(sink, encoding, shift))
    }
    return new Run(lanes, isHex, open)
  }

  /** Decodes up to the end of the run or of the chunk. Returns where that is. */
  push(chunk: Buffer): number | ScanFinding {
    const end = this.read(chunk)
    // What many short pieces decode to is judged at once: each look costs more than the bytes.
    for (const lane of this.lanes) {
      const found = lane.judge()
      if (found !== undefined) return found
    }
    return this.behind?.judge() ?? end
  }

  private read(chunk: Buffer): number {
    let from = 0
    while (from < chunk.length) {
      const to = this.escape === undefined ? this.charsEnd(chunk, from) : from
      if (to > from) {
        this.isLineStart = false
        this.decode(chunk.toString('latin1', from, to))
      }
      if (to === chunk.length) break
      if (!this.between(chunk[to] ?? 0)) return to
      from = to + 1
    }
    return chunk.length
  }

  private charsEnd(chunk: Buffer, from: number): number {
    const { wanted } = this
    let at = from
    while (at < chunk.length && (CLASS[chunk[at] ?? 0] ?? OTHER) >= wanted) at++
    return at
  }

  end(): ScanFinding | undefined {
    for (const lane of this.lanes) {
      lane.flush()
      const found = lane.judge() ?? lane.sink.end()
      if (found !== undefined) return found
    }
    return this.behind?.end()
  }

  /** Whether the run goes on behind a character that is not of it. */
  private between(char: number): boolean {
    if (this.escape !== undefined) return this.escaped(this.escape + String.fromCharCode(char))
    if (char === BACKSLASH) this.escape = ''
    else if (char === 0x0a || char === 0x0d) this.isLineStart = true
    else if (char === PADDING) this.flush()
    else return this.isLineStart && (char === 0x20 || char === 0x09)
    return true
  }

  private escaped(escape: string): boolean {
    this.escape = undefined
    if (escape === 'n' || escape === 'r') this.isLineStart = true
    else if (escape === '/') this.decode('/')
    // A text in a text: each backslash is doubled.
    else if (escape === '\\') this.escape = ''
    else if (!'u00'.startsWith(escape.slice(0, 3)) || escape.length > 5) return false
    else if (escape.length < 5) this.escape = escape
    else return this.byCode(escape.toLowerCase())
    return true
  }

  /** Characters that some writers of JSON escape. */
  private byCode(escape: string): boolean {
    if (escape === 'u002b') this.decode('+')
    else if (escape === 'u002f') this.decode('/')
    else if (escape === 'u003d') this.flush()
    else return escape === 'u000a' || escape === 'u000d'
    return true
  }

  private decode(chars: string): void {
    for (const lane of this.lanes) lane.push(chars)
    this.behind?.push(chars)
  }

  private flush(): void {
    for (const lane of this.lanes) lane.flush()
  }
}

const BASE64_WAYS = [0, 1, 2, 3].map((shift) => ['base64', shift] as const)
const HEX_WAYS = [0, 1].map((shift) => ['hex', shift] as const)
