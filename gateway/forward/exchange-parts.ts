import type { ForwardClient, ForwardOutcome, OutboundRequest } from '../domain/ports.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { InboundHeaderOptions } from './headers.ts'
import type { Lane } from './upstream-pools.ts'

/** Bounds of one exchange. */
export interface ExchangeOptions extends InboundHeaderOptions {
  /** How long a client may leave us with bytes it does not read. */
  readonly drainTimeoutMs: number
}

/** What an exchange is between. */
export interface ExchangeParts {
  readonly lane: Lane
  readonly request: OutboundRequest
  readonly client: ForwardClient
  readonly options: ExchangeOptions
  /** Called exactly once. */
  readonly resolve: (result: ForwardOutcome | Refusal) => void
}
