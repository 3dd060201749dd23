import { isRefusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'

/** Stage 4. One snapshot of here and now, from memory only. */
export function gather(exchange: Exchange): StageResult {
  const { client, headers } = established(exchange.admitted, 'admitted')
  const environment = exchange.runtime.environment({
    now: exchange.arrivedAt,
    peer: exchange.request.socket.remoteAddress ?? '',
    client,
    headers,
    subject: established(exchange.subject, 'subject'),
  })
  if (isRefusal(environment)) return environment
  exchange.environment = environment
  return undefined
}
