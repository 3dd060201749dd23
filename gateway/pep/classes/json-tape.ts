/**
 * A JSON text as one row of numbers: where each value starts and ends, its key, what holds it, and
 * what comes after it. Nothing of the text is turned into values, so that no key is lost to a
 * second one of its name, and what is not edited stays byte for byte.
 */
import { isUtf8 } from 'node:buffer'
import {
  consume,
  skipNumber,
  skipSpace,
  skipString,
  skipWord,
  stringStop,
  type Cursor,
} from '../../classify/body/json-scan.ts'
import { textOfString } from '../obligations/json-edit.ts'

const DEPTH_MAX = 64
/** 20 bytes are held for each value. */
const VALUES_MAX = 2_000_000

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const OPEN_ARRAY = 0x5b

/** What a value is. */
export type ValueKind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null'

const WORD_KINDS: Readonly<Record<number, ValueKind>> = {
  0x7b: 'object',
  0x5b: 'array',
  0x22: 'string',
  0x74: 'boolean',
  0x66: 'boolean',
  0x6e: 'null',
}

/**
 * Reads `bytes`; `undefined` when they are not one JSON value in UTF-8, at most 64 deep, of at most
 * two million values. Values are numbered in the order in which they start, from 0.
 */
export function readTape(bytes: Buffer): JsonTape | undefined {
  if (!isUtf8(bytes)) return undefined
  const tape = new JsonTape(bytes)
  return tape.read() ? tape : undefined
}

/** The row. */
export class JsonTape implements Cursor {
  at = 0
  count = 0
  /** First byte of the value; its key, or -1; the value after all that is within; what holds it. */
  start: Int32Array
  end: Int32Array
  key: Int32Array
  next: Int32Array
  parent: Int32Array
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
    const size = Math.min(VALUES_MAX, (bytes.length >> 4) + 16)
    this.start = new Int32Array(size)
    this.end = new Int32Array(size)
    this.key = new Int32Array(size)
    this.next = new Int32Array(size)
    this.parent = new Int32Array(size)
  }

  /** To be called once. */
  read(): boolean {
    skipSpace(this)
    if (!this.value({ key: -1, parent: -1 }, 0)) return false
    skipSpace(this)
    return this.at === this.bytes.length
  }

  kind(value: number): ValueKind {
    return WORD_KINDS[this.bytes[this.start[value] ?? 0] ?? 0] ?? 'number'
  }

  /** What `value` holds, in order. */
  *children(value: number): Generator<number, void> {
    const end = this.next[value] ?? 0
    for (let child = value + 1; child < end; child = this.next[child] ?? end) yield child
  }

  /** The first bytes of the value with its key. */
  itemStart(value: number): number {
    const key = this.key[value] ?? -1
    return key < 0 ? (this.start[value] ?? 0) : key
  }

  /** The text of a member's key; escapes resolved. */
  keyText(value: number): string {
    const start = this.key[value] ?? -1
    if (start < 0) return ''
    return textOfString(this.bytes, { start, end: stringStop(this.bytes, start + 1) + 1 })
  }

  /** The text of a string, escapes resolved; of another value, as it is written. */
  text(value: number): string {
    const span = { start: this.start[value] ?? 0, end: this.end[value] ?? 0 }
    if (this.kind(value) === 'string') return textOfString(this.bytes, span)
    return this.bytes.toString('utf8', span.start, span.end)
  }

  private value(of: { readonly key: number; readonly parent: number }, depth: number): boolean {
    const me = this.begin(of)
    if (me < 0) return false
    const first = this.bytes[this.at]
    const isRead =
      first === OPEN_OBJECT || first === OPEN_ARRAY
        ? this.container(me, first === OPEN_OBJECT, depth + 1)
        : first === QUOTE
          ? skipString(this)
          : skipWord(this) || skipNumber(this)
    this.end[me] = this.at
    this.next[me] = this.count
    return isRead
  }

  private begin({ key, parent }: { readonly key: number; readonly parent: number }): number {
    const me = this.count
    if (me === this.start.length && !this.grow()) return -1
    this.count++
    this.start[me] = this.at
    this.key[me] = key
    this.parent[me] = parent
    return me
  }

  private container(me: number, isObject: boolean, depth: number): boolean {
    if (depth > DEPTH_MAX) return false
    const close = isObject ? 0x7d : 0x5d
    this.at++
    skipSpace(this)
    if (consume(this, close)) return true
    do {
      skipSpace(this)
      const key = isObject ? this.at : -1
      if (isObject && !this.toValue()) return false
      if (!this.value({ key, parent: me }, depth)) return false
      skipSpace(this)
    } while (consume(this, 0x2c))
    return consume(this, close)
  }

  private toValue(): boolean {
    if (!skipString(this)) return false
    skipSpace(this)
    if (!consume(this, 0x3a)) return false
    skipSpace(this)
    return true
  }

  private grow(): boolean {
    const size = Math.min(VALUES_MAX, this.start.length * 2)
    if (size === this.start.length) return false
    const larger = (row: Int32Array): Int32Array => {
      const copy = new Int32Array(size)
      copy.set(row)
      return copy
    }
    this.start = larger(this.start)
    this.end = larger(this.end)
    this.key = larger(this.key)
    this.next = larger(this.next)
    this.parent = larger(this.parent)
    return true
  }
}
