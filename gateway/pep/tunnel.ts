import type { ForwardOutcome, OutboundRequest } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { decideAgain } from './streams/decide-again.ts'
import type { HttpExchange, UpgradeSocket } from './exchange.ts'
import { atExpiry } from './streams/expiry.ts'
import { countMessages } from './watching/extraction.ts'
import { labelsOf } from './labels.ts'
import { messageJudge } from './streams/message-judge.ts'
import type { Services } from './runtime.ts'

/**
 * Carries a WebSocket. What was permitted on the strength of a token ends with it: the tunnel is
 * closed (1008) when the token expires, since nobody asks again within it.
 */
export async function carryTunnel(
  exchange: HttpExchange,
  services: Services,
  tunnel: { readonly outbound: OutboundRequest; readonly upgrade: UpgradeSocket },
): Promise<ForwardOutcome | Refusal> {
  const { upstream } = labelsOf(exchange)
  const messages = countMessages(exchange, services, messageJudge(exchange, services))
  let stopTimer: (() => void) | undefined
  services.metrics.streamOpened(upstream)
  try {
    return await exchange.runtime.upgrades.upgrade(tunnel.outbound, {
      request: exchange.request,
      ...tunnel.upgrade,
      ...(messages === undefined ? {} : { messages }),
      ...(exchange.answers === undefined ? {} : { answers: exchange.answers }),
      ...(exchange.meters === undefined ? {} : { meters: exchange.meters }),
      onCuttable: (cut) => {
        exchange.cut = cut
        if (decideAgain(exchange, services)) return
        stopTimer = atExpiry(exchange, services, () => {
          services.metrics.streamCut('authn_expired')
          cut(refuse('authn_expired'))
        })
      },
    })
  } finally {
    stopTimer?.()
    for (const meter of exchange.meters ?? []) meter.close?.()
    services.metrics.streamClosed(upstream)
  }
}
