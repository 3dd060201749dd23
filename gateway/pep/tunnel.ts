import type { ForwardOutcome, OutboundRequest } from '../domain/ports.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { decideAgain } from './decide-again.ts'
import { established, type Exchange, type UpgradeSocket } from './exchange.ts'
import { labelsOf } from './labels.ts'
import type { Services } from './runtime.ts'

/** Longest time `setTimeout` can count; later expiries are looked at again then. */
const TIMER_MS_MAX = 2_147_483_647

/**
 * Carries a WebSocket. What was permitted on the strength of a token ends with it: the tunnel is
 * closed (1008) when the token expires, since nobody asks again within it.
 */
export async function carryTunnel(
  exchange: Exchange,
  services: Services,
  tunnel: { readonly outbound: OutboundRequest; readonly upgrade: UpgradeSocket },
): Promise<ForwardOutcome | Refusal> {
  const { upstream } = labelsOf(exchange)
  let stopTimer: (() => void) | undefined
  services.metrics.streamOpened(upstream)
  try {
    return await exchange.runtime.upgrades.upgrade(tunnel.outbound, {
      request: exchange.request,
      ...tunnel.upgrade,
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
    services.metrics.streamClosed(upstream)
  }
}

function atExpiry(exchange: Exchange, services: Services, end: () => void): () => void {
  const { expiresAt } = established(exchange.subject, 'subject')
  const remaining = (): number => expiresAt - services.clock.now()
  let timer: NodeJS.Timeout
  const look = (): void => {
    if (remaining() <= 0) end()
    else arm()
  }
  const arm = (): void => {
    timer = setTimeout(look, Math.min(remaining(), TIMER_MS_MAX))
    timer.unref()
  }
  arm()
  return () => clearTimeout(timer)
}
