/** Stage 1 for gRPC calls: one meaning for the head of a stream (RFC 9113 §8.3, gRPC over HTTP/2). */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { HeaderBag } from '../../domain/request.ts'
import type { AdmittedRequest, CallExchange } from '../exchange.ts'
import { readHeaders } from '../headers.ts'

/** What {@link readCallHead} establishes. */
export type CallHead = Pick<AdmittedRequest, 'method' | 'headers' | 'target' | 'host'>

const PSEUDO_FIELDS: readonly string[] = [':method', ':scheme', ':authority', ':path']

/** Fields of one connection of HTTP/1.1: malformed in HTTP/2 (RFC 9113 §8.2.2). */
const CONNECTION_FIELDS: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]

const CONTENT_TYPES: readonly (string | undefined)[] = [
  'application/grpc',
  'application/grpc+proto',
]

const NOT_GRPC = 'Send gRPC with protobuf messages: content-type application/grpc.'
const NO_TE = 'Send te: trailers, without which trailers may be lost.'
const BAD_TIMEOUT = 'Send grpc-timeout as at most eight digits and one of H, M, S, m, u, n.'

/** Reads the head, or refuses it; nothing is repaired. */
export function readCallHead(exchange: CallExchange): CallHead | Refusal {
  const { runtime, fields } = exchange
  const pseudo = readPseudoFields(fields)
  if (pseudo === undefined) return refuse('header_invalid')
  const { method, path, authority } = pseudo
  if (method !== 'POST') return refuse('method_unknown', { allow: ['POST'] })
  const headers = readHeaders(fields.slice(2 * pseudo.count), runtime.limits)
  if (isRefusal(headers)) return headers
  const refusal = checkFields(headers)
  if (refusal !== undefined) return refusal
  const timeoutMs = readTimeout(headers.get('grpc-timeout'))
  if (isRefusal(timeoutMs)) return timeoutMs
  const target = runtime.parseTarget(path)
  if (isRefusal(target)) return target
  if (target.query !== undefined) return refuse('target_invalid')
  const host = readHost(exchange, authority, headers)
  if (isRefusal(host)) return host
  if (timeoutMs !== undefined) exchange.deadlineMs = exchange.startedMs + timeoutMs
  return { method, headers, target, host }
}

interface PseudoFields {
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly count: number
}

/** Each once, before all other fields, and no other but these. */
function readPseudoFields(fields: readonly string[]): PseudoFields | undefined {
  const values = new Map<string, string>()
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? ''
    if (!name.startsWith(':')) continue
    const isKnown = PSEUDO_FIELDS.includes(name) && !values.has(name)
    if (!isKnown || i !== 2 * values.size) return undefined
    values.set(name, fields[i + 1] ?? '')
  }
  return wholePseudoFields(values)
}

function wholePseudoFields(values: ReadonlyMap<string, string>): PseudoFields | undefined {
  const [method, path, scheme = ''] = [':method', ':path', ':scheme'].map((one) => values.get(one))
  if (method === undefined || path === undefined || !/^https?$/.test(scheme)) return undefined
  return { method, path, authority: values.get(':authority') ?? '', count: values.size }
}

function checkFields(headers: HeaderBag): Refusal | undefined {
  if (CONNECTION_FIELDS.some((name) => headers.get(name) !== undefined)) {
    return refuse('header_invalid')
  }
  if (headers.get('expect') !== undefined) return refuse('expectation_failed')
  if (!CONTENT_TYPES.includes(headers.get('content-type'))) {
    return refuse('body_encoding', { detail: NOT_GRPC })
  }
  // The messages have their own compression; one around them all would hide them.
  if (headers.get('content-encoding') !== undefined) return refuse('body_encoding')
  return headers.get('te') === 'trailers' ? undefined : refuse('header_invalid', { detail: NO_TE })
}

/** `Host` may say again what `:authority` says, and nothing else (RFC 9113 §8.3.1). */
function readHost(
  { runtime }: CallExchange,
  authority: string,
  headers: HeaderBag,
): string | Refusal {
  const again = headers.get('host')
  if (again !== undefined && again.toLowerCase() !== authority.toLowerCase()) {
    return refuse('host_invalid')
  }
  return runtime.acceptHost(authority)
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['H', 3_600_000],
  ['M', 60_000],
  ['S', 1_000],
  ['m', 1],
  ['u', 1e-3],
  ['n', 1e-6],
])

function readTimeout(text: string | undefined): number | undefined | Refusal {
  if (text === undefined) return undefined
  const unit = UNIT_MS.get(text.slice(-1))
  if (unit === undefined || !/^\d{1,8}.$/.test(text)) {
    return refuse('header_invalid', { detail: BAD_TIMEOUT })
  }
  return Number(text.slice(0, -1)) * unit
}
