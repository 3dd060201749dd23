import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { METHODS, type BodyFraming, type HeaderBag, type Method } from '../../domain/request.ts'
import { headerDisposition } from '../../classify/target/request-headers.ts'
import { createPeekableBody, EMPTY_BODY, type PeekableBody } from '../body.ts'
import type { AdmittedRequest, CallExchange, Exchange, HttpExchange } from '../exchange.ts'
import { readExpectation, readFraming } from '../framing.ts'
import { createCallBody } from '../grpc/call-body.ts'
import { readCallHead } from '../grpc/call-head.ts'
import { readHeaders } from '../headers.ts'
import { isOwnTarget } from '../own-routes/own-route.ts'
import type { StageResult } from '../result.ts'

const HTTP_VERSIONS: ReadonlySet<string> = new Set(['1.0', '1.1'])

/**
 * Stage 1. Gives every part of the request one meaning or refuses it; nothing is repaired (I1, I3,
 * I5, I13, I22). What follows reads only what this stage established.
 */
export function admit(exchange: Exchange): StageResult {
  const { runtime } = exchange
  const admitted = readRequest(exchange)
  if (isRefusal(admitted)) return admitted
  exchange.admitted = admitted
  if (admitted.method !== 'GET' && admitted.method !== 'HEAD') return undefined
  return runtime.ownDocument(admitted.target)
}

function readRequest(exchange: Exchange): AdmittedRequest | Refusal {
  const { runtime } = exchange
  const head = exchange.transport === 'grpc' ? readCallHead(exchange) : readHead(exchange)
  if (isRefusal(head)) return head
  const { method, headers, target, host } = head
  if (exchange.upgrade !== undefined && !asksForWebSocket(headers)) return refuse('upgrade_invalid')
  const admittedBody = checkHygiene(headers, target.query) ?? admitBody(exchange, method, headers)
  if (isRefusal(admittedBody)) return admittedBody
  const client = runtime.clientAddress(peerAddress(exchange), headers)
  if (isRefusal(client)) return client
  const route = isOwnTarget(target)
    ? undefined
    : runtime.upstreams.select(host, target, exchange.transport)
  if (isRefusal(route)) return route
  const requestId = readRequestId(headers) ?? exchange.id
  const { framing, body } = admittedBody
  // Written out: a spread costs as much as parsing the headers, on every request.
  return { method, target, host, headers, framing, client, requestId, route, body }
}

type RequestHead = Pick<AdmittedRequest, 'method' | 'headers' | 'target' | 'host'>

/** The TCP peer, by its address. */
function peerAddress(exchange: Exchange): string {
  if (exchange.transport === 'grpc') return exchange.peer.address
  return exchange.request.socket.remoteAddress ?? ''
}

function readHead({ request, runtime }: HttpExchange): RequestHead | Refusal {
  // Node hands over HTTP/0.9 and "HTTP/2.0" request lines as if they were requests.
  if (!HTTP_VERSIONS.has(request.httpVersion)) return refuse('framing_invalid')
  const method = readMethod(request.method)
  if (method === undefined) return refuse('method_unknown', { allow: METHODS })
  const headers = readHeaders(request.rawHeaders, runtime.limits)
  if (isRefusal(headers)) return headers
  const target = runtime.parseTarget(request.url ?? '')
  if (isRefusal(target)) return target
  const host = runtime.acceptHost(headers.get('host') ?? '')
  return isRefusal(host) ? host : { method, headers, target, host }
}

/** Nothing else is carried, and a list would leave the choice to the upstream (RFC 9110 §7.8). */
function asksForWebSocket(headers: HeaderBag): boolean {
  return headers.get('upgrade')?.toLowerCase() === 'websocket'
}

function readMethod(method: string | undefined): Method | undefined {
  return METHODS.find((known) => known === method)
}

/** Method-override and rewrite headers would make the upstream serve another request (I22). */
function checkHygiene(headers: HeaderBag, query: string | undefined): Refusal | undefined {
  for (let i = 0; i < headers.pairs.length; i += 2) {
    if (headerDisposition(headers.pairs[i] ?? '') === 'refuse') return refuse('header_invalid')
  }
  if (query === undefined) return undefined
  const names = query.split('&').map((parameter) => parameterName(parameter))
  if (names.includes(undefined)) return refuse('target_invalid')
  if (names.includes('access_token')) return refuse('authn_query_token')
  return names.includes('_method') ? refuse('header_invalid') : undefined
}

/** Decoded as upstreams decode it; `undefined` when the octets are not UTF-8. */
function parameterName(parameter: string): string | undefined {
  const [name = ''] = parameter.split('=', 1)
  if (!name.includes('%')) return name.toLowerCase()
  try {
    return decodeURIComponent(name).toLowerCase()
  } catch {
    return undefined
  }
}

function admitBody(
  exchange: Exchange,
  method: Method,
  headers: HeaderBag,
): { readonly framing: BodyFraming; readonly body: PeekableBody } | Refusal {
  if (exchange.transport === 'grpc') return admitCallBody(exchange)
  const { request, runtime, upgrade } = exchange
  const framing = readFraming(method, request.httpVersion, headers)
  if (isRefusal(framing)) return framing
  const expectation = readExpectation(method, framing, headers)
  if (isRefusal(expectation)) return expectation
  const bytesMax = runtime.limits.bodyBytesMax
  if (framing.kind === 'length' && bytesMax !== undefined && framing.bytes > bytesMax) {
    return refuse('body_too_large')
  }
  if (framing.kind === 'none') return { framing, body: EMPTY_BODY }
  if (upgrade !== undefined) return refuse('upgrade_invalid')
  return {
    framing,
    body: createPeekableBody(request, {
      idleTimeoutMs: runtime.limits.bodyIdleTimeoutMs,
      bytesMax: framing.kind === 'chunked' ? bytesMax : undefined,
      beforeRead: () => sendContinue(exchange),
    }),
  }
}

/** Frames of HTTP/2 need no length, and a body that has none ended with the head. */
function admitCallBody({ stream, runtime }: CallExchange): {
  readonly framing: BodyFraming
  readonly body: PeekableBody
} {
  if (stream.endAfterHeaders) return { framing: { kind: 'none' }, body: EMPTY_BODY }
  const { bodyIdleTimeoutMs: idleTimeoutMs, bodyBytesMax: bytesMax } = runtime.limits
  return { framing: { kind: 'chunked' }, body: createCallBody(stream, { idleTimeoutMs, bytesMax }) }
}

/** The body is asked for only once the request got this far: never before authentication. */
function sendContinue(exchange: HttpExchange): void {
  if (!exchange.awaitsContinue) return
  exchange.awaitsContinue = false
  exchange.response.writeContinue()
}

/** A caller's request id is kept when it cannot be mistaken for anything else. */
function readRequestId(headers: HeaderBag): string | undefined {
  const id = headers.get('x-request-id')
  return id !== undefined && /^[A-Za-z0-9._-]{8,64}$/.test(id) ? id : undefined
}
