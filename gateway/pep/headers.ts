import { refuse, type Refusal } from '../domain/refusal.ts'
import type { HeaderBag } from '../domain/request.ts'

/**
 * Fields that RFC 9110 defines as lists and that no decision reads as a single value. Every other
 * field that arrives twice is refused (I13): two values are two meanings.
 */
const REPEATABLE: ReadonlySet<string> = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'baggage',
  'cache-control',
  'connection',
  'cookie',
  'forwarded',
  'if-match',
  'if-none-match',
  'pragma',
  'prefer',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'te',
  'trailer',
  'tracestate',
  'via',
  'warning',
  'x-forwarded-for',
])

/** Names that most requests carry, as clients spell them: told apart by one look-up. */
const USUAL = [
  'Host',
  'User-Agent',
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Authorization',
  'Connection',
  'Content-Length',
  'Content-Type',
  'Cookie',
  'Expect',
  'Traceparent',
  'Tracestate',
  'Transfer-Encoding',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Real-IP',
  'X-Request-Id',
]

const LOWER_CASE: ReadonlyMap<string, string> = new Map(
  USUAL.flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
)

/** Bounds of the header block. Node has already bounded its bytes. */
export interface HeaderLimits {
  readonly headerCountMax: number
}

/**
 * Reads Node's raw header list, which is complete where `req.headers` silently drops duplicates,
 * into the only form headers travel in. Refuses names outside `[A-Za-z0-9-]` (an underscore twin
 * becomes the hyphen name behind WSGI: CVE-2025-64484), control characters in values, and
 * repetition of anything that is not a list.
 */
export function readHeaders(raw: readonly string[], limits: HeaderLimits): HeaderBag | Refusal {
  if (raw.length / 2 > limits.headerCountMax) return refuse('headers_too_large')
  const pairs: string[] = []
  const values = new Map<string, string>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = fieldName(raw[i] ?? '')
    const value = raw[i + 1] ?? ''
    if (name === undefined || !isHeaderValue(value)) return refuse('header_invalid')
    const earlier = values.get(name)
    if (earlier !== undefined && !REPEATABLE.has(name)) {
      return refuse(name === 'host' ? 'host_invalid' : 'header_invalid')
    }
    values.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
    pairs.push(name, value)
  }
  return { get: (name) => values.get(name), pairs }
}

/** The name in lower case, or `undefined` when it is none. */
function fieldName(raw: string): string | undefined {
  const usual = LOWER_CASE.get(raw)
  if (usual !== undefined) return usual
  const name = raw.toLowerCase()
  return isHeaderName(name) ? name : undefined
}

function isHeaderName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    const ok = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2d
    if (!ok) return false
  }
  return name.length > 0
}

/** Visible ASCII, space and tab (RFC 9110 §5.5 without obs-text, which peers decode differently). */
function isHeaderValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i)
    if ((c < 0x20 && c !== 0x09) || c > 0x7e) return false
  }
  return true
}
