import { guardTrailers } from '../../egress/guard/call-trailers.ts'
import { createFrameGuard } from '../../egress/guard/frame-guard.ts'
import { createMessageGuard } from '../../egress/guard/message-guard.ts'
import {
  createResponseGuard,
  type IncidentDetail,
  type ResponseGuardOptions,
} from '../../egress/guard/response-guard.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import { beginTransfer, isTransfer } from '../exports/begin-transfer.ts'
import { raiseIncident } from '../watching/incidents.ts'
import { labelsOf } from '../labels.ts'
import { discharge } from '../obligations/discharge.ts'
import { meterAnswer } from '../obligations/meter-answer.ts'
import { isExport, maskAnswer, refusePart, withholdErrors } from '../obligations/hand-outs.ts'
import { limitListing } from '../obligations/visible-listing.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'
import { recordTraining } from '../training/begin-training.ts'
import { beginsTraining, holdToTerms } from '../training/check.ts'
import { readsAnswer, watchAnswer } from '../training/registration.ts'

/**
 * Stage 8. Prepares the guard of the response, has lists filtered, and discharges what the decisions
 * demand. What cannot be discharged is a refusal: permitting without it would be a permit the policy
 * did not give (XACML 3.0 §7.18).
 */
export function oblige(exchange: Exchange, services: Services): StageResult | Promise<StageResult> {
  const part = refusePart(exchange)
  if (part !== undefined) return part
  const decisions = established(exchange.decisions, 'decisions')
  const note = (incident: Refusal, finding: IncidentDetail): void => {
    exchange.incident = incident
    exchange.finding = finding
  }
  const createGuard = exchange.transport === 'grpc' ? createMessageGuard : createResponseGuard
  const options: ResponseGuardOptions = {
    mayExport: isExport(exchange),
    isHead: exchange.admitted?.method === 'HEAD',
    ...typesOf(exchange),
    onIncident: (incident, finding) => {
      note(incident, finding)
      services.metrics.guardIncident(labelsOf(exchange).upstream, incident.reason)
      const kind = incident.reason === 'weights_detected' ? 'weights' : 'handout'
      raiseIncident(exchange, services, {
        kind,
        found: finding.found,
        evidence: { reason: incident.reason, bytes_before: finding.bytesBefore },
      })
    },
  }
  exchange.guard = createGuard(options)
  withholdErrors(exchange, services)
  const answers = exchange.upgrade === undefined ? undefined : createFrameGuard(options)
  if (answers !== undefined) exchange.answers = answers
  if (exchange.transport === 'grpc') {
    exchange.trailers = (received) => guardTrailers(received, options)
  }
  if (decisions.every(({ decision }) => decision.obligations.length === 0)) {
    limitListing(exchange, services, note)
    return finish(exchange, services)
  }
  return discharge(exchange, services, note).then(
    (refusal) => refusal ?? finish(exchange, services),
  )
}

/** The types of a gRPC answer are fixed by its protocol. */
function typesOf({ transport, classification }: Exchange): Partial<ResponseGuardOptions> {
  if (transport === 'grpc') return {}
  return { allowedTypes: classification?.answers, action: classification?.operations[0].action }
}

/** Last of all what is claimed of a grant, and outermost what is counted as it leaves. */
function finish(exchange: Exchange, services: Services): StageResult | Promise<StageResult> {
  maskAnswer(exchange, services)
  if (beginsTraining(exchange) || readsAnswer(exchange)) return finishTraining(exchange, services)
  if (!isTransfer(exchange)) {
    meterAnswer(exchange, services)
    return undefined
  }
  return beginTransfer(exchange, services).then((refusal) => {
    if (refusal === undefined) meterAnswer(exchange, services)
    return refusal
  })
}

/** As granted, then claimed, then on record: nothing is used up for what is not sent. */
async function finishTraining(exchange: Exchange, services: Services): Promise<StageResult> {
  const against = await holdToTerms(exchange)
  if (against !== undefined) return against
  if (readsAnswer(exchange)) {
    const unread = await watchAnswer(exchange, services)
    if (unread !== undefined) return unread
  }
  if (isTransfer(exchange)) {
    const unclaimed = await beginTransfer(exchange, services)
    if (unclaimed !== undefined) return unclaimed
  }
  meterAnswer(exchange, services)
  return recordTraining(exchange, services)
}
