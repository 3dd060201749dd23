import type { IncomingHttpHeaders } from 'node:http'
import type { HeaderBag } from '../domain/request.ts'
import {
  canonicalName,
  connectionNamed,
  HOP_BY_HOP,
  isManagedHeader,
  isManagedResponseHeader,
} from './header-names.ts'

/** What the gateway itself says to the upstream. */
export interface OutboundHeaderOptions {
  /** The id of this request; replaces any the caller sent. */
  readonly requestId: string
  /** The client address as judged. */
  readonly clientIp: string
  /** Scheme the client used, for `X-Forwarded-Proto`. */
  readonly proto?: 'http' | 'https'
  /** The signed identity assertion (`X-Modelgate-Assertion`). */
  readonly assertion?: string | undefined
  /** The upstream's own credential; its name replaces a field of that name from the caller. */
  readonly credential?: readonly [name: string, value: string] | undefined
  /** The response will be inspected: no ranges and no content coding may hide its first bytes. */
  readonly inspect: boolean
  /** Fields the gateway itself reads by configuration (posture, country): lower case, never sent on. */
  readonly managed?: ReadonlySet<string> | undefined
  /** Let the caller's `Authorization` through. Off: its token never reaches an upstream. */
  readonly passAuthorization?: boolean
  readonly passCookies?: boolean
}

/** Never forwarded, besides hop-by-hop and managed fields; framing and Host are regenerated. */
const NEVER: ReadonlySet<string> = new Set(['expect', 'host', 'content-length', 'via'])

const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'dpop'])

/** Fields by which a caller could get a part or a coding of a body that the guard cannot read. */
const INSPECTION_EVADING: ReadonlySet<string> = new Set([
  'a-im',
  'accept-encoding',
  'if-range',
  'range',
  'request-range',
  'x-ms-range',
  'x-range',
])

/**
 * The fields that go upstream: name, value, name, value … The order of the steps is the point (I4):
 * first everything that belongs to the client's connection goes, and what its `Connection` names;
 * then everything the gateway alone may say; ours are added last, so nothing received can remove
 * or double them. Framing (`Content-Length`, `Transfer-Encoding`) is not here: the forwarder
 * regenerates it.
 */
export function outboundHeaders(received: HeaderBag, options: OutboundHeaderOptions): string[] {
  const connection = received.get('connection')?.toLowerCase()
  const named = isPlain(connection) ? undefined : connectionNamed(connection)
  const replaced =
    options.credential === undefined ? undefined : canonicalName(options.credential[0])
  const kept: string[] = []
  const { pairs } = received
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = canonicalName(pairs[i] ?? '')
    if (HOP_BY_HOP.has(name) || named?.has(name) === true) continue
    if (name === replaced || isWithheld(name, options)) continue
    kept.push(name, pairs[i + 1] ?? '')
  }
  addOwn(kept, received.get('via'), options)
  return kept
}

function isPlain(connection: string | undefined): connection is undefined {
  return connection === undefined || connection === 'keep-alive' || connection === 'close'
}

function isWithheld(name: string, options: OutboundHeaderOptions): boolean {
  if (NEVER.has(name) || isManagedHeader(name) || options.managed?.has(name) === true) return true
  if (CREDENTIALS.has(name)) return options.passAuthorization !== true
  if (name === 'cookie') return options.passCookies !== true
  return options.inspect && INSPECTION_EVADING.has(name)
}

/** Ours, last. RFC 9110 §7.6.3 asks a gateway to append to `Via`. */
function addOwn(kept: string[], via: string | undefined, options: OutboundHeaderOptions): void {
  if (options.inspect) kept.push('accept-encoding', 'identity')
  kept.push('via', via === undefined ? '1.1 modelgate' : `${via}, 1.1 modelgate`)
  kept.push('x-request-id', options.requestId, 'x-forwarded-for', options.clientIp)
  if (options.proto !== undefined) kept.push('x-forwarded-proto', options.proto)
  if (options.assertion !== undefined) kept.push('x-modelgate-assertion', options.assertion)
  if (options.credential !== undefined) kept.push(...options.credential)
}

/** What to keep of an upstream's answer. */
export interface InboundHeaderOptions {
  /** Keep `Set-Cookie`. Off: an upstream cookie could give access past the gateway. */
  readonly keepSetCookie?: boolean
}

/** One field value past this many characters makes the whole answer invalid (I17). */
const VALUE_CHARS_MAX = 8 * 1024

/** And so does a header block past this many characters, or past this many fields. */
const BLOCK_CHARS_MAX = 16 * 1024
const FIELDS_MAX = 128

/**
 * The fields of an upstream's answer that may go on: name, value, name, value …, lower case.
 * Hop-by-hop fields, what `Connection` names, alternative services, internal-redirect fields of
 * proxies and announcements of trailers are removed. `undefined` when the block is over its bounds
 * or a name or value holds what could split a response: the answer is then invalid as a whole.
 *
 * @param headers as a strict HTTP parser gives them, lower-case names.
 */
export function inboundResponseHeaders(
  headers: IncomingHttpHeaders,
  options: InboundHeaderOptions = {},
): string[] | undefined {
  const connection = textOf(headers.connection)?.toLowerCase()
  const named = isPlain(connection) ? undefined : connectionNamed(connection)
  const kept: string[] = []
  for (const name of Object.keys(headers)) {
    if (isDropped(name, options) || named?.has(name) === true) continue
    const value = headers[name]
    if (typeof value === 'string') kept.push(name, value)
    else for (const one of value ?? []) kept.push(name, one)
  }
  return isWithinBounds(kept) ? kept : undefined
}

function isDropped(name: string, options: InboundHeaderOptions): boolean {
  if (HOP_BY_HOP.has(name) || isManagedResponseHeader(name)) return true
  return name === 'set-cookie' && options.keepSetCookie !== true
}

/** A parser gives a repeated field as a list, whatever the declared type says. */
function textOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(',') : value
}

function isWithinBounds(pairs: readonly string[]): boolean {
  if (pairs.length > FIELDS_MAX * 2) return false
  let total = 0
  for (const text of pairs) {
    if (text.length > VALUE_CHARS_MAX || CONTROL.test(text)) return false
    total += text.length
  }
  return total <= BLOCK_CHARS_MAX
}

/**
 * CR, LF and NUL split responses; the other controls have no meaning in a field (RFC 9110 §5.5).
 * One character class: linear.
 */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/
