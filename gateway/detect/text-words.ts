/** Takes a text apart into words, runs of digits and characters of scripts that know no spaces. */
import { DIGITS, NUMBER, step, WORD, type WordHash } from './word-hash.ts'

/** How a text is read. */
export interface TextOptions {
  readonly from: number
  /** A JSON string, up to its closing quote; else all that is left, as a table or plain text. */
  readonly quoted: boolean
  readonly seed: number
}

const [QUOTE, BACKSLASH, DOT, MINUS, LOWER_U] = [0x22, 0x5c, 0x2e, 0x2d, 0x75]

/** @returns where reading ended, behind the closing quote if there is one */
export function readText(bytes: Buffer, options: TextOptions, words: WordHash): number {
  const { from, quoted, seed } = options
  // Numbers of a table are what it asks about; those in a text are told apart from its words.
  const digits = quoted ? DIGITS : NUMBER
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0
    if (quoted && byte === QUOTE) return at + 1
    if (quoted && byte === BACKSLASH) at = readEscape(bytes, at, { seed, words })
    else if (isDigit(byte)) at = readDigits(bytes, at, { seed, words, kind: digits, quoted })
    else if (isLetter(byte)) at = readWord(bytes, at, { seed, words })
    else if (byte >= 0xe0) at = readCharacter(bytes, at, { seed, words })
    else at++
  }
  return at
}

interface Into {
  readonly seed: number
  readonly words: WordHash
}

function readWord(bytes: Buffer, from: number, { seed, words }: Into): number {
  let at = from
  let hash = seed
  for (let byte = bytes[at] ?? 0; isLetter(byte); byte = bytes[at] ?? 0) {
    hash = step(hash, byte)
    at++
  }
  words.add(WORD, hash)
  return at
}

/** With its sign in a table, and with what stands behind a point. */
function readDigits(
  bytes: Buffer,
  from: number,
  { seed, words, kind, quoted }: Into & { readonly kind: number; readonly quoted: boolean },
): number {
  let at = from
  let hash = !quoted && bytes[from - 1] === MINUS ? ~seed : seed
  for (;;) {
    const byte = bytes[at] ?? 0
    if (!isDigit(byte) && !(byte === DOT && isDigit(bytes[at + 1] ?? 0))) break
    hash = step(hash, byte)
    at++
  }
  words.add(kind, hash)
  return at
}

/** Three or four bytes: such scripts often know no spaces, so that each is a word. */
function readCharacter(bytes: Buffer, from: number, { seed, words }: Into): number {
  let at = from + 1
  let hash = step(seed, bytes[from] ?? 0)
  for (let byte = bytes[at] ?? 0; byte >= 0x80 && byte < 0xc0; byte = bytes[at] ?? 0) {
    hash = step(hash, byte)
    at++
  }
  words.add(WORD, hash)
  return at
}

/** `\\uXXXX` is a character; the others part words. */
function readEscape(bytes: Buffer, from: number, { seed, words }: Into): number {
  if (bytes[from + 1] !== LOWER_U) return from + 2
  let hash = ~seed
  for (let at = from + 2; at < from + 6; at++) hash = step(hash, bytes[at] ?? 0)
  words.add(WORD, hash)
  return from + 6
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

/** ASCII letters and `_`, and characters of two bytes: Latin, Greek, Cyrillic, Arabic, Hebrew. */
function isLetter(byte: number): boolean {
  const lower = byte | 0x20
  return (lower >= 0x61 && lower <= 0x7a) || byte === 0x5f || (byte >= 0x80 && byte < 0xe0)
}
