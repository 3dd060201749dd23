import { isRefusal } from '../../domain/refusal.ts'
import type { Subject } from '../../domain/subject.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/** Stage 2. Bearer token to subject; there is no anonymous subject on the data listener (I7). */
export function authenticate(
  exchange: Exchange,
  services: Services,
): StageResult | Promise<StageResult> {
  const { headers } = established(exchange.admitted, 'admitted')
  const startedMs = services.clock.monotonicMs()
  const settle = (result: Subject | Refusal): StageResult => {
    const durationMs = services.clock.monotonicMs() - startedMs
    if (isRefusal(result)) {
      const unavailable = result.reason === 'authn_keys_unavailable'
      services.metrics.authentication(
        unavailable ? 'unavailable' : 'refused',
        undefined,
        durationMs,
      )
      return result
    }
    services.metrics.authentication('accepted', result.issuerName, durationMs)
    exchange.subject = result
    return undefined
  }
  const result = exchange.runtime.authenticator.authenticate(headers.get('authorization'))
  // A verified token that is still known is answered at once; any other has to be verified.
  if (result instanceof Promise) {
    services.metrics.tokenCache('miss')
    return result.then(settle)
  }
  if (!isRefusal(result)) services.metrics.tokenCache('hit')
  return settle(result)
}
