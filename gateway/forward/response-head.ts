import type { IncomingHttpHeaders } from 'node:http'
import type { ResponseHead } from '../domain/ports.ts'
import { REASONS, type Reason } from '../domain/reasons.ts'
import { inboundResponseHeaders, type InboundHeaderOptions } from './headers.ts'

/**
 * What of an upstream's head may go on to the guard; `undefined` when the head is not valid as a
 * whole: a status outside 200 to 599, a transfer coding other than chunked, or a header block that
 * {@link inboundResponseHeaders} refuses.
 */
export function validHead(
  status: number,
  headers: IncomingHttpHeaders,
  options: InboundHeaderOptions,
): ResponseHead | undefined {
  if (status < 200 || status > 599 || !isCodingKnown(headers)) return undefined
  const pairs = inboundResponseHeaders(headers, options)
  return pairs === undefined ? undefined : { status, headers: pairs }
}

/** undici reads an unknown coding up to the end of the connection, as if there were none. */
function isCodingKnown(headers: IncomingHttpHeaders): boolean {
  const coding: unknown = headers['transfer-encoding']
  if (coding === undefined) return true
  return typeof coding === 'string' && coding.toLowerCase() === 'chunked'
}

/** The first value of a field, by its lower-case name. */
export function fieldOf(head: ResponseHead | undefined, name: string): string | undefined {
  const headers = head?.headers ?? []
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

/** Whether the answer has no body, whatever its fields say (RFC 9110 §6.4.1). */
export function isBodyless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304
}

/** Whether the answer is a stream of server-sent events. */
export function isEventStream(head: ResponseHead | undefined): boolean {
  return fieldOf(head, 'content-type')?.toLowerCase().startsWith('text/event-stream') === true
}

/** The fields to write: RFC 9110 §8.6 allows no Content-Length in a 204. */
export function fieldsToWrite(head: ResponseHead): string[] {
  const { status, headers } = head
  if (status !== 204) return headers as string[]
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'content-length')
}

/** A last server-sent event that says why the stream ends; an unfinished event is ended first. */
export function errorEvent(reason: Reason): string {
  const { title } = REASONS[reason]
  const data = JSON.stringify({ error: { message: title, code: reason } })
  return `\n\nevent: error\ndata: ${data}\n\n`
}
