/** The metadata of a gRPC call: what goes upstream and what comes back (gRPC over HTTP/2). */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { HeaderBag } from '../domain/request.ts'
import {
  inboundResponseHeaders,
  outboundHeaders,
  type InboundHeaderOptions,
  type OutboundHeaderOptions,
} from './headers.ts'

/** What the gateway itself says besides. */
export interface CallHeaderOptions extends OutboundHeaderOptions {
  /** What is left of the time the client gave the call, milliseconds. */
  readonly timeoutMs: number | undefined
}

/** Written by the gateway, whatever the caller says. */
const REPLACED: ReadonlySet<string> = new Set(['accept-encoding', 'grpc-timeout', 'via'])

/** `grpc-timeout` has at most eight digits. */
const TIMEOUT_MS_MAX = 99_999_999

/**
 * The metadata that goes upstream: everything {@link outboundHeaders} lets through, `te: trailers`,
 * and what is left of the deadline. An answer that is inspected must not be compressed.
 */
export function callHeaders(received: HeaderBag, options: CallHeaderOptions): string[] {
  const kept: string[] = ['te', 'trailers']
  const pairs = outboundHeaders(received, options)
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] ?? ''
    if (REPLACED.has(name) || (options.inspect && name === 'grpc-accept-encoding')) continue
    kept.push(name, pairs[i + 1] ?? '')
  }
  const via = received.get('via')
  kept.push('via', via === undefined ? '2.0 modelgate' : `${via}, 2.0 modelgate`)
  if (options.inspect) kept.push('grpc-accept-encoding', 'identity')
  if (options.timeoutMs !== undefined) {
    kept.push('grpc-timeout', `${Math.min(TIMEOUT_MS_MAX, Math.ceil(options.timeoutMs))}m`)
  }
  return kept
}

/** Pairs as node:http2 takes them. */
export function headersObject(pairs: readonly string[]): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string>
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] ?? ''
    const value = pairs[i + 1] ?? ''
    const before = headers[name]
    headers[name] = before === undefined ? value : [before, value].flat()
  }
  return headers
}

/**
 * The metadata of an answer, or its trailers, that may go on: pairs, or `undefined` when the block
 * is invalid as a whole. Pseudo-fields are left out.
 */
export function callMetadata(
  headers: IncomingHttpHeaders,
  options: InboundHeaderOptions,
): string[] | undefined {
  const fields: Record<string, string | string[] | undefined> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(':')) fields[name] = value
  }
  // Between the upstream and this gateway; what leaves is framed anew.
  delete fields['content-length']
  return inboundResponseHeaders(fields, options)
}

/** The value of a field in pairs. */
export function valueIn(pairs: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1]
  return undefined
}
