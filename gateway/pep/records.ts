import type { DecidedOperation, Environment } from '../domain/access.ts'
import { createInstantText } from '../domain/clock.ts'
import type { ForwardOutcome, LedgerRecord, LedgerValue } from '../domain/ports.ts'
import type { Refusal } from '../domain/refusal.ts'
import { resourceText } from '../domain/vocabulary.ts'
import type { Subject } from '../domain/subject.ts'
import type { AdmittedRequest, Exchange } from './exchange.ts'

const instantText = createInstantText()

/**
 * The decision record: who, what, where, when, and why it was decided so. Never a token, a header
 * value of the caller's choosing, a prompt or a prediction. `refusal` is what stopped the request,
 * or `undefined` for a permit.
 */
export function decisionRecord(exchange: Exchange, refusal: Refusal | undefined): LedgerRecord {
  return {
    type: 'decision',
    fields: {
      id: exchange.id,
      effect: refusal === undefined ? 'permit' : 'deny',
      reason: refusal?.reason,
      stage: refusal === undefined ? undefined : exchange.stage,
      ...subjectFields(exchange.subject),
      ...operationFields(exchange),
      ...ruleFields(decidingOperation(exchange.decisions)),
      pol: (exchange.policy ?? exchange.runtime.policy).decisionPoint.revision,
      cfg: exchange.runtime.configRevision,
      ...requestFields(exchange.admitted),
      env: environmentFields(exchange, exchange.environment),
    },
  }
}

type Fields = LedgerRecord['fields']

function subjectFields(subject: Subject | undefined): Fields {
  if (subject === undefined) return {}
  return { sub: subject.id, iss: subject.issuer, jti: subject.tokenId, client: subject.clientId }
}

function operationFields({ admitted, classification }: Exchange): Fields {
  const upstream = admitted?.route?.entry.name
  if (classification === undefined) return { upstream }
  const { pack, route, operations } = classification
  const ops = operations.map((o) => ({ act: o.action, res: resourceText(o.resource) }))
  return { upstream, pack, route, ops }
}

function ruleFields(deciding: DecidedOperation | undefined): Fields {
  if (deciding === undefined) return {}
  const { rule, failedConditions } = deciding.decision
  const failed = failedConditions.map((f) => ({ name: f.name, is: f.truth, why: f.detail }))
  return { rule: rule === undefined ? undefined : `${rule.file}:${rule.line}`, failed }
}

function requestFields(admitted: AdmittedRequest | undefined): Fields {
  if (admitted === undefined) return {}
  return {
    meth: admitted.method,
    path: admitted.target.path,
    ip: admitted.client.ip,
    ipsrc: admitted.client.source,
    req: admitted.requestId,
    trace: traceId(admitted.headers.get('traceparent')),
  }
}

/** The outcome record: what became of a permitted request. Bytes are those on the wire's inside. */
export function outcomeRecord(
  exchange: Exchange,
  refusal: Refusal | undefined,
  durationMs: number,
): LedgerRecord {
  const { outcome = NO_OUTCOME, incident } = exchange
  return {
    type: 'outcome',
    fields: {
      id: exchange.id,
      status: outcome.status,
      reason: (refusal ?? incident ?? outcome).reason,
      found: exchange.finding?.found,
      bytes_before: exchange.finding?.bytesBefore,
      ended_by: outcome.endedBy,
      bytes_in: outcome.requestBytes,
      bytes_out: outcome.responseBytes,
      ms: Math.round(durationMs * 1000) / 1000,
    },
  }
}

/** A permitted request that never reached its upstream, or whose response the guard refused whole. */
const NO_OUTCOME: Partial<ForwardOutcome> & Pick<ForwardOutcome, 'endedBy'> = {
  endedBy: 'gateway',
  requestBytes: 0,
  responseBytes: 0,
}

function decidingOperation(
  decisions: readonly DecidedOperation[] | undefined,
): DecidedOperation | undefined {
  return decisions?.find(({ decision }) => decision.effect !== 'permit') ?? decisions?.[0]
}

/** The environment as judged, so that the decision can be made again from the record. */
function environmentFields(
  exchange: Exchange,
  environment: Environment | undefined,
): LedgerValue | undefined {
  if (environment === undefined) return undefined
  const { device } = environment
  const authentication = exchange.subject?.authentication
  return {
    now: instantText(environment.now),
    mfa: authentication?.mfa,
    acr: authentication?.acr,
    auth_time: authentication?.authTime,
    device:
      device === undefined
        ? undefined
        : {
            src: device.source,
            managed: device.managed,
            compliant: device.compliant,
            encrypted: device.encrypted,
            os: device.os,
            os_version: device.osVersion,
            assessed_at: device.assessedAt,
          },
  }
}

/** The trace id of a W3C `traceparent` when it is well formed (Trace Context §3.2). */
function traceId(traceparent: string | undefined): string | undefined {
  return /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1]
}
