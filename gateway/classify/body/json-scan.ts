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
/** Bytes at which the text of a string is looked at: controls, the quote and the backslash. */
const STOPS = new Uint8Array(256).fill(1, 0, 0x20)
STOPS[QUOTE] = 1
STOPS[BACKSLASH] = 1

/** Steps over white space, if any. */
export function skipSpace(cursor: Cursor): void {
  const { bytes } = cursor
  let byte = bytes[cursor.at]
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
    byte = bytes[++cursor.at]
  }
}

/** Steps over one given byte. */
export function consume(cursor: Cursor, byte: number): boolean {
  if (cursor.bytes[cursor.at] !== byte) return false
  cursor.at++
  return true
}

/** Steps over a string: no control bytes, only the escapes of RFC 8259 §7. */
export function skipString(cursor: Cursor): boolean {
  const { bytes } = cursor
  if (bytes[cursor.at] !== QUOTE) return false
  const end = stringStop(bytes, cursor.at + 1)
  if (bytes[end] !== QUOTE) return false
  cursor.at = end + 1
  return true
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
  if (byte === 0x75) {
    for (let digit = 2; digit <= 5; digit++) {
      if (!isHex(bytes[at + digit] ?? 0)) return 0
    }
    return 5
  }
  return '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0
}

/** Whether it is a hexadecimal digit. */
export function isHex(byte: number): boolean {
  const lower = byte | 0x20
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66)
}

const WORDS = ['true', 'false', 'null'].map((word) => Buffer.from(word))

/** Steps over `true`, `false` or `null`. */
export function skipWord(cursor: Cursor): boolean {
  for (const word of WORDS) {
    if (cursor.bytes[cursor.at] !== word[0]) continue
    const end = cursor.at + word.length
    if (end > cursor.bytes.length || word.compare(cursor.bytes, cursor.at, end) !== 0) return false
    cursor.at = end
    return true
  }
  return false
}

/** Steps over a number; `NaN`, `Infinity`, `01` and `1.` are none. */
export function skipNumber(cursor: Cursor): boolean {
  consume(cursor, 0x2d)
  if (!consume(cursor, 0x30) && !skipDigits(cursor)) return false
  if (consume(cursor, 0x2e) && !skipDigits(cursor)) return false
  if (consume(cursor, 0x65) || consume(cursor, 0x45)) {
    if (!consume(cursor, 0x2b)) consume(cursor, 0x2d)
    return skipDigits(cursor)
  }
  return true
}

function skipDigits(cursor: Cursor): boolean {
  const start = cursor.at
  let byte = cursor.bytes[start] ?? 0
  while (byte >= 0x30 && byte <= 0x39) byte = cursor.bytes[++cursor.at] ?? 0
  return cursor.at > start
}
