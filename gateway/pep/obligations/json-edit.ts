/**
 * Edits a JSON text by its bytes: what is not edited stays as it was written, so that big integers,
 * the order of keys and the spelling of numbers survive. The text is read once, strictly, without
 * building values; a text that is not JSON is not edited at all.
 */
import { isUtf8 } from 'node:buffer'
import {
  consume,
  skipNumber,
  skipSpace,
  skipString,
  skipWord,
  type Cursor,
} from '../../classify/body/json-scan.ts'

/** The bytes of a value, from `start` up to but without `end`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** What becomes of a member of an object, or of an element of an array. */
export type Verdict = 'keep' | 'remove' | 'reject' | { readonly text: string }

/** What is to be known of a member or element. */
export interface Interest {
  /** Asked when the value has been read. `reject` ends the edit. */
  readonly judge?: (value: Span) => Verdict
  /** What is of interest below it. */
  readonly below?: Scope
}

/** An object that has been read: where its first member would stand, and how many it keeps. */
export interface Place {
  readonly insertAt: number
  readonly kept: number
}

/** What is to be known of an object or array. */
export interface Scope {
  /** Keys may not repeat, end early for C (NUL), be longer than 512 bytes or more than 1024. */
  readonly strict: boolean
  /** Of the member with this key; `undefined` for nothing, `reject` to end the edit. */
  readonly member?: (key: string) => Interest | 'reject' | undefined
  /** Of each element, where it is an array. */
  readonly element?: Interest
  /** Called when an object has been read. */
  readonly closed?: (place: Place) => void
}

/** A replacement of bytes; with `start` equal to `end`, an insertion. */
export interface Edit extends Span {
  readonly text: string
}

const DEPTH_MAX = 64
const KEYS_MAX = 1024
const KEY_BYTES_MAX = 512

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d

/**
 * The edits that `root` asks for, or `undefined` when the text is not one UTF-8 JSON value at most
 * 64 deep, when a strict scope finds what it forbids, or when something was rejected.
 *
 * @param bytes the whole text; untrusted
 */
export function editsOf(bytes: Buffer, root: Scope): Edit[] | undefined {
  if (!isUtf8(bytes)) return undefined
  const walk = new Walk(bytes)
  skipSpace(walk)
  if (!walk.value(root, 0)) return undefined
  skipSpace(walk)
  return walk.at === bytes.length ? walk.edits : undefined
}

/** `bytes` with `edits`, which do not overlap; the same buffer when there are none. */
export function applyEdits(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const ordered = [...edits].sort((a, b) => a.start - b.start || a.end - b.end)
  const parts: Buffer[] = []
  let from = 0
  for (const { start, end, text } of ordered) {
    parts.push(bytes.subarray(from, start), Buffer.from(text))
    from = end
  }
  return Buffer.concat([...parts, bytes.subarray(from)])
}

/** The text of the string token that `span` covers; escapes resolved. */
export function textOfString(bytes: Buffer, { start, end }: Span): string {
  const inner = bytes.toString('utf8', start + 1, end - 1)
  if (!inner.includes('\\')) return inner
  // One string token, already checked: there is no object to build.
  return JSON.parse(`"${inner}"`) as string
}

/** How far the members of one object, or the elements of one array, have been read. */
interface Row {
  kept: number
  /** End of the last one read. */
  lastEnd: number
  /** Start of a removed one before which nothing is kept: it goes up to where the next starts. */
  openRemoval: number
}

class Walk implements Cursor {
  at = 0
  readonly edits: Edit[] = []
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** At a value; leaves the cursor behind it. */
  value(scope: Scope | undefined, depth: number): boolean {
    const first = this.bytes[this.at]
    if (first === QUOTE) return skipString(this)
    if (first === OPEN_OBJECT) return this.object(scope, depth + 1)
    if (first === OPEN_ARRAY) return this.array(scope, depth + 1)
    return skipWord(this) || skipNumber(this)
  }

  private object(scope: Scope | undefined, depth: number): boolean {
    if (depth > DEPTH_MAX) return false
    const insertAt = ++this.at
    const row: Row = { kept: 0, lastEnd: insertAt, openRemoval: -1 }
    const seen = scope?.strict === true ? new Set<string>() : undefined
    skipSpace(this)
    if (!consume(this, CLOSE_OBJECT)) {
      do {
        skipSpace(this)
        if (!this.member(scope, { row, seen, depth })) return false
        skipSpace(this)
      } while (consume(this, COMMA))
      if (!consume(this, CLOSE_OBJECT)) return false
      this.closeRemoval(row, row.lastEnd)
    }
    scope?.closed?.({ insertAt, kept: row.kept })
    return true
  }

  private member(
    scope: Scope | undefined,
    { row, seen, depth }: { row: Row; seen: Set<string> | undefined; depth: number },
  ): boolean {
    const start = this.at
    if (!skipString(this)) return false
    const interest =
      scope?.member === undefined
        ? undefined
        : this.interestIn(scope, seen, { start, end: this.at })
    if (interest === 'reject') return false
    skipSpace(this)
    if (!consume(this, COLON)) return false
    skipSpace(this)
    return this.item(interest, { row, start, depth })
  }

  private interestIn(
    scope: Scope,
    seen: Set<string> | undefined,
    key: Span,
  ): Interest | 'reject' | undefined {
    const name = textOfString(this.bytes, key)
    if (seen !== undefined) {
      const isBad = key.end - key.start > KEY_BYTES_MAX || name.includes('\0') || seen.has(name)
      if (isBad || seen.size === KEYS_MAX) return 'reject'
      seen.add(name)
    }
    return scope.member?.(name)
  }

  private array(scope: Scope | undefined, depth: number): boolean {
    if (depth > DEPTH_MAX) return false
    this.at++
    const row: Row = { kept: 0, lastEnd: this.at, openRemoval: -1 }
    skipSpace(this)
    if (consume(this, CLOSE_ARRAY)) return true
    do {
      skipSpace(this)
      if (!this.item(scope?.element, { row, start: this.at, depth })) return false
      skipSpace(this)
    } while (consume(this, COMMA))
    if (!consume(this, CLOSE_ARRAY)) return false
    this.closeRemoval(row, row.lastEnd)
    return true
  }

  /** At a value that starts, with its key if it has one, at `start`. */
  private item(
    interest: Interest | undefined,
    { row, start, depth }: { row: Row; start: number; depth: number },
  ): boolean {
    this.closeRemoval(row, start)
    const mark = this.edits.length
    const valueStart = this.at
    if (!this.value(interest?.below, depth)) return false
    const end = this.at
    const verdict = interest?.judge?.({ start: valueStart, end }) ?? 'keep'
    if (verdict === 'reject') return false
    if (verdict === 'remove') this.remove(row, mark, { start, end })
    else row.kept++
    if (typeof verdict === 'object') {
      this.edits.length = mark
      this.edits.push({ start: valueStart, end, text: verdict.text })
    }
    row.lastEnd = end
    return true
  }

  /** Takes an item out together with one comma, so that what stays is still a list. */
  private remove(row: Row, mark: number, { start, end }: Span): void {
    this.edits.length = mark
    if (row.kept === 0) row.openRemoval = start
    else this.edits.push({ start: row.lastEnd, end, text: '' })
  }

  private closeRemoval(row: Row, upTo: number): void {
    if (row.openRemoval < 0) return
    this.edits.push({ start: row.openRemoval, end: upTo, text: '' })
    row.openRemoval = -1
  }
}
