/**
 * Steps over the tokens of a JSON text (RFC 8259 §2), strictly and without building values. Each
 * function that returns a boolean leaves the cursor after the token, or returns `false` where
 * there is no such token; the cursor is then of no further use.
 */

/** A place in a text of bytes. */
export interface Cursor {
  readonly bytes: Buffer
  at: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const ZERO = 0x30
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
/** Bytes at which the text of a string is looked at: controls, the quote and the backslash. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20)
STOPS[QUOTE] = 1
STOPS[BACKSLASH] = 1
/** What may stand behind a backslash besides `u`; what the four after that may be. */
const ESCAPES = tableOf('"\\/bfnrt')
const HEX = tableOf('0123456789abcdefABCDEF')

function tableOf(bytes: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(bytes)) table[byte] = 1
  return table
}

/** The first byte from `from` on that is no white space, or the length. */
export function spaceEnd(bytes: Buffer, from: number): number {
  let at = from
  let byte = bytes[at]
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
  return at
}

/** Steps over white space, if any. */
export function skipSpace(cursor: Cursor): void {
  cursor.at = spaceEnd(cursor.bytes, cursor.at)
}

/** Steps over one given byte. */
export function consume(cursor: Cursor, byte: number): boolean {
  if (cursor.bytes[cursor.at] !== byte) return false
  cursor.at++
  return true
}

/** Steps over a string: no control bytes, only the escapes of RFC 8259 §7. */
export function skipString(cursor: Cursor): boolean {
  return stepTo(cursor, stringEnd(cursor.bytes, cursor.at))
}

/** The byte behind the string that begins at `from`, or -1 where none does. */
export function stringEnd(bytes: Buffer, from: number): number {
  if (bytes[from] !== QUOTE) return -1
  const stop = stringStop(bytes, from + 1)
  return bytes[stop] === QUOTE ? stop + 1 : -1
}

/**
 * From within a string: where its quote is, or the first byte that may not be there, or the end of
 * the text, or a backslash whose escape is none or is cut.
 */
export function stringStop(bytes: Buffer, from: number): number {
  let at = from
  for (;;) {
    let byte = bytes[at] ?? 0
    while (STOPS[byte] === 0) byte = bytes[++at] ?? 0
    // The end of the text reads as a control byte.
    const length = byte === BACKSLASH ? escapeLength(bytes, at) : 0
    if (length === 0) return at
    at += length + 1
  }
}

/** Bytes after the backslash at `at`, or 0 when the escape is not one of RFC 8259 §7, or cut. */
function escapeLength(bytes: Buffer, at: number): number {
  const byte = bytes[at + 1] ?? 0
  if (byte !== 0x75) return ESCAPES[byte] ?? 0
  for (let digit = 2; digit <= 5; digit++) {
    if (!isHex(bytes[at + digit] ?? 0)) return 0
  }
  return 5
}

/** Whether it is a hexadecimal digit. */
export function isHex(byte: number): boolean {
  return HEX[byte] === 1
}

/** Whether the byte may follow a backslash, other than `u`. */
export function isEscape(byte: number): boolean {
  return ESCAPES[byte] === 1
}

const WORDS: ReadonlyMap<number, Buffer> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]),
)

/** `true`, `false` or `null`, by its first byte. */
export function wordOf(byte: number): Buffer | undefined {
  return WORDS.get(byte)
}

/** Steps over `true`, `false` or `null`. */
export function skipWord(cursor: Cursor): boolean {
  return stepTo(cursor, wordEnd(cursor.bytes, cursor.at))
}

/** The byte behind the `true`, `false` or `null` that begins at `from`, or -1 where none does. */
export function wordEnd(bytes: Buffer, from: number): number {
  const word = wordOf(bytes[from] ?? 0)
  if (word === undefined) return -1
  for (let at = 1; at < word.length; at++) if (bytes[from + at] !== word[at]) return -1
  return from + word.length
}

/** Steps over a number; `NaN`, `Infinity`, `01` and `1.` are none. */
export function skipNumber(cursor: Cursor): boolean {
  return stepTo(cursor, numberEnd(cursor.bytes, cursor.at))
}

/** The byte behind the number that begins at `from`, or -1 where none does. */
export function numberEnd(bytes: Buffer, from: number): number {
  const start = bytes[from] === MINUS ? from + 1 : from
  let at = bytes[start] === ZERO ? start + 1 : digitsEnd(bytes, start)
  if (at !== -1 && bytes[at] === POINT) at = digitsEnd(bytes, at + 1)
  if (at === -1 || ((bytes[at] ?? 0) | 0x20) !== 0x65) return at
  const sign = bytes[at + 1]
  return digitsEnd(bytes, sign === MINUS || sign === PLUS ? at + 2 : at + 1)
}

/** The byte behind one or more digits, or -1 where there is none. */
function digitsEnd(bytes: Buffer, from: number): number {
  let at = from
  let byte = bytes[at] ?? 0
  while (byte >= ZERO && byte <= 0x39) byte = bytes[++at] ?? 0
  return at > from ? at : -1
}

function stepTo(cursor: Cursor, end: number): boolean {
  if (end === -1) return false
  cursor.at = end
  return true
}
