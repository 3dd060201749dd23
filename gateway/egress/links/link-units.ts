/** One character of a link, whichever way it is written. */

/** What is read at once. */
export interface Unit {
  /** The character; of bytes above ASCII, one that is no ASCII. */
  readonly char: string
  /** Bytes it takes. */
  readonly length: number
  /** Whether it stands for itself by an escape: such a quote ends no text of JSON. */
  readonly isEscape: boolean
}

const BACKSLASH = 0x5c
const PERCENT = 0x25
const U = 0x75

/** All bytes by themselves, made once. */
const PLAIN: readonly Unit[] = Array.from({ length: 256 }, (_, code) => ({
  char: String.fromCharCode(code),
  length: 1,
  isEscape: false,
}))

const OTHER = '\u00ff'

/**
 * The character at `at`: as it is, escaped in JSON (`\/`, `\u0026`), or percent-encoded once.
 * `undefined` when the piece ends within an escape, and more is to come.
 */
export function readUnit(bytes: Buffer, at: number, isLast: boolean): Unit | undefined {
  const byte = bytes[at] ?? 0
  if (byte === PERCENT) return readPercent(bytes, at, isLast)
  if (byte !== BACKSLASH) return PLAIN[byte]
  const next = bytes[at + 1]
  if (next === undefined) return isLast ? PLAIN[byte] : undefined
  if (next !== U) return escapeOf(next)
  if (at + 6 > bytes.length) return isLast ? PLAIN[byte] : undefined
  const code = hexOf(bytes, at + 2, 4)
  if (code === undefined) return PLAIN[byte]
  return { char: code < 0x80 ? String.fromCharCode(code) : OTHER, length: 6, isEscape: true }
}

function escapeOf(next: number): Unit | undefined {
  if (next === 0x2f) return { char: '/', length: 2, isEscape: false }
  if (next === 0x22) return { char: '"', length: 2, isEscape: true }
  if (next === BACKSLASH) return { char: '\\', length: 2, isEscape: true }
  // A line end and its like, in a text that goes on.
  return { char: ' ', length: 2, isEscape: true }
}

function readPercent(bytes: Buffer, at: number, isLast: boolean): Unit | undefined {
  if (at + 3 > bytes.length && !isLast) {
    const next = bytes[at + 1]
    return next === undefined || isHex(next) ? undefined : PLAIN[PERCENT]
  }
  const code = hexOf(bytes, at + 1, 2)
  if (code === undefined) return PLAIN[PERCENT]
  // What ends a link when it stands there does not when it is encoded.
  const isPlain = code > 0x20 && code < 0x7f && code !== 0x22 && code !== 0x27
  const char = isPlain && !ENCODED_ENDS.has(code) ? String.fromCharCode(code) : OTHER
  return { char, length: 3, isEscape: false }
}

const ENCODED_ENDS: ReadonlySet<number> = new Set([0x3c, 0x3e, 0x5c, 0x60])

function hexOf(bytes: Buffer, from: number, digits: number): number | undefined {
  let value = 0
  for (let i = from; i < from + digits; i++) {
    const byte = bytes[i]
    if (byte === undefined || !isHex(byte)) return undefined
    value = value * 16 + Number.parseInt(String.fromCharCode(byte), 16)
  }
  return value
}

function isHex(byte: number): boolean {
  if (byte >= 0x30 && byte <= 0x39) return true
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66
}
