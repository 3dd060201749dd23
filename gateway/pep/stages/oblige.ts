import { createMessageGuard } from '../../egress/message-guard.ts'
import { createResponseGuard, type IncidentDetail } from '../../egress/response-guard.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import { discharge } from '../obligations/discharge.ts'
import { limitListing } from '../obligations/visible-listing.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 7. Prepares the guard of the response, has lists filtered, and discharges what the decisions
 * demand. What cannot be discharged is a refusal: permitting without it would be a permit the policy
 * did not give (XACML 3.0 §7.18).
 */
export function oblige(exchange: Exchange, services: Services): StageResult | Promise<StageResult> {
  const decisions = established(exchange.decisions, 'decisions')
  const note = (incident: Refusal, finding: IncidentDetail): void => {
    exchange.incident = incident
    exchange.finding = finding
  }
  const createGuard = exchange.transport === 'grpc' ? createMessageGuard : createResponseGuard
  exchange.guard = createGuard({
    mayExport: decisions.some(({ action }) => action === 'export'),
    isHead: exchange.admitted?.method === 'HEAD',
    onIncident: (incident, finding) => {
      note(incident, finding)
      services.metrics.guardIncident(labelsOf(exchange).upstream, incident.reason)
    },
  })
  if (decisions.every(({ decision }) => decision.obligations.length === 0)) {
    limitListing(exchange, services, note)
    return undefined
  }
  return discharge(exchange, services, note)
}
