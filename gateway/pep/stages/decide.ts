import type { AccessRequest, DecidedOperation, Decision } from '../../domain/access.ts'
import { grantCovers } from '../../domain/grants.ts'
import type { DecisionPoint } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { resourceText, type Operation } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import { environmentFor } from '../exports/grant-in-use.ts'
import { withJournal } from '../watching/journal-says.ts'
import { demandOfOwn } from '../own-routes/walk-own.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 5. Every operation of the request must be permitted; the first that is not refuses it.
 * Shadow rules are asked afterwards: what they say is recorded and counted, and never acted on.
 */
export function decide(exchange: Exchange, services: Services): StageResult {
  const startedMs = services.clock.monotonicMs()
  const { decisionPoint } = established(exchange.policy, 'policy')
  const subject = established(exchange.subject, 'subject')
  const { operations } = established(exchange.classification, 'classification')
  const requests = operations.map((operation) => requestOf(exchange, operation))
  const holder = { access: services.access, subject }
  const decisions = requests.map((request) =>
    decided(request, withJournal(decisionPoint.decide(request), request, holder)),
  )
  exchange.decisions = decisions
  exchange.decisionMs = services.clock.monotonicMs() - startedMs
  if (decisionPoint.decideShadow !== undefined) {
    watchShadow(exchange, services, { requests, decisions, decide: decisionPoint.decideShadow })
  }
  const against = decisions.find(({ decision }) => decision.effect !== 'permit')
  const refusal = against === undefined ? demandOfOwn(exchange) : refusalOf(against.decision)
  return refusal === undefined ? undefined : hinted(refusal, hintFor(exchange, against))
}

/** A caller who holds a grant that does not fit, or not all of the request, is told why. */
function hintFor(
  { grant, grantHint }: Exchange,
  against: DecidedOperation | undefined,
): string | undefined {
  if (grant === undefined || against === undefined || grantCovers(grant, against)) return grantHint
  const { action, resource } = against
  return `Grant ${grant.id} is not for ${action} on ${resourceText(resource)}.`
}

function hinted(refusal: Refusal, hint: string | undefined): Refusal {
  if (hint === undefined) return refusal
  return { ...refusal, detail: `${refusal.detail ?? ''} ${hint}`.trim() }
}

function requestOf(exchange: Exchange, operation: Operation): AccessRequest {
  const { resources } = established(exchange.policy, 'policy')
  return {
    subject: established(exchange.subject, 'subject'),
    action: operation.action,
    resource: operation.resource,
    environment: environmentFor(exchange, operation),
    resourceAttributes: resources.attributesOf(operation.resource),
  }
}

function decided({ action, resource }: AccessRequest, decision: Decision): DecidedOperation {
  return { action, resource, decision }
}

/** Asks the shadow rules. Whatever goes wrong in here leaves the request as it is. */
function watchShadow(
  exchange: Exchange,
  { metrics, log }: Services,
  asked: {
    readonly requests: readonly AccessRequest[]
    readonly decisions: readonly DecidedOperation[]
    readonly decide: DecisionPoint['decide']
  },
): void {
  const { requests, decisions, decide } = asked
  try {
    const shadow = requests.map((request) => decided(request, decide(request)))
    exchange.shadow = shadow
    decisions.forEach(({ action, decision }, at) => {
      const other = shadow[at]?.decision.effect ?? 'indeterminate'
      metrics.shadowDecision(action, decision.effect, other)
      if (other === decision.effect) return
      const told = { decisionId: exchange.id, action, enforced: decision.effect, shadow: other }
      log.debug(told, 'the shadow rules would decide otherwise')
    })
  } catch (error) {
    log.debug({ decisionId: exchange.id, err: error }, 'the shadow rules could not be asked')
  }
}

/** The decision as a refusal, with the step-up challenge where one would help (RFC 9470). */
export function refusalOf(decision: Decision): Refusal {
  const { stepUp, reason = 'indeterminate', explanation } = decision
  if (reason !== 'step_up_required') return refuse(reason, { detail: explanation })
  return refuse(reason, {
    detail: explanation,
    challenge: { error: 'insufficient_user_authentication', ...stepUp },
  })
}
