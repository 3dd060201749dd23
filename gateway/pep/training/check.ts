/**
 * Whether a training is what was granted. It looks at the bytes that are forwarded, once nothing
 * changes them any more: what was compared is what is sent (threats §2.H 272).
 */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { TrainingRead } from '../../domain/training.ts'
import type { OutboundRequest } from '../../domain/ports.ts'
import { established, type Exchange } from '../exchange.ts'
import { outgoingBody } from './outgoing-body.ts'
import { differsFrom, forbiddenBy, mismatch } from './terms.ts'

/** Whether the request may begin a training: a `retrain` of which nobody has said that it does not. */
export function beginsTraining({ decisions = [], classification }: Exchange): boolean {
  return classification?.training !== 'none' && decisions.some(({ action }) => action === 'retrain')
}

/**
 * Reads what is trained with and holds it to the grant in use. Refuses with `grant_mismatch` and
 * `training_refused`, naming what differs; what cannot be read is no match for any grant.
 */
export async function holdToTerms(exchange: Exchange): Promise<Refusal | undefined> {
  if (!beginsTraining(exchange)) return undefined
  const rules = exchange.runtime.training
  const terms = exchange.grant?.training
  if (terms === undefined && rules.required) {
    const detail = 'A training needs a grant that says what it is for.'
    return refuse('training_refused', { detail })
  }
  const opened = await openTraining(exchange)
  if (isRefusal(opened)) return opened
  const { read, body } = opened
  if ('unreadable' in read) {
    if (terms !== undefined) return mismatch(read.unreadable)
    exchange.training = { body }
    return undefined
  }
  exchange.training = { body, facts: read }
  if (terms === undefined) return undefined
  const { entry } = established(exchange.admitted?.route, 'route')
  const { resources } = established(exchange.policy, 'policy')
  return differsFrom(terms, read) ?? forbiddenBy(rules, terms, { resources, upstream: entry.name })
}

async function openTraining(
  exchange: Exchange,
): Promise<{ readonly read: TrainingRead; readonly body: Buffer | undefined } | Refusal> {
  const reader = exchange.classification?.training
  if (reader === undefined || reader === 'none') {
    return {
      read: { unreadable: 'Of this route it is unknown what it trains with.' },
      body: undefined,
    }
  }
  const body = await outgoingBody(exchange)
  if (isRefusal(body)) return body
  if (body === undefined) return { read: { unreadable: UNHELD }, body }
  return { read: reader.read(body), body }
}

const UNHELD = 'The body is too large, or coded, to see what is trained with.'

/** The last look: whether what is about to be sent is what was read. */
export function changedSince(
  { training }: Exchange,
  body: OutboundRequest['body'],
): Refusal | undefined {
  if (training?.body === undefined || training.body === body) return undefined
  return mismatch('The body is not the one that was compared with the grant.')
}
