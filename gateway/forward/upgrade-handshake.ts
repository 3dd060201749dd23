import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { AnswerJudge } from '../domain/ports.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { inboundResponseHeaders } from './headers.ts'
import { acceptFor } from './websocket-frames.ts'

/** Headers of a handshake by lower-case name, as http-proxy takes them. */
export type HandshakeHeaders = Record<string, string>

/**
 * The handshake to send upstream, from cleaned pairs: ours are `Connection`, `Upgrade` and `Host`.
 * Extensions are not offered, so that what is relayed stays readable and cannot be a compression
 * bomb. `undefined` when the request is not a version 13 handshake (RFC 6455 §4.2.1).
 */
export function handshakeHeaders(
  pairs: readonly string[],
  host: string,
): HandshakeHeaders | undefined {
  const headers: HandshakeHeaders = Object.create(null) as HandshakeHeaders
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i] ?? ''
    const value = pairs[i + 1] ?? ''
    const earlier = headers[name]
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  delete headers['sec-websocket-extensions']
  const key = headers['sec-websocket-key'] ?? ''
  if (headers['sec-websocket-version'] !== '13' || !isKey(key)) return undefined
  return { ...headers, host, connection: 'Upgrade', upgrade: 'websocket' }
}

/** 16 bytes in base64. */
function isKey(key: string): boolean {
  return key.length === 24 && Buffer.from(key, 'base64').length === 16
}

/**
 * Whether the upstream really became a WebSocket for this handshake: status 101, `Upgrade:
 * websocket`, the right `Sec-WebSocket-Accept`, no extension, and a protocol that was offered. A
 * proxy that opens the tunnel on less can be made to relay hidden requests (WebSocket smuggling).
 */
export function isAccepted(answer: IncomingMessage, sent: HandshakeHeaders): boolean {
  const { headers } = answer
  const protocol = headers['sec-websocket-protocol']
  const offered = (sent['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
  return (
    answer.statusCode === 101 &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-accept'] === acceptFor(sent['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-extensions'] === undefined &&
    (protocol === undefined || offered.includes(protocol))
  )
}

/**
 * The head that opens the tunnel to the client, as `judge` leaves it, or its refusal. `undefined` when
 * the answer's fields are invalid.
 */
export function switchingHead(
  answer: IncomingMessage,
  judge: Pick<AnswerJudge, 'head'> | undefined,
): string | Refusal | undefined {
  const received = inboundResponseHeaders(answer.headers)
  if (received === undefined) return undefined
  const judged = judge?.head({ status: 101, headers: received })
  if (isRefusal(judged)) return judged
  const pairs = judged?.headers ?? received
  let head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n'
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    if (pairs[i] !== 'content-length') head += `${pairs[i] ?? ''}: ${pairs[i + 1] ?? ''}\r\n`
  }
  return `${head}\r\n`
}

/** Fields of a declined handshake that tell a client how to do better. */
const RELAYED = ['sec-websocket-version', 'retry-after'] as const

/**
 * The answer to a handshake the upstream declined: its status and no more. The body, a redirect or
 * a cookie would reach the client without the response guard.
 */
export function declinedHead(answer: IncomingMessage): string {
  const status = answer.statusCode ?? 502
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Declined'}\r\n`
  for (const name of RELAYED) {
    const value = answer.headers[name]
    if (typeof value === 'string') head += `${name}: ${value}\r\n`
  }
  return `${head}content-length: 0\r\nconnection: close\r\n\r\n`
}
