import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { REASONS, type Reason } from '../domain/reasons.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { problemOf } from './answer.ts'
import type { Services } from './runtime.ts'
import type { Turns } from './streams/turns.ts'

/** What Node's parser found, as a reason; everything that is not here is `framing_invalid`. */
const REASON_OF: ReadonlyMap<string, Reason> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers_too_large'],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 'body_too_large'],
  ['HPE_INVALID_HEADER_TOKEN', 'header_invalid'],
  ['HPE_INVALID_URL', 'target_invalid'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request_timeout'],
  ['ERR_PIPELINE_TOO_LONG', 'overloaded'],
  ['ERR_UPGRADE_PIPELINED', 'upgrade_invalid'],
] satisfies [string, Reason][])

/** The connection broke; nobody said anything that could be refused. */
const BROKEN: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED'])

/** Answers to what came before are still due, and no honest client does this: cut at once. */
const CUT: ReadonlySet<string> = new Set(['ERR_PIPELINE_TOO_LONG', 'ERR_UPGRADE_PIPELINED'])

/** How long a client may take to read why it was refused before the connection is cut. */
const READ_MS = 1_000

/** Refuses what never became a request. */
export type ProtocolRejection = (code: string, socket: Duplex) => void

/**
 * Builds the listener's answer to bytes that Node's parser does not take for a request: one answer,
 * one record and one count per connection, like every other refusal, and then the end of it.
 * Answers before it on the same connection are let out first; bytes behind a request that was
 * itself refused with the end of the connection are nobody's request and get nothing.
 */
export function createProtocolRejection(services: Services, turns: Turns): ProtocolRejection {
  const rejected = new WeakSet<Duplex>()
  const settle = (code: string, socket: Duplex): void => {
    const pending = turns.pending(socket)
    if (pending === undefined) end(services, code, socket)
    else if (pending.response.req.complete) {
      pending.response.once('close', () => end(services, code, socket))
    }
    // It is the body of the pending request that is broken: the answer is for that request, unless
    // its response has begun, in which bytes written now would be read as a part of it.
    else if (!pending.response.headersSent && !pending.waits) end(services, code, socket)
    else if (!pending.response.writableEnded) {
      note(services, code, socket)
      socket.destroy()
    }
  }
  return (code, socket) => {
    // The parser repeats its error with every segment that still arrives.
    if (rejected.has(socket)) return
    rejected.add(socket)
    services.metrics.clientError(code)
    if (CUT.has(code)) note(services, code, socket)
    if (CUT.has(code) || BROKEN.has(code)) socket.destroy()
    // A request that came with the same segment gets to speak first.
    else setImmediate(settle, code, socket)
  }
}

function note(services: Services, code: string, socket: Duplex): Refusal & { readonly id: string } {
  const id = randomUUID()
  const reason = REASON_OF.get(code) ?? 'framing_invalid'
  services.metrics.refusal(reason, 'admit')
  const ip = (socket as { remoteAddress?: string }).remoteAddress
  const fields = { id, reason, stage: 'admit', code, status: REASONS[reason].status, ip }
  services.ledger
    .append({ type: 'protocol.rejected', fields }, 'kernel')
    .catch(() => services.metrics.auditError())
  return { ...refuse(reason), id }
}

function end(services: Services, code: string, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy()
  const refusal = note(services, code, socket)
  const body = JSON.stringify(problemOf(refusal, refusal.id))
  const timer = setTimeout(() => socket.destroy(), READ_MS)
  socket.once('close', () => clearTimeout(timer))
  const { status } = REASONS[refusal.reason]
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\n` +
      `cache-control: no-store\r\ncontent-type: application/problem+json\r\n` +
      `x-content-type-options: nosniff\r\nx-modelgate-decision-id: ${refusal.id}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
