import { refuse, type Refusal } from '../domain/refusal.ts'
import type { BodyFraming, HeaderBag, Method } from '../domain/request.ts'

/** Methods for which a chunked body is never legitimate here and has smuggled (CVE-2026-29057). */
const NEVER_CHUNKED: ReadonlySet<Method> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

const BODY_METHODS: ReadonlySet<Method> = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * The framing checks that Node's parser does not make (RFC 9112 §6): exact Content-Length, exactly
 * `chunked` and only on HTTP/1.1, never both.
 */
export function readFraming(
  method: Method,
  httpVersion: string,
  headers: HeaderBag,
): BodyFraming | Refusal {
  const length = headers.get('content-length')
  const coding = headers.get('transfer-encoding')
  if (coding !== undefined) {
    const plain = coding.toLowerCase() === 'chunked'
    const allowed = httpVersion === '1.1' && length === undefined && !NEVER_CHUNKED.has(method)
    return plain && allowed ? { kind: 'chunked' } : refuse('framing_invalid')
  }
  if (length === undefined) {
    // RFC 1945 §7.2.2: such a body would end with the connection, if there is one.
    const isUnbounded = httpVersion === '1.0' && BODY_METHODS.has(method)
    return isUnbounded ? refuse('length_required') : { kind: 'none' }
  }
  if (!/^(?:0|[1-9]\d{0,14})$/.test(length)) return refuse('framing_invalid')
  const bytes = Number(length)
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes }
}

/**
 * `Expect` is met only as `100-continue` on a request with a body (RFC 9110 §10.1.1); everything
 * else is refused and never forwarded.
 */
export function readExpectation(
  method: Method,
  framing: BodyFraming,
  headers: HeaderBag,
): 'continue' | undefined | Refusal {
  const expect = headers.get('expect')
  if (expect === undefined) return undefined
  const meetable = expect.toLowerCase() === '100-continue' && framing.kind !== 'none'
  return meetable && BODY_METHODS.has(method) ? 'continue' : refuse('expectation_failed')
}
