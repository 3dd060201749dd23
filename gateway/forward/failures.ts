import type { Reason } from '../domain/reasons.ts'

/** Marks an error that comes from the client's request body, not from the upstream. */
export const BODY_ABORTED = 'ERR_REQUEST_BODY_ABORTED'

/**
 * Set on a socket error in place of `ECONNRESET`: undici 7 takes that code for a clean end of a
 * body without a length, and a truncated answer would look whole.
 */
export const CONNECTION_RESET = 'ERR_UPSTREAM_CONNECTION_RESET'

/** The peer that answered the connection attempt is not an address this upstream may have (I14). */
export const ADDRESS_REFUSED = 'ERR_UPSTREAM_ADDRESS_REFUSED'

const BY_CODE: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  [BODY_ABORTED, 'request_body_aborted'],
  [ADDRESS_REFUSED, 'upstream_connect'],
  ['UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', 'request_body_aborted'],
  ['UND_ERR_CONNECT_TIMEOUT', 'upstream_connect'],
  ['UND_ERR_CLOSED', 'upstream_connect'],
  ['UND_ERR_DESTROYED', 'upstream_connect'],
  ['UND_ERR_HEADERS_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'upstream_timeout'],
  ['UND_ERR_HEADERS_OVERFLOW', 'upstream_invalid'],
  ['UND_ERR_INVALID_ARG', 'internal'],
  ['UND_ERR_NOT_SUPPORTED', 'internal'],
  ['ERR_INVALID_CHAR', 'upstream_invalid'],
  ['ERR_INVALID_HTTP_TOKEN', 'upstream_invalid'],
  ['ERR_HTTP_INVALID_STATUS_CODE', 'upstream_invalid'],
])

/** The stable code of an error, when it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** How far an exchange had come when it failed. */
export type ExchangePhase = 'connecting' | 'waiting' | 'answering'

/**
 * Why an exchange with an upstream failed. While `connecting`, before the request had been put on a
 * connection, every failure is one to connect (DNS, TCP, TLS).
 */
export function failureReason(error: unknown, phase: ExchangePhase): Reason {
  const code = codeOf(error)
  const known = code === undefined ? undefined : BY_CODE.get(code)
  if (known !== undefined) return known
  if (phase === 'connecting') return 'upstream_connect'
  // undici means to give the parser's code here, but in 7.30.2 leaves it out.
  if (isParserError(error))
    return isTruncation(error, phase) ? 'upstream_reset' : 'upstream_invalid'
  if (code === undefined) return 'internal'
  if (code.startsWith('HPE_')) return 'upstream_invalid'
  // Bytes that no request asked for, an unasked 100 or an unasked upgrade: undici has no code.
  if (code === 'UND_ERR_SOCKET' && isBadMessage(error)) return 'upstream_invalid'
  return 'upstream_reset'
}

/** The two ways in which undici reports that an answer broke HTTP/1.1. */
function isParserError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error.name === 'HTTPParserError' || codeOf(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')
  )
}

/** A body shorter than announced, or cut within a chunk, is a connection broken off. */
function isTruncation(error: Error, phase: ExchangePhase): boolean {
  const isCut = error.name !== 'HTTPParserError' || error.message.includes('EOF')
  return phase === 'answering' && isCut
}

function isBadMessage(error: unknown): boolean {
  const message = (error as Error).message
  return message === 'bad response' || message === 'bad upgrade'
}

const CLOSED_EARLY: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'EPIPE',
  'ECONNRESET',
  CONNECTION_RESET,
])

/** Whether a connection was closed under a request, as an idle pooled one may be at any time. */
export function isClosedEarly(error: unknown): boolean {
  const code = codeOf(error)
  return code !== undefined && CLOSED_EARLY.has(code) && !isBadMessage(error)
}
