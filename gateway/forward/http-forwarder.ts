import type { Forwarder } from '../domain/ports.ts'
import { refuse } from '../domain/refusal.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOptions } from './exchange-parts.ts'
import type { Upstreams } from './upstream-pools.ts'

/** What the forwarder needs. */
export interface ForwarderDeps extends Partial<ExchangeOptions> {
  readonly upstreams: Upstreams
}

/**
 * Forwards permitted HTTP requests. Bodies of any size stream both ways with back-pressure; every
 * chunk of the answer passes the guard before it leaves. What is promised:
 *
 * - A refusal means that the client has been sent nothing.
 * - A broken answer never looks whole: no final chunk, no clean end of the connection.
 * - When the client leaves, the upstream's connection is closed at once, unless the answer is read
 *   on for its guard (`ForwardClient.readsOn`), within bounds of time and size.
 * - Redirects are not followed, content codings not undone, trailers not passed on.
 * - Only a GET or HEAD without a body is sent twice, once, when the pooled connection was closed
 *   under it before an answer began.
 *
 * When a refusal comes while the client is still sending its body, the body is left paused: answer
 * with `Connection: close`.
 */
export function createForwarder(deps: ForwarderDeps): Forwarder {
  const options: ExchangeOptions = {
    drainTimeoutMs: deps.drainTimeoutMs ?? 60_000,
    keepSetCookie: deps.keepSetCookie ?? false,
  }
  return {
    forward(request, client) {
      const lane = deps.upstreams.lane(request.upstream, request.privilege)
      if (lane === undefined) return Promise.resolve(refuse('upstream_unknown'))
      if (client.response.destroyed) {
        const gone = { status: 0, requestBytes: 0, responseBytes: 0, isUnsent: true } as const
        return Promise.resolve({ ...gone, endedBy: 'client', reason: 'client_gone' })
      }
      return new Promise((resolve) => {
        new Exchange({ lane, request, client, options, resolve }).begin()
      })
    },
  }
}
