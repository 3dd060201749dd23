import type { Environment } from '../../domain/access.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import { takeGrant } from '../exports/grant-in-use.ts'
import { peerNamesOf } from '../peer-names.ts'
import { lockedNow, tooStale } from '../watching/locked.ts'
import { keptOut } from '../watching/kept-out.ts'
import type { StageResult } from '../result.ts'
import type { EnvironmentInput, Services } from '../runtime.ts'

/**
 * Stage 4. One snapshot of here and now, from memory only. The time and the policy are those of
 * this moment, not of arrival: a body may have been waited for since, and a rule revoked or a token
 * expired meanwhile must count (I10).
 */
export function gather(exchange: Exchange, services: Services): StageResult | Promise<StageResult> {
  const { client, headers } = established(exchange.admitted, 'admitted')
  const subject = established(exchange.subject, 'subject')
  const now = services.clock.now()
  if (subject.expiresAt <= now) {
    return refuse('authn_expired', { challenge: { error: 'invalid_token' } })
  }
  const barred = keptOut(exchange, services)
  if (barred !== undefined) return barred
  const input = { now, ...peerOf(exchange), client, headers, subject }
  const environment = exchange.runtime.environment(input)
  return environment instanceof Promise
    ? environment.then((gathered) => settle(exchange, services, gathered))
    : settle(exchange, services, environment)
}

function peerOf(exchange: Exchange): Pick<EnvironmentInput, 'peer' | 'peerNames'> {
  if (exchange.transport === 'grpc') {
    const { address, names } = exchange.peer
    return { peer: address, peerNames: names }
  }
  const { socket } = exchange.request
  return { peer: socket.remoteAddress ?? '', peerNames: peerNamesOf(socket) }
}

function settle(
  exchange: Exchange,
  services: Services,
  environment: Environment | Refusal,
): StageResult {
  if (isRefusal(environment)) return environment
  exchange.environment = environment
  exchange.policy = exchange.latest().policy
  const { operations } = established(exchange.classification, 'classification')
  const barred = lockedNow(exchange, services, operations) ?? tooStale(exchange, services)
  if (barred !== undefined) return barred
  services.access.seen(established(exchange.subject, 'subject'))
  takeGrant(exchange, services, exchange.policy)
  return undefined
}
