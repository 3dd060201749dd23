import { isRefusal, refuse } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 4. One snapshot of here and now, from memory only. The time and the policy are those of
 * this moment, not of arrival: a body may have been waited for since, and a rule revoked or a token
 * expired meanwhile must count (I10).
 */
export function gather(exchange: Exchange, services: Services): StageResult {
  const { client, headers } = established(exchange.admitted, 'admitted')
  const subject = established(exchange.subject, 'subject')
  const now = services.clock.now()
  if (subject.expiresAt <= now) {
    return refuse('authn_expired', { challenge: { error: 'invalid_token' } })
  }
  const peer = exchange.request.socket.remoteAddress ?? ''
  const environment = exchange.runtime.environment({ now, peer, client, headers, subject })
  if (isRefusal(environment)) return environment
  exchange.environment = environment
  exchange.policy = exchange.latest().policy
  return undefined
}
