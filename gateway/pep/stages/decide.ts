import type { DecidedOperation, Decision } from '../../domain/access.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Operation } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/** Stage 5. Every operation of the request must be permitted; the first that is not refuses it. */
export function decide(exchange: Exchange, services: Services): StageResult {
  const startedMs = services.clock.monotonicMs()
  const { operations } = established(exchange.classification, 'classification')
  const decisions = operations.map((operation) => decideOne(exchange, operation))
  exchange.decisions = decisions
  exchange.decisionMs = services.clock.monotonicMs() - startedMs
  const against = decisions.find(({ decision }) => decision.effect !== 'permit')
  return against === undefined ? undefined : refusalOf(against.decision)
}

function decideOne(exchange: Exchange, operation: Operation): DecidedOperation {
  const { decisionPoint, resources } = established(exchange.policy, 'policy')
  const attributes = resources.attributesOf(operation.resource)
  const decision = decisionPoint.decide({
    subject: established(exchange.subject, 'subject'),
    action: operation.action,
    resource: operation.resource,
    environment: established(exchange.environment, 'environment'),
    resourceAttributes: attributes,
  })
  return { action: operation.action, resource: operation.resource, decision }
}

/** The decision as a refusal, with the step-up challenge where one would help (RFC 9470). */
function refusalOf(decision: Decision): Refusal {
  const { stepUp, reason = 'indeterminate', explanation } = decision
  if (reason !== 'step_up_required') return refuse(reason, { detail: explanation })
  return refuse(reason, {
    detail: explanation,
    challenge: { error: 'insufficient_user_authentication', ...stepUp },
  })
}
