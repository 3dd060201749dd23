import type { ResponseGuard, ResponseHead } from '../domain/ports.ts'
import { isRefusal } from '../domain/refusal.ts'
import type { Exchange } from './exchange.ts'

/**
 * The guard of a response, with the gateway's own fields added to a head that passed: the id of the
 * decision, by which the record is found, and the request id. What the upstream says under these
 * names does not count.
 */
export function withOwnFields(guard: ResponseGuard, exchange: Exchange): ResponseGuard {
  const requestId = exchange.admitted?.requestId ?? exchange.id
  return {
    head(head) {
      const judged = guard.head(head)
      if (isRefusal(judged)) return judged
      const headers = withoutRequestId(judged)
      return {
        status: judged.status,
        headers: [...headers, 'x-request-id', requestId, 'x-modelgate-decision-id', exchange.id],
      }
    },
    chunk: (chunk) => guard.chunk(chunk),
    end: () => guard.end(),
    ...(guard.ready === undefined ? {} : { ready: () => guard.ready?.() }),
    ...(guard.keeps === undefined ? {} : { keeps: () => guard.keeps?.() === true }),
  }
}

function withoutRequestId({ headers }: ResponseHead): readonly string[] {
  if (!headers.includes('x-request-id')) return headers
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'x-request-id')
}
