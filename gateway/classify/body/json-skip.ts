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
  if (closeOf(bytes[from]) === 0) return -1
  const limit = Math.min(depthMax, DEPTH_MAX)
  let depth = 0
  let at = from
  while (at !== -1) {
    at = spaceEnd(bytes, at)
    const close = closeOf(bytes[at])
    if (close !== 0) {
      if (depth === limit) return -1
      closing[depth++] = close
      at = spaceEnd(bytes, at + 1)
      if (bytes[at] !== close) {
        at = memberStart(bytes, at, close)
        continue
      }
    } else at = spaceEnd(bytes, scalarEnd(bytes, at))
    while (bytes[at] === closing[depth - 1]) {
      if (--depth === 0) return at + 1
      at = spaceEnd(bytes, at + 1)
    }
    if (bytes[at] !== COMMA) return -1
    at = memberStart(bytes, spaceEnd(bytes, at + 1), closing[depth - 1])
  }
  return -1
}

/** The bracket that closes what this one opens, or 0 when it opens nothing. */
function closeOf(byte: number | undefined): number {
  return byte === OPEN_OBJECT || byte === OPEN_ARRAY ? byte + TO_CLOSE : 0
}

/** Where the value of the member that begins at `from` does, behind its key if it has one, or -1. */
function memberStart(bytes: Buffer, from: number, close: number | undefined): number {
  return close === CLOSE_OBJECT ? keyEnd(bytes, from) : from
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
