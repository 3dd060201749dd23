/** Grammars of the names that come out of requests, and how field names are compared. */
import { withoutCase } from '../domain/letter-case.ts'

const NAME_BYTES = byteTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-')
const VERSION_BYTES = byteTable('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-')
const NAME_CHARACTERS_MAX = 256
const VERSION_CHARACTERS_MAX = 128
/** Longer numbers overflow the 64-bit integers upstreams read versions into, and wrap around. */
const VERSION_DIGITS_MAX = 18

function byteTable(characters: string): Uint8Array {
  const bytes = new Uint8Array(128)
  for (const character of characters) bytes[character.charCodeAt(0)] = 1
  return bytes
}

/** Whether `code` is that of an ASCII letter or digit. */
export function isAlphanumericByte(code: number): boolean {
  const lower = code | 0x20
  return (code >= 0x30 && code <= 0x39) || (lower >= 0x61 && lower <= 0x7a)
}

function consistsOf(text: string, bytes: Uint8Array): boolean {
  for (let at = 0; at < text.length; at++) {
    if (bytes[text.charCodeAt(at)] !== 1) return false
  }
  return true
}

/**
 * Whether `text` is a name of a model or dataset: 1 to 256 of letters, digits and `. _ : / -`,
 * first a letter or digit, without `..`, `//` or a trailing `/`. `@` is not allowed: it separates
 * the version in the text of a resource, and a name that holds it could pass for another.
 */
export function isResourceName(text: string): boolean {
  if (text.length === 0 || text.length > NAME_CHARACTERS_MAX) return false
  if (!isAlphanumericByte(text.charCodeAt(0)) || !consistsOf(text, NAME_BYTES)) return false
  return !text.includes('..') && !text.includes('//') && !text.endsWith('/')
}

/**
 * Whether `text` is a version: 1 to 128 of letters, digits and `. _ -`, first a letter or digit. A
 * number must be canonical, because upstreams read `01` as version 1.
 */
export function isVersion(text: string): boolean {
  if (text.length === 0 || text.length > VERSION_CHARACTERS_MAX) return false
  if (!isAlphanumericByte(text.charCodeAt(0)) || !consistsOf(text, VERSION_BYTES)) return false
  return (
    !isDigits(text) ||
    (text.length <= VERSION_DIGITS_MAX && (text === '0' || !text.startsWith('0')))
  )
}

/**
 * Whether a request could name a version so, in any form of names: tags of registries may be `07`, and
 * what object stores make up is escaped with `:`.
 */
export function isSomeVersion(text: string): boolean {
  return text.length > 0 && consistsOf(text, NAME_BYTES)
}

function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x39) return false
  }
  return true
}

/**
 * The form in which field names are compared: case-folded, without `_` and `-`. Go matches JSON
 * keys without regard to case, protobuf takes `run_id` and `runId` for the same field; two names
 * with one folded form are a collision, whatever the upstream.
 */
export function foldFieldName(name: string): string {
  return withoutCase(name).replaceAll('_', '').replaceAll('-', '')
}
