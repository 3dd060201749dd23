/**
 * Incidents: what somebody should look at, by one name and in one way. Each is counted, logged and
 * written down, and keeps its subject out where the rules say so.
 */
import type { DecidedOperation } from '../../domain/access.ts'
import type { IncidentKind } from '../../domain/incidents.ts'
import type { LedgerValue } from '../../domain/ports.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { decideOperation } from '../streams/decide-again.ts'
import { established, type Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { Services } from '../runtime.ts'

/** One thing that was found. */
export interface Incident {
  readonly kind: IncidentKind
  /** A bounded word of ours: a format, a rule; never anything of the request. */
  readonly found: string
  /** Counts, shares, thresholds: bounded facts, never prompts or answers. */
  readonly evidence?: Readonly<Record<string, LedgerValue | undefined>>
}

/**
 * Counts, logs and records an incident, and keeps the subject out for as long as the longest
 * `incident.lock` of its decisions says: here at once, everywhere within a second. The exchange
 * itself is ended, or not, by whoever found it. Once for an exchange and kind, but for extraction,
 * which is found once in a window. Never throws.
 * @returns until when the subject is kept out, milliseconds since the epoch; absent when it is not
 */
export function raiseIncident(
  exchange: Exchange,
  services: Services,
  incident: Incident,
): number | undefined {
  const { kind, found } = incident
  const raised = (exchange.raised ??= new Map())
  if (raised.has(kind) && kind !== 'extraction') return raised.get(kind)
  const { upstream } = labelsOf(exchange)
  services.metrics.incident(upstream, kind)
  const until = lockOut(exchange, services)
  raised.set(kind, until)
  const facts = { decisionId: exchange.id, kind, found, sub: exchange.subject?.id, upstream }
  const lockedUntil = until === undefined ? undefined : new Date(until).toISOString()
  services.log.warn({ ...facts, evidence: incident.evidence, lockedUntil }, 'an incident')
  writeDown(exchange, services, { incident, lockedUntil })
  return until
}

/** Whether an incident would keep the subject out: whoever asks may then refuse instead of tell. */
export function locksOnIncident(exchange: Exchange): boolean {
  return longestLock(exchange.decisions ?? []) > 0
}

function lockOut(exchange: Exchange, services: Services): number | undefined {
  const { subject } = exchange
  if (subject === undefined) return undefined
  const ms = Math.max(longestLock(exchange.decisions ?? []), lockOfNow(exchange, services))
  return ms === 0 ? undefined : services.lockouts.lock(subject.id, ms, exchange.id)
}

function longestLock(decisions: readonly DecidedOperation[]): number {
  let longest = 0
  for (const { decision } of decisions) {
    for (const { type, parameters } of decision.obligations) {
      if (type === 'incident.lock') longest = Math.max(longest, Number(parameters['ms']) || 0)
    }
  }
  return longest
}

/** A stream may be older than the rule that keeps its caller out. */
function lockOfNow(exchange: Exchange, services: Services): number {
  const { policy } = exchange.latest()
  if (policy === exchange.policy || exchange.environment === undefined) return 0
  try {
    const again = established(exchange.decisions, 'decisions').map((one) => ({
      ...one,
      decision: decideOperation(exchange, policy, one, services),
    }))
    return longestLock(again)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'deciding again failed')
    return 0
  }
}

function writeDown(
  exchange: Exchange,
  services: Services,
  told: { readonly incident: Incident; readonly lockedUntil: string | undefined },
): void {
  const { decisions = [], subject } = exchange
  const { kind, found, evidence } = told.incident
  const fields = {
    id: exchange.id,
    kind,
    found,
    sub: subject?.id,
    iss: subject?.issuer,
    client: subject?.clientId,
    ip: exchange.admitted?.client.ip,
    ...labelsOf(exchange),
    ops: decisions.map(({ action, resource }) => ({ act: action, res: resourceText(resource) })),
    evidence,
    locked_until: told.lockedUntil,
    pol: (exchange.policy ?? exchange.runtime.policy).decisionPoint.revision,
  }
  // Behind it stands somebody who may be asked about it: it is on disk, whatever was asked for.
  services.ledger.append({ type: 'incident', fields }, 'disk').catch((error: unknown) => {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'an incident was not recorded')
  })
}
