import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** Requests of one connection that may wait; Node itself reads on without a bound (I17). */
export const WAITING_MAX = 16

/** Lets the requests of a connection be worked on one at a time, in the order they came. */
export interface Turns {
  /**
   * Calls `begin` now, or once the response before this one is complete. It is not called when the
   * connection is closed by then: bytes after a request that was refused for its framing are not a
   * request, whatever they look like. `false` when too many wait already: it will not begin.
   */
  take(socket: Duplex, response: ServerResponse, begin: () => void): boolean
  /** The response that is not complete yet and came last; `undefined` when there is none. */
  pending(socket: Duplex): PendingResponse | undefined
}

/** See {@link Turns.pending}. */
export interface PendingResponse {
  readonly response: ServerResponse
  /** Whether it waits for one before it. */
  readonly waits: boolean
}

interface Line {
  last: ServerResponse
  waiting: number
}

/**
 * Builds the turns of one listener. Node hands over pipelined requests (RFC 9112 §9.3.2) all at
 * once; worked on together, they would be decided and recorded in any order, one connection could
 * take every slot of the gateway.
 */
export function createTurns(): Turns {
  const lines = new WeakMap<Duplex, Line>()
  return {
    take(socket, response, begin) {
      const line = lines.get(socket)
      if (line === undefined || line.last.closed) {
        if (line === undefined) lines.set(socket, { last: response, waiting: 0 })
        else line.last = response
        begin()
        return true
      }
      if (line.waiting >= WAITING_MAX) return false
      const before = line.last
      line.waiting++
      line.last = response
      before.once('close', () => {
        line.waiting--
        if (socket.writable) begin()
      })
      return true
    },
    pending(socket) {
      const line = lines.get(socket)
      if (line === undefined || line.last.closed) return undefined
      return { response: line.last, waits: line.waiting > 0 }
    },
  }
}
