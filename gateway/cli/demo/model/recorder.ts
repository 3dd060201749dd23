import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** What arrived at the model server, as it stood on the wire. */
export interface ReceivedRequest {
  readonly method: string
  /** Request target as sent, percent-encoding kept. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

/** Remembers requests, to show that a refused one never arrived. */
export interface RequestRecorder {
  /** How many requests have arrived since the start. */
  readonly count: number
  /** The last ones, oldest first, {@link REMEMBERED_MAX} at most. */
  readonly recent: readonly ReceivedRequest[]
}

/** How many requests are remembered; older ones are only counted. */
export const REMEMBERED_MAX = 256

/** A recorder, and the function that feeds it. */
export function createRecorder(): {
  requests: RequestRecorder
  readonly record: (request: IncomingMessage) => void
} {
  let count = 0
  const recent: ReceivedRequest[] = []
  return {
    requests: {
      get count() {
        return count
      },
      get recent() {
        return [...recent]
      },
    },
    record: ({ method = '', url = '', headers }) => {
      count += 1
      recent.push({ method, target: url, headers })
      if (recent.length > REMEMBERED_MAX) recent.shift()
    },
  }
}
