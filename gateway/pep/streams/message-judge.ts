import type { MessageJudge } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { MessageWatch } from '../../domain/watch.ts'
import { authoriseMore } from './authorise-more.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/**
 * Judges the messages of a client on a route where they decide: what one asks for is authorised and
 * recorded before it passes. `undefined` for every other route. A message that is refused ends the
 * exchange, and is counted like any other that was cut. Never throws and never rejects.
 */
export function messageJudge(exchange: Exchange, services: Services): MessageJudge | undefined {
  const { frames } = established(exchange.classification, 'classification')
  if (frames === undefined) return undefined
  const end = (refusal: Refusal | undefined): Refusal | undefined => {
    if (refusal !== undefined) services.metrics.streamCut(refusal.reason)
    return refusal
  }
  return {
    bytesMax: exchange.runtime.limits.peekBytesMax,
    judge(kind, payload) {
      const verdict = look(frames, exchange, services, { kind, payload })
      if (verdict === undefined || isRefusal(verdict)) return end(verdict)
      return authoriseMore(exchange, services, verdict).then(end)
    },
  }
}

function look(
  frames: MessageWatch,
  exchange: Exchange,
  services: Services,
  { kind, payload }: { readonly kind: 'text' | 'binary'; readonly payload: Buffer },
): ReturnType<MessageWatch['message']> {
  try {
    return frames.message(kind, payload)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'a message could not be judged')
    return refuse('indeterminate')
  }
}
