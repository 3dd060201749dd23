import type { CallForwarder } from '../domain/ports.ts'
import { refuse } from '../domain/refusal.ts'
import { Call, type CallOptions } from './grpc-call.ts'
import type { CallUpstreams } from './grpc-sessions.ts'

/** What the forwarder of calls needs. */
export interface CallForwarderDeps extends Partial<CallOptions> {
  readonly upstreams: CallUpstreams
}

/**
 * Forwards permitted gRPC calls. Messages of any size stream both ways with flow control; every
 * piece of the answer passes the guard before it leaves. What is promised:
 *
 * - A refusal means that the client has been sent nothing.
 * - A broken answer never looks whole: it ends with a status other than OK, or with a reset.
 * - When one side leaves, the other's stream is reset at once.
 * - No call is sent twice.
 */
export function createCallForwarder(deps: CallForwarderDeps): CallForwarder {
  const options: CallOptions = {
    drainTimeoutMs: deps.drainTimeoutMs ?? 60_000,
    keepSetCookie: deps.keepSetCookie ?? false,
  }
  return {
    call(request, client) {
      const lane = deps.upstreams.lane(request.upstream, request.privilege)
      if (lane === undefined) return Promise.resolve(refuse('upstream_unknown'))
      if (client.stream.destroyed) {
        const gone = { status: 0, requestBytes: 0, responseBytes: 0 }
        return Promise.resolve({ ...gone, endedBy: 'client', reason: 'client_gone' })
      }
      return new Promise((resolve) => {
        new Call({ lane, request, client, options, resolve }).begin()
      })
    },
  }
}
