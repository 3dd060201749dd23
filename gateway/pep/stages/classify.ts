import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Classification } from '../../domain/request.ts'
import { established, type Exchange } from '../exchange.ts'
import { classifyOwn } from '../own-routes/walk-own.ts'
import type { StageResult } from '../result.ts'

/** Stage 3. What the request really does, by its upstream's route pack; unknown is refused. */
export function classify(exchange: Exchange): StageResult | Promise<StageResult> {
  const { route, method, headers, framing, body } = established(exchange.admitted, 'admitted')
  const own = classifyOwn(exchange)
  if (own !== undefined) return own instanceof Promise ? own.then(settleOwn(exchange)) : own
  if (route === undefined) return refuse('upstream_unknown')
  const settle = (result: Classification | Refusal): StageResult => {
    if (isRefusal(result)) return result
    exchange.classification = result
    // An upgrade is carried only where the route says so and the operator allows it (I23).
    const carried = exchange.upgrade === undefined || (result.upgrade && route.entry.websocket)
    return carried ? undefined : refuse('upgrade_invalid')
  }
  const result = route.entry.classifier.classify({
    transport: exchange.transport,
    method,
    target: route.target,
    headers,
    upgrade: exchange.upgrade !== undefined,
    hasBody: framing.kind !== 'none',
    peekBody: (bytesMax) => body.peek(bytesMax),
  })
  return result instanceof Promise ? result.then(settle) : settle(result)
}

function settleOwn(exchange: Exchange): (result: Classification | Refusal) => StageResult {
  return (result) => {
    if (isRefusal(result)) return result
    exchange.classification = result
    return undefined
  }
}
