import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { ForwardOutcome, OutboundRequest } from '../../domain/ports.ts'
import { isPrivileged, resourceText } from '../../domain/vocabulary.ts'
import { outboundHeaders } from '../../forward/headers.ts'
import { decideAgain } from '../decide-again.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'
import { withoutDigests } from '../obligations/limit-request.ts'
import { withOwnFields } from '../own-fields.ts'
import { carryTunnel } from '../tunnel.ts'

/**
 * Stage 8. Sends upstream only what was authorised: the canonical target, cleaned headers, our own
 * identity last. Streams both ways; the guard judges the response as it passes.
 */
export function forward(exchange: Exchange, services: Services): Promise<StageResult> {
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
  const outbound = prepare(exchange, assertion)
  exchange.overheadMs = services.clock.monotonicMs() - exchange.startedMs
  const result = bySize(exchange, await send(exchange, services, outbound))
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

/** A body that was broken off for its size did not break off by itself. */
function bySize(exchange: Exchange, result: ForwardOutcome | Refusal): ForwardOutcome | Refusal {
  const isTooLarge = isRefusal(result) && exchange.admitted?.body.exceeded === true
  return isTooLarge ? refuse('body_too_large') : result
}

function send(
  exchange: Exchange,
  services: Services,
  outbound: OutboundRequest,
): Promise<ForwardOutcome | Refusal> {
  const { runtime, response, upgrade } = exchange
  if (upgrade !== undefined) return carryTunnel(exchange, services, { outbound, upgrade })
  const startedMs = services.clock.monotonicMs()
  return runtime.forwarder.forward(outbound, {
    response,
    guard: withOwnFields(established(exchange.guard, 'guard'), exchange),
    onCuttable: (cut) => {
      exchange.cut = cut
      decideAgain(exchange, services)
    },
    onHead: (status) => {
      exchange.upstreamHead = { status, durationMs: services.clock.monotonicMs() - startedMs }
    },
  })
}

function prepare(exchange: Exchange, assertion: string | undefined): OutboundRequest {
  const admitted = established(exchange.admitted, 'admitted')
  const { entry, target } = established(admitted.route, 'route')
  const { operations } = established(exchange.classification, 'classification')
  const privileged = operations.some(({ action }) => isPrivileged(action))
  const credential = entry.credential()
  const { limitedBody } = exchange
  const { headers } = admitted
  return {
    upstream: entry.name,
    privilege: privileged ? 'privileged' : 'ordinary',
    method: admitted.method,
    path: `${entry.basePath}${target.path}${target.query === undefined ? '' : `?${target.query}`}`,
    headers: outboundHeaders(limitedBody === undefined ? headers : withoutDigests(headers), {
      inspect: !operations.some(({ action }) => action === 'export'),
      managed: exchange.runtime.managedHeaders,
      clientIp: admitted.client.ip,
      requestId: admitted.requestId,
      proto: exchange.runtime.secure ? 'https' : 'http',
      assertion,
      credential,
    }),
    body: limitedBody ?? admitted.body.forward(),
    contentLength: admitted.framing.kind === 'length' ? admitted.framing.bytes : undefined,
  }
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
