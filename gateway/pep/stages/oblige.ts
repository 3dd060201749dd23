import { refuse } from '../../domain/refusal.ts'
import { createResponseGuard } from '../../egress/response-guard.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 7. Discharges what the decision demands and prepares the guard of the response. This
 * version knows no obligation, so any obligation is a refusal: permitting without discharging it
 * would be a permit the policy did not give (XACML 3.0 §7.18).
 */
export function oblige(exchange: Exchange, services: Services): StageResult {
  const decisions = established(exchange.decisions, 'decisions')
  if (decisions.some(({ decision }) => decision.obligations.length > 0)) {
    return refuse('obligation_unknown')
  }
  exchange.guard = createResponseGuard({
    mayExport: decisions.some(({ action }) => action === 'export'),
    onIncident: (incident, finding) => {
      exchange.incident = incident
      exchange.finding = finding
      services.metrics.guardIncident(labelsOf(exchange).upstream, incident.reason)
    },
  })
  return undefined
}
