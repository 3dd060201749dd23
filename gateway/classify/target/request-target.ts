/**
 * The only place where a request target is parsed (I1). What is not canonical is refused and never
 * repaired: backends disagree about what a non-canonical path means, so there is no right repair.
 * The path that was judged is, byte for byte, the path that is forwarded.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RequestTarget } from '../../domain/request.ts'

/** Bounds of a request target. */
export interface RequestTargetLimits {
  /** Of the whole target, path and query. */
  readonly targetBytesMax: number
  /** Path segments; 256 in the shipped configuration. */
  readonly segmentsMax: number
  /** Of one segment as received; 1024 in the shipped configuration. */
  readonly segmentBytesMax: number
  /** Parameters in the query; 256 in the shipped configuration. */
  readonly queryParametersMax: number
  /** Which of `/ \\ ; : # ?` a segment may hold percent-encoded, because some upstream takes it. */
  readonly encodable?: string
  /** Whether empty segments before the last pass, because some upstream takes them. */
  readonly emptySegments?: boolean
}

const SLASH = 0x2f
const PERCENT = 0x25
const AMPERSAND = 0x26
const HASH = 0x23

const UNRESERVED = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'
// RFC 3986 §3.3 pchar, without `;`: servlet containers cut path parameters off (CVE-2024-1593).
const PATH_BYTES = table(`${UNRESERVED}!$&'()*+,=:@`)
// Encoded, these are read differently by decoding and non-decoding backends, so they are refused:
// unreserved characters (`%69nfer`, `%2e%2e`) always, and those that move a boundary when decoded
// unless some upstream's routes say that it takes them.
const UNRESERVED_BYTES = table(UNRESERVED)
const NEVER_ENCODED = table('/\\;:#?')

function table(characters: string): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const character of characters) bytes[character.charCodeAt(0)] = 1
  return bytes
}

/**
 * Parses an origin-form target (RFC 9112 §3.2.1). Refuses with `target_too_long` past the limits,
 * else `target_invalid` for: other forms; bytes outside 0x21..0x7E or outside RFC 3986 `pchar`;
 * `\`, `#`, `;`; empty segments (a single trailing slash is kept, as a different route);
 * `.` and `..` segments; invalid percent-encoding; percent-encoded unreserved characters, `/`,
 * `\`, `;`, `:`, `#`, `?` and controls; `%25` before two hex digits (double encoding,
 * CVE-2024-1560); invalid UTF-8 and C1 controls. The query may hold any printable ASCII but `#`, with valid
 * percent-encoding. What `limits` lets pass of this is told in the target. Time is linear in the
 * length of `raw`.
 *
 * @param raw the target as received; untrusted
 */
export function parseRequestTarget(
  raw: string,
  limits: RequestTargetLimits,
): RequestTarget | Refusal {
  if (raw.length > limits.targetBytesMax) return refuse('target_too_long')
  if (raw.charCodeAt(0) !== SLASH) return refuse('target_invalid')
  const mark = raw.indexOf('?')
  const path = mark === -1 ? raw : raw.slice(0, mark)
  const split = splitPath(path, limits)
  if (isRefusal(split)) return split
  const { segments, encoded, emptySegments } = split
  if (mark === -1) return { path, query: undefined, segments, encoded, emptySegments }
  const query = raw.slice(mark + 1)
  return checkQuery(query, limits) ?? { path, query, segments, encoded, emptySegments }
}

/**
 * The target below `prefix` (`/team-a` of `/team-a/v2/x` gives `/v2/x`), or `undefined` when the
 * path is not below it. Whole segments are compared, never characters, so that `/team-ax` is not
 * below `/team-a`, and what remains is canonical again.
 */
export function stripPathPrefix(target: RequestTarget, prefix: string): RequestTarget | undefined {
  if (prefix === '' || prefix === '/') return target
  if (!target.path.startsWith(prefix)) return undefined
  const rest = target.path.slice(prefix.length)
  if (rest !== '' && rest.charCodeAt(0) !== SLASH) return undefined
  if (rest === '') return { ...target, path: '/', segments: [''] }
  const depth = prefix.split('/').length - 1
  return { ...target, path: rest, segments: target.segments.slice(depth) }
}

type SplitPath = Pick<RequestTarget, 'segments' | 'encoded' | 'emptySegments'>

function splitPath(path: string, limits: RequestTargetLimits): SplitPath | Refusal {
  const segments: string[] = []
  let encoded = ''
  let emptySegments = false
  for (let start = 1; start <= path.length;) {
    const slash = path.indexOf('/', start)
    const end = slash === -1 ? path.length : slash
    if (segments.length === limits.segmentsMax) return refuse('target_too_long')
    if (end - start > limits.segmentBytesMax) return refuse('target_too_long')
    const found = encodedIn(path, start, end, limits.encodable ?? '')
    const segment = found === undefined ? undefined : parseSegment(path.slice(start, end))
    if (found === undefined || segment === undefined) return refuse('target_invalid')
    if (segment === '' && slash !== -1) {
      if (limits.emptySegments !== true) return refuse('target_invalid')
      emptySegments = true
    }
    segments.push(segment)
    encoded += found
    start = end + 1
  }
  return { segments, encoded, emptySegments }
}

/** Which of {@link NEVER_ENCODED} are encoded there; `undefined` when a byte may not stand there. */
function encodedIn(
  path: string,
  start: number,
  end: number,
  encodable: string,
): string | undefined {
  let encoded = ''
  for (let at = start; at < end; at++) {
    const code = path.charCodeAt(at)
    if (code !== PERCENT) {
      if (PATH_BYTES[code] !== 1) return undefined
      continue
    }
    const character = encodedAt(path, at)
    if (character === undefined) return undefined
    if (NEVER_ENCODED[character.charCodeAt(0)] === 1) {
      if (!encodable.includes(character)) return undefined
      encoded += character
    }
    at += 2
  }
  return encoded
}

function parseSegment(raw: string): string | undefined {
  if (raw === '.' || raw === '..') return undefined
  if (!raw.includes('%')) return raw
  try {
    const text = decodeURIComponent(raw)
    return hasC1Control(text) || isDotted(text) ? undefined : text
  } catch {
    return undefined // Invalid or overlong UTF-8: `%c0%ae`.
  }
}

/** An encoded slash must not bring back what dot segments would have been. */
function isDotted(text: string): boolean {
  return /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(text)
}

/** U+0080..U+009F: U+0085 is a line break to Python's `splitlines`. */
function hasC1Control(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x80 && code <= 0x9f) return true
  }
  return false
}

/**
 * The character of the triplet at `at` when it is one that may travel encoded somewhere: never a
 * control, an unreserved character (they have one spelling), or a `%` that would decode twice.
 */
function encodedAt(path: string, at: number): string | undefined {
  const value = tripletValue(path, at)
  if (value < 0x20 || value === 0x7f || UNRESERVED_BYTES[value] === 1) return undefined
  if (value === PERCENT && tripletValue(path, at + 2) !== -1) return undefined
  return String.fromCharCode(value)
}

/** The byte that the two hex digits after `at` say, or -1 when they are not two hex digits. */
function tripletValue(text: string, at: number): number {
  const high = hexValue(text.charCodeAt(at + 1))
  const low = hexValue(text.charCodeAt(at + 2))
  return high === -1 || low === -1 ? -1 : high * 16 + low
}

function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function checkQuery(query: string, limits: RequestTargetLimits): Refusal | undefined {
  let parameters = 1
  for (let at = 0; at < query.length; at++) {
    const code = query.charCodeAt(at)
    if (code < 0x21 || code > 0x7e || code === HASH) return refuse('target_invalid')
    if (code === PERCENT && tripletValue(query, at) === -1) return refuse('target_invalid')
    if (code === AMPERSAND && ++parameters > limits.queryParametersMax) {
      return refuse('target_too_long')
    }
  }
  return undefined
}

/** A parsed `Host`: lower-case name, IPv4, or IPv6 in brackets, with the port when written. */
export interface Host {
  readonly host: string
  readonly port?: number
}

/**
 * Parses the value of the one `Host` header (RFC 9112 §3.2, I5): a name of letters, digits, `-`
 * and `_` in labels of 1 to 63, a canonical IPv4, or `[IPv6]` without a zone; optionally a port of
 * 1 to 65535 without leading zeros. Userinfo, a path, a query, a trailing dot and white space are
 * refused with `host_invalid` (CVE-2026-48746: `Host: gw/v1?` chose another route upstream).
 *
 * @param raw untrusted; `undefined` when the header is absent
 */
export function parseHost(raw: string | undefined): Host | Refusal {
  if (raw === undefined || raw.length === 0 || raw.length > 261) return refuse('host_invalid')
  const bracketEnd = raw.charCodeAt(0) === 0x5b ? raw.indexOf(']') : -1
  const colon = raw.indexOf(':', bracketEnd + 1)
  const name = (colon === -1 ? raw : raw.slice(0, colon)).toLowerCase()
  if (!(bracketEnd === -1 ? isName(name) : isBracketed(name))) return refuse('host_invalid')
  if (colon === -1) return { host: name }
  const port = parsePort(raw.slice(colon + 1))
  return port === undefined ? refuse('host_invalid') : { host: name, port }
}

function isBracketed(name: string): boolean {
  const address = name.slice(1, -1)
  return name.endsWith(']') && !address.includes('%') && isIPv6(address)
}

function isName(name: string): boolean {
  if (name.length > 255) return false
  const labels = name.split('.')
  const last = labels.at(-1) ?? ''
  // An all-digit last label can only be an address, which must then be a canonical one.
  if (isDigits(last)) return isIPv4(name)
  return labels.every(isLabel)
}

const LABEL_BYTES = table('abcdefghijklmnopqrstuvwxyz0123456789-_')

function isLabel(label: string): boolean {
  if (label.length === 0 || label.length > 63) return false
  for (let at = 0; at < label.length; at++) {
    if (LABEL_BYTES[label.charCodeAt(at)] !== 1) return false
  }
  return !label.startsWith('-') && !label.endsWith('-')
}

function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x39) return false
  }
  return text.length > 0
}

function parsePort(text: string): number | undefined {
  if (text.length > 5 || !isDigits(text) || text.startsWith('0')) return undefined
  const port = Number(text)
  return port <= 65_535 ? port : undefined
}
