/** The part of each stage that is another for routes of the gateway's own. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Classification } from '../../domain/request.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Answer } from '../result.ts'
import type { Services } from '../runtime.ts'
import { isOwnTarget, type OwnRoute } from './own-route.ts'
import { REVEAL } from './reveal.ts'

const ROUTES: readonly OwnRoute[] = [REVEAL]

/** The route that a request is for, where its target is the gateway's own. */
function ownRouteOf(exchange: Exchange): OwnRoute | undefined {
  const { target } = established(exchange.admitted, 'admitted')
  return ROUTES.find(({ path }) => path === target.path)
}

/** Stage 3, for targets of the gateway's own; `undefined` for every other. */
export function classifyOwn(
  exchange: Exchange,
): Promise<Classification | Refusal> | Refusal | undefined {
  const { target, method } = established(exchange.admitted, 'admitted')
  if (!isOwnTarget(target)) return undefined
  const route = ownRouteOf(exchange)
  if (route === undefined || exchange.transport !== 'http') return refuse('unclassified')
  if (target.query !== undefined) return refuse('unclassified')
  if (exchange.upgrade !== undefined) return refuse('upgrade_invalid')
  if (method !== route.method) return refuse('method_not_allowed', { allow: [route.method] })
  return route.classify(exchange)
}

/** Stage 5: what the route demands of a request that is permitted. */
export function demandOfOwn(exchange: Exchange): Refusal | undefined {
  return isOwn(exchange) ? ownRouteOf(exchange)?.demand(exchange) : undefined
}

/** Whether the gateway itself answers. */
export function isOwn(exchange: Exchange): boolean {
  return isOwnTarget(established(exchange.admitted, 'admitted').target)
}

/**
 * Stage 8, in the place of forwarding. What limits an answer limits this one as well: it passes the
 * same guards.
 */
export function answerOwn(exchange: Exchange, services: Services): Answer | Refusal {
  const route = ownRouteOf(exchange)
  if (route === undefined) return refuse('unclassified')
  // What was revealed must be on record, whatever becomes of other records.
  if (!exchange.recorded) return refuse('audit_unavailable', { retryAfter: 5 })
  const answer = route.answer(exchange, services)
  if (isRefusal(answer)) return answer
  const body = guarded(exchange, answer)
  if (isRefusal(body)) return body
  exchange.outcome = {
    status: answer.status,
    requestBytes: 0,
    responseBytes: body.length,
    endedBy: 'gateway',
  }
  return { ...answer, body: body.toString() }
}

function guarded(exchange: Exchange, answer: Answer): Buffer | Refusal {
  const guard = established(exchange.guard, 'guard')
  const bytes = Buffer.from(answer.body)
  const fields = ['content-type', answer.contentType, 'content-length', String(bytes.length)]
  const head = guard.head({ status: answer.status, headers: fields })
  if (isRefusal(head)) return head
  const passed = guard.chunk(bytes)
  if (isRefusal(passed)) return passed
  const last = guard.end()
  if (isRefusal(last)) return last
  const first = Buffer.isBuffer(passed) ? passed : bytes
  return last === undefined ? first : Buffer.concat([first, last])
}
