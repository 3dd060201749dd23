/** Goes over a whole object or array of which nothing is wanted, without a step for every token. */
import { numberEnd, spaceEnd, stringEnd, wordEnd } from './json-scan.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** From an opening bracket to the closing one, of both kinds. */
const TO_CLOSE = 2

const DEPTH_MAX = 64
/** The closing brackets to come. It is written and read within one call. */
const closing = new Uint8Array(DEPTH_MAX)

/**
 * The byte behind the object or array that begins at `from`, when it is all here, well formed
 * (RFC 8259) and at most `depthMax` (to 64) deep, itself included; else -1, and nothing is said of
 * why.
 */
export function containerEnd(bytes: Buffer, from: number, depthMax: number): number {
  const limit = Math.min(depthMax, DEPTH_MAX)
  let depth = 0
  let at = from
  while (at !== -1) {
    at = spaceEnd(bytes, at)
    const byte = bytes[at]
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === limit) return -1
      closing[depth++] = byte + TO_CLOSE
      at = spaceEnd(bytes, at + 1)
      if (bytes[at] !== byte + TO_CLOSE) {
        if (byte === OPEN_OBJECT) at = keyEnd(bytes, at)
        continue
      }
    } else {
      at = scalarEnd(bytes, at)
      if (at === -1 || depth === 0) return -1
      at = spaceEnd(bytes, at)
    }
    while (depth > 0 && bytes[at] === closing[depth - 1]) {
      if (--depth === 0) return at + 1
      at = spaceEnd(bytes, at + 1)
    }
    if (bytes[at] !== COMMA) return -1
    at = closing[depth - 1] === CLOSE_OBJECT ? keyEnd(bytes, spaceEnd(bytes, at + 1)) : at + 1
  }
  return -1
}

/** The byte behind the colon of the key that begins at `from`, or -1. */
function keyEnd(bytes: Buffer, from: number): number {
  const end = stringEnd(bytes, from)
  if (end === -1) return -1
  const at = spaceEnd(bytes, end)
  return bytes[at] === COLON ? at + 1 : -1
}

/** The byte behind the string, number or word that begins at `from`, or -1. */
function scalarEnd(bytes: Buffer, from: number): number {
  const byte = bytes[from] ?? 0
  if (byte === QUOTE) return stringEnd(bytes, from)
  return byte < OPEN_ARRAY ? numberEnd(bytes, from) : wordEnd(bytes, from)
}
