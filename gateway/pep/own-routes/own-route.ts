/**
 * Routes that the gateway answers itself. They walk the same stages as every request: who asks is
 * authenticated, what is asked is classified, decided and recorded; only nothing is forwarded.
 */
import type { Classification, Method, RequestTarget } from '../../domain/request.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Exchange } from '../exchange.ts'
import type { Answer } from '../result.ts'
import type { Services } from '../runtime.ts'

/** One route. What it reads of the body it keeps for itself, by exchange. */
export interface OwnRoute {
  readonly path: string
  readonly method: Method
  classify(exchange: Exchange): Promise<Classification | Refusal>
  /** What it demands besides the permit, before the decision is recorded. */
  demand(exchange: Exchange): Refusal | undefined
  answer(exchange: Exchange, services: Services): Answer | Refusal
}

const RESERVED = '/.modelgate'

/**
 * Whether a target belongs to the gateway on every host: no upstream is ever chosen for it, whatever
 * the configuration says, and no route of an upstream can take its place.
 */
export function isOwnTarget({ path }: RequestTarget): boolean {
  return path === RESERVED || path.startsWith(`${RESERVED}/`)
}
