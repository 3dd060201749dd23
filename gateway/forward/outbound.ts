import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { OutboundRequest } from '../domain/ports.ts'
import type { Lane } from './upstream-pools.ts'

/**
 * What undici is told to send. `body` stands for the request's own. A lane for single use asks for
 * `Connection: close` (I15); on the others undici keeps connections that ended well.
 */
export function dispatchOptions(
  request: OutboundRequest,
  body: Readable | Buffer | null,
  lane: Lane,
): Dispatcher.DispatchOptions {
  const { method, path } = request
  const options = { method, path, headers: withLength(request), body }
  return lane.singleUse ? { ...options, reset: true } : options
}

/** RFC 9110 §9.2.2: what may be sent twice. Nothing privileged is, and nothing with a body. */
export function isRepeatable(request: OutboundRequest, lane: Lane): boolean {
  const isSafe = request.method === 'GET' || request.method === 'HEAD'
  return isSafe && request.body === null && !lane.singleUse
}

/** Framing is regenerated: one Content-Length as we count it, or chunks (CVE-2026-1525). */
function withLength(request: OutboundRequest): string[] {
  const { body, contentLength, headers } = request
  if (body === null || Buffer.isBuffer(body) || contentLength === undefined) return headers
  return [...headers, 'content-length', String(contentLength)]
}
