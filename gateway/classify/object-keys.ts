/** How keys of object stores, which may be any text, are written as names of models. */
import { Buffer } from 'node:buffer'
import { isAlphanumericByte } from './names.ts'

const KEY_CHARACTERS_MAX = 1024
const SLASH = 0x2f
const DOT = 0x2e

/**
 * A key as a name: letters, digits and `. _ - /` as they are, every other byte as `:` and two hex
 * digits, and likewise a `/` after a `/` or at the end, and a `.` after a `.`. Two keys never have
 * the same name. `undefined` for an empty key, or one past 1024 characters.
 */
export function escapeKey(text: string): string | undefined {
  if (text.length === 0 || text.length > KEY_CHARACTERS_MAX) return undefined
  const bytes = Buffer.from(text)
  let name = ''
  for (const [at, byte] of bytes.entries()) {
    name += isPlain(bytes, at) ? String.fromCharCode(byte) : `:${hex(byte)}`
  }
  return name
}

function isPlain(bytes: Buffer, at: number): boolean {
  const byte = bytes[at] ?? 0
  if (byte === SLASH) return at > 0 && at < bytes.length - 1 && bytes[at - 1] !== SLASH
  if (byte === DOT) return bytes[at - 1] !== DOT
  return isAlphanumericByte(byte) || byte === 0x5f || byte === 0x2d
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/
const ENCODED_TWICE = /%[0-9A-Fa-f]{2}/

/**
 * The object that `x-amz-copy-source` names: `bucket/key` or `/bucket/key`, percent-encoded, with
 * `?versionId=` behind it. `undefined` for what stores read differently: ARNs and URLs, `+`,
 * fragments, dot segments, text encoded twice.
 */
export function parseCopySource(text: string): { name: string; version?: string } | undefined {
  if (text.length > 3 * KEY_CHARACTERS_MAX || /[+#\\]/.test(text)) return undefined
  const [path = '', query, ...rest] = text.split('?')
  const name = rest.length > 0 ? undefined : parseSourcePath(path)
  if (name === undefined || query === undefined) return name === undefined ? undefined : { name }
  const version = parseSourceVersion(query)
  return version === undefined ? undefined : { name, version }
}

function parseSourcePath(path: string): string | undefined {
  const source = decode(path)?.replace(/^\//, '')
  if (source === undefined || ENCODED_TWICE.test(source) || DOT_SEGMENT.test(source)) {
    return undefined
  }
  const slash = source.indexOf('/')
  const isObject = slash !== -1 && slash < source.length - 1 && BUCKET.test(source.slice(0, slash))
  return isObject ? escapeKey(source) : undefined
}

function parseSourceVersion(query: string): string | undefined {
  const version = query.startsWith('versionId=') ? decode(query.slice(10)) : undefined
  return version === undefined ? undefined : escapeKey(version)
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
