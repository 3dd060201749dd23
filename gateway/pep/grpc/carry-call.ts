import type { CallClient, ForwardOutcome, OutboundRequest } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { decideAgain } from '../streams/decide-again.ts'
import { established, type CallExchange } from '../exchange.ts'
import { atExpiry } from '../streams/expiry.ts'
import { labelsOf } from '../labels.ts'
import { withOwnFields } from '../own-fields.ts'
import type { Services } from '../runtime.ts'
import { DECISION_ID_FIELD, refusalTrailers } from './call-answer.ts'

/**
 * Carries a gRPC call. It ends when the token it was permitted on expires, since nobody asks again
 * within it, and when the time that the client gave it is over.
 */
export async function carryCall(
  exchange: CallExchange,
  services: Services,
  outbound: OutboundRequest,
): Promise<ForwardOutcome | Refusal> {
  const { forwarder } = established(exchange.runtime.grpc, 'the gRPC side of the runtime')
  const { upstream } = labelsOf(exchange)
  const timers: (() => void)[] = []
  const onCuttable: CallClient['onCuttable'] = (cut) => {
    exchange.cut = cut
    if (decideAgain(exchange, services)) return
    const expire = (): void => {
      services.metrics.streamCut('authn_expired')
      cut(refuse('authn_expired'))
    }
    timers.push(atExpiry(exchange, services, expire), atDeadline(exchange, services, cut))
  }
  services.metrics.streamOpened(upstream)
  try {
    return await forwarder.call(outbound, clientOf(exchange, services, onCuttable))
  } finally {
    for (const stop of timers) stop()
    services.metrics.streamClosed(upstream)
  }
}

function clientOf(
  exchange: CallExchange,
  services: Services,
  onCuttable: NonNullable<CallClient['onCuttable']>,
): CallClient {
  const startedMs = services.clock.monotonicMs()
  return {
    stream: exchange.stream,
    guard: withOwnFields(established(exchange.guard, 'guard'), exchange),
    trailers: (received) => {
      const judged = exchange.trailers?.(received) ?? received
      return isRefusal(judged) ? judged : withDecisionId(judged, exchange.id)
    },
    refusalTrailers: (refusal) => refusalTrailers(exchange, refusal),
    onCuttable,
    onHead: (status) => {
      exchange.upstreamHead = { status, durationMs: services.clock.monotonicMs() - startedMs }
    },
  }
}

function withDecisionId(received: readonly string[], id: string): readonly string[] {
  const kept = received.filter((_, i) => received[i - (i % 2)] !== DECISION_ID_FIELD)
  return [...kept, DECISION_ID_FIELD, id]
}

/** What is left of the client's time for this call, milliseconds; at least 1. */
export function timeLeftMs(exchange: CallExchange, services: Services): number | undefined {
  const { deadlineMs } = exchange
  return deadlineMs === undefined
    ? undefined
    : Math.max(1, deadlineMs - services.clock.monotonicMs())
}

/** Longest time `setTimeout` can count; a call that long has other ends. */
const TIMER_MS_MAX = 2_147_483_647

const TOO_LATE = 'The time given with grpc-timeout is over.'

function atDeadline(
  exchange: CallExchange,
  services: Services,
  cut: (refusal: Refusal) => void,
): () => void {
  const leftMs = timeLeftMs(exchange, services)
  if (leftMs === undefined || leftMs > TIMER_MS_MAX) return () => undefined
  const timer = setTimeout(() => cut(refuse('upstream_timeout', { detail: TOO_LATE })), leftMs)
  return () => clearTimeout(timer)
}
