import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { ForwardOutcome, OutboundRequest } from '../../domain/ports.ts'
import { isPrivileged, resourceText } from '../../domain/vocabulary.ts'
import { callHeaders } from '../../forward/grpc-headers.ts'
import { outboundHeaders, type OutboundHeaderOptions } from '../../forward/headers.ts'
import { authoriseMore } from '../streams/authorise-more.ts'
import { decideAgain } from '../streams/decide-again.ts'
import { lockedNow } from '../watching/locked.ts'
import { countRequest } from '../watching/extraction.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'
import { withoutDigests } from '../obligations/limit-request.ts'
import { carryCall, timeLeftMs } from '../grpc/carry-call.ts'
import { answerOwn, isOwn } from '../own-routes/walk-own.ts'
import { withOwnFields } from '../own-fields.ts'
import { carryTunnel } from '../tunnel.ts'
import { changedSince } from '../training/check.ts'
import { READS_ON } from '../training/open-registration.ts'
import { readsAnswer } from '../training/registration.ts'
import {
  watchStream,
  watchWhole,
  type BodyWatching,
  type WatchedBody,
} from '../streams/watched-body.ts'

/**
 * Stage 9. Sends upstream only what was authorised: the canonical target, cleaned headers, our own
 * identity last. Streams both ways; the guard judges the response as it passes.
 */
export function forward(
  exchange: Exchange,
  services: Services,
): StageResult | Promise<StageResult> {
  // What goes upstream asks again once it can be cut.
  if (isOwn(exchange)) return lockedNow(exchange, services) ?? answerOwn(exchange, services)
  const assertion = assertionFor(exchange)
  return assertion instanceof Promise
    ? assertion.then((signed) => forwardWith(exchange, services, signed))
    : forwardWith(exchange, services, assertion)
}

async function forwardWith(
  exchange: Exchange,
  services: Services,
  assertion: string | undefined,
): Promise<StageResult> {
  const prepared = prepare(exchange, services, assertion)
  const counted = countRequest(exchange, services, prepared.body)
  if (isRefusal(counted)) return counted
  const watched = await watchBody(exchange, services, counted)
  if (isRefusal(watched)) return watched
  const outbound = { ...prepared, body: watched?.stream ?? counted }
  const unsent = await lastLook(exchange, outbound)
  if (unsent !== undefined) return unsent
  exchange.overheadMs = services.clock.monotonicMs() - exchange.startedMs
  const result = asRefused(exchange, watched, await trySend(exchange, services, outbound))
  // What was sent is restricted before anybody hears how it went.
  await exchange.registration?.ended(result)
  const { upstream } = labelsOf(exchange)
  // A client that goes away is no failure of the upstream, and must not page anyone for it.
  if (result.reason?.startsWith('upstream_') === true) {
    services.metrics.upstreamError(upstream, result.reason)
  }
  if (!isRefusal(result)) {
    exchange.outcome = result
    return undefined
  }
  // What the guard refused is told by the guard stage, which comes next.
  return exchange.incident === undefined ? result : undefined
}

/** Whether it is still what was read, and on record where it has to be before it is sent. */
async function lastLook(
  exchange: Exchange,
  { body }: OutboundRequest,
): Promise<Refusal | undefined> {
  return changedSince(exchange, body) ?? (await exchange.registration?.begin())
}

/** As {@link send}; what becomes of a registration is settled though something here fails. */
async function trySend(
  exchange: Exchange,
  services: Services,
  outbound: OutboundRequest,
): Promise<ForwardOutcome | Refusal> {
  try {
    return await send(exchange, services, outbound)
  } catch (error) {
    await exchange.registration?.ended(refuse('internal'))
    throw error
  }
}

/** A body that was broken off, for its size or for what is in it, did not break off by itself. */
function asRefused(
  exchange: Exchange,
  watched: WatchedBody | undefined,
  result: ForwardOutcome | Refusal,
): ForwardOutcome | Refusal {
  if (!isRefusal(result)) return result
  if (watched?.refusal !== undefined) return watched.refusal
  return exchange.admitted?.body.exceeded === true ? refuse('body_too_large') : result
}

/** The body past the watch of its classification, if that has one. */
async function watchBody(
  exchange: Exchange,
  services: Services,
  body: OutboundRequest['body'],
): Promise<WatchedBody | Refusal | undefined> {
  const { watch } = established(exchange.classification, 'classification')
  if (watch === undefined || body === null) return undefined
  const watching: BodyWatching = {
    watch,
    heldBytesMax: exchange.runtime.limits.peekBytesMax,
    unit: exchange.transport === 'grpc' ? 'messages' : 'body',
    authorise: (operations) => authoriseMore(exchange, services, operations),
  }
  if (Buffer.isBuffer(body)) return watchWhole(body, watching)
  return watchStream(body, watching, (refusal) => {
    if (isAnswering(exchange)) services.metrics.streamCut(refusal.reason)
    exchange.cut?.(refusal)
  })
}

function isAnswering(exchange: Exchange): boolean {
  return (exchange.transport === 'grpc' ? exchange.stream : exchange.response).headersSent
}

function send(
  exchange: Exchange,
  services: Services,
  outbound: OutboundRequest,
): Promise<ForwardOutcome | Refusal> {
  if (exchange.transport === 'grpc') return carryCall(exchange, services, outbound)
  const { runtime, response, upgrade } = exchange
  if (upgrade !== undefined) return carryTunnel(exchange, services, { outbound, upgrade })
  const startedMs = services.clock.monotonicMs()
  return runtime.forwarder.forward(outbound, {
    response,
    guard: withOwnFields(established(exchange.guard, 'guard'), exchange),
    ...(exchange.registration === undefined ? {} : { readsOn: READS_ON }),
    onCuttable: (cut) => {
      exchange.cut = cut
      decideAgain(exchange, services)
    },
    onHead: (status) => {
      exchange.upstreamHead = { status, durationMs: services.clock.monotonicMs() - startedMs }
    },
  })
}

function prepare(
  exchange: Exchange,
  services: Services,
  assertion: string | undefined,
): OutboundRequest {
  const admitted = established(exchange.admitted, 'admitted')
  const { entry, target } = established(admitted.route, 'route')
  const { operations, listing } = established(exchange.classification, 'classification')
  const privileged = operations.some(({ action }) => isPrivileged(action))
  const credential = entry.credential()
  const { limitedBody } = exchange
  const { headers } = admitted
  const options: OutboundHeaderOptions = {
    inspect:
      listing !== undefined ||
      readsAnswer(exchange) ||
      exchange.transfer?.readsWhole === true ||
      !operations.some(({ action }) => action === 'export'),
    managed: exchange.runtime.managedHeaders,
    clientIp: admitted.client.ip,
    requestId: admitted.requestId,
    proto: isSecure(exchange) ? 'https' : 'http',
    assertion,
    credential,
  }
  return {
    upstream: entry.name,
    privilege: privileged ? 'privileged' : 'ordinary',
    method: admitted.method,
    path: `${entry.basePath}${target.path}${target.query === undefined ? '' : `?${target.query}`}`,
    headers:
      exchange.transport === 'grpc'
        ? callHeaders(headers, { ...options, timeoutMs: timeLeftMs(exchange, services) })
        : outboundHeaders(limitedBody === undefined ? headers : withoutDigests(headers), options),
    body: limitedBody ?? admitted.body.forward(),
    contentLength: admitted.framing.kind === 'length' ? admitted.framing.bytes : undefined,
  }
}

function isSecure({ transport, runtime }: Exchange): boolean {
  return transport === 'grpc' ? runtime.grpc?.secure === true : runtime.secure
}

function assertionFor(exchange: Exchange): string | undefined | Promise<string> {
  const { entry } = established(exchange.admitted?.route, 'route')
  if (!entry.assertion) return undefined
  const [primary] = established(exchange.classification, 'classification').operations
  return exchange.runtime.assertions.assert(established(exchange.subject, 'subject'), entry.name, {
    decisionId: exchange.id,
    action: primary.action,
    resource: resourceText(primary.resource),
  })
}
