import { invariant } from '../domain/errors.ts'
import { REASONS } from '../domain/reasons.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { ErrorShape } from '../domain/request.ts'
import { ociErrors, refusalText, s3Error, type DialectAnswer } from './error-dialects.ts'
import type { Exchange, HttpExchange } from './exchange.ts'
import { answerCall } from './grpc/call-answer.ts'
import type { Answer } from './result.ts'

/** Where the meaning of a reason code is documented; a URN needs no server (RFC 9457 §3.1.1). */
const PROBLEM_TYPE = 'urn:modelgate:problem:'

/**
 * Answers a refusal as RFC 9457 problem details, or in the error shape that the clients of the route
 * parse. Every text is a constant or was validated by the gateway.
 */
export function answerRefusal(exchange: Exchange, refusal: Refusal): number {
  if (exchange.transport === 'grpc') return answerCall(exchange, refusal)
  const { status } = REASONS[refusal.reason]
  const { type, body } = bodyOf(exchange, refusal)
  const headers: Record<string, string> = {
    'content-type': type,
    ...refusalHeaders(exchange, refusal, status),
  }
  send(exchange, status, headers, body)
  return status
}

function bodyOf(exchange: HttpExchange, refusal: Refusal): DialectAnswer {
  const shape = errorShapeOf(exchange)
  if (shape === 's3') return s3Error(refusal, exchange.id)
  if (shape === 'oci') return ociErrors(refusal, exchange.id)
  if (shape === 'openai') {
    return { type: 'application/json', body: JSON.stringify(openaiError(exchange, refusal)) }
  }
  const problem = {
    ...problemOf(refusal, exchange.id),
    // Where model servers say what went wrong, and where their clients look for it.
    error: refusalText(refusal, exchange.id),
    ...failedConditions(exchange),
  }
  return { type: 'application/problem+json', body: JSON.stringify(problem) }
}

/** A route may speak another dialect than its pack; before it is known, the pack's holds. */
function errorShapeOf(exchange: Exchange): ErrorShape | undefined {
  return exchange.classification?.errorShape ?? exchange.admitted?.route?.entry.errorShape
}

/** Sends a document of the gateway's own. */
export function answerDocument(exchange: Exchange, answer: Answer): void {
  invariant(exchange.transport === 'http', 'the documents of the gateway are for HTTP')
  const headers = {
    'content-type': answer.contentType,
    'cache-control': answer.cacheControl ?? 'public, max-age=300',
  }
  send(exchange, answer.status, headers, answer.body)
}

/** The problem details of a refusal (RFC 9457 §3), named by the id of its record. */
export function problemOf(refusal: Refusal, id: string): object {
  const entry = REASONS[refusal.reason]
  return {
    type: `${PROBLEM_TYPE}${refusal.reason}`,
    title: entry.title,
    status: entry.status,
    detail: refusal.detail ?? entry.title,
    reason: refusal.reason,
    remedy: entry.remedy,
    decision_id: id,
  }
}

/** All four keys of OpenAI's `Error` are required by its clients; ours come after them. */
function openaiError(exchange: Exchange, refusal: Refusal): object {
  const entry = REASONS[refusal.reason]
  return {
    error: {
      message: `${refusal.detail ?? `${entry.title}. ${entry.remedy}`} (decision ${exchange.id})`,
      type: openaiType(entry.status),
      param: null,
      code: refusal.reason,
      decision_id: exchange.id,
      remedy: entry.remedy,
      ...failedConditions(exchange),
    },
  }
}

function openaiType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** Which rule and which of its conditions stood in the way: refused callers learn what to do. */
function failedConditions(exchange: Exchange): object {
  const against = exchange.decisions?.find(({ decision }) => decision.effect !== 'permit')?.decision
  if (against === undefined) return {}
  const { rule, failedConditions: failed, revision } = against
  return {
    ...(rule === undefined ? {} : { rule: `${rule.file}:${rule.line}` }),
    ...(failed.length === 0
      ? {}
      : { conditions: failed.map(({ name, truth, detail }) => ({ name, is: truth, detail })) }),
    policy_revision: revision,
  }
}

function refusalHeaders(
  exchange: HttpExchange,
  refusal: Refusal,
  status: number,
): Record<string, string> {
  return {
    'cache-control': 'no-store',
    ...(status === 401 ? { 'www-authenticate': exchange.runtime.challenge(refusal) } : {}),
    ...(refusal.retryAfter === undefined ? {} : { 'retry-after': String(refusal.retryAfter) }),
    ...(refusal.allow === undefined ? {} : { allow: refusal.allow.join(', ') }),
    ...(mustClose(exchange, status) ? { connection: 'close' } : {}),
    // An answer to HEAD has no body to say it in; clients of the Hugging Face Hub show this field.
    ...(exchange.request.method === 'HEAD'
      ? { 'x-error-message': `${REASONS[refusal.reason].title}. ${REASONS[refusal.reason].remedy}` }
      : {}),
  }
}

/**
 * A connection is kept only when the next request on it is certain to begin where this one ended:
 * never after a protocol error, and never with body bytes still to come.
 */
function mustClose(exchange: Exchange, status: number): boolean {
  const { admitted } = exchange
  return admitted === undefined || status >= 500 || !admitted.body.finished
}

function send(
  exchange: HttpExchange,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  const { response, request } = exchange
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    ...headers,
    'x-request-id': exchange.admitted?.requestId ?? exchange.id,
    'x-modelgate-decision-id': exchange.id,
    'x-content-type-options': 'nosniff',
    'content-length': String(Buffer.byteLength(body)),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
