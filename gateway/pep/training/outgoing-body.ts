/** The body of a request as it goes upstream, where all of it is here. */
import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'

/**
 * The very bytes that are forwarded: whoever reads them has read what is sent. `undefined` for what
 * streams, is larger than what is held, or is coded: nothing of it can then be told.
 */
export async function outgoingBody(exchange: Exchange): Promise<Buffer | undefined | Refusal> {
  const { body, framing, headers } = established(exchange.admitted, 'admitted')
  if (headers.get('content-encoding') !== undefined) return undefined
  if (exchange.limitedBody !== undefined) return exchange.limitedBody
  if (framing.kind === 'none' || exchange.transport === 'grpc') return undefined
  const peek = await body.peek(exchange.runtime.limits.peekBytesMax)
  if (isRefusal(peek)) return peek
  return peek.complete ? peek.bytes : undefined
}
