import { constants, type OutgoingHttpHeaders } from 'node:http2'
import { grpcMessage, grpcStatusOf } from '../../domain/grpc-status.ts'
import { REASONS } from '../../domain/reasons.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { CallExchange } from '../exchange.ts'

/** The name under which a call is told the id of its record. */
export const DECISION_ID_FIELD = 'modelgate-decision-id'

/**
 * Answers a refused call: HTTP 200 and nothing but trailers that say what, why and what to do (gRPC
 * over HTTP/2, Trailers-Only). What is no gRPC at all gets 415 with the same fields, as the protocol
 * asks. Every text is a constant or was validated by the gateway.
 * @returns the HTTP status that stands for the refusal, for metrics
 */
export function answerCall(exchange: CallExchange, refusal: Refusal): number {
  const { stream, runtime } = exchange
  const { status } = REASONS[refusal.reason]
  if (stream.destroyed || stream.closed || stream.headersSent) return status
  const isForeign = refusal.reason === 'body_encoding' && exchange.admitted === undefined
  const headers: OutgoingHttpHeaders = {
    ':status': isForeign ? 415 : 200,
    'content-type': 'application/grpc',
    ...fieldsOf(refusalTrailers(exchange, refusal)),
    'x-request-id': exchange.admitted?.requestId ?? exchange.id,
    ...(status === 401 ? { 'www-authenticate': runtime.challenge(refusal) } : {}),
    ...(refusal.reason === 'body_encoding'
      ? { 'grpc-accept-encoding': 'identity,gzip,deflate' }
      : {}),
  }
  stream.respond(headers, { endStream: true })
  // A client still sending is told that nobody listens any more (RFC 9113 §8.1).
  setImmediate(() => {
    if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  })
  return status
}

/** The trailers that tell of a refusal: pairs. */
export function refusalTrailers(
  { id }: Pick<CallExchange, 'id'>,
  refusal: Refusal,
): readonly string[] {
  const { title, remedy } = REASONS[refusal.reason]
  const why = refusal.detail === undefined ? '' : ` ${refusal.detail}`
  const text = `${title} (${refusal.reason}).${why} ${remedy} Decision ${id}`
  return [
    'grpc-status',
    String(grpcStatusOf(refusal.reason)),
    'grpc-message',
    grpcMessage(text),
    DECISION_ID_FIELD,
    id,
  ]
}

function fieldsOf(pairs: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i + 1 < pairs.length; i += 2) fields[pairs[i] ?? ''] = pairs[i + 1] ?? ''
  return fields
}
