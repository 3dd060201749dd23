import type { DecidedOperation, Environment } from '../domain/access.ts'
import type { LedgerRecord, LedgerValue } from '../domain/ports.ts'
import type { Refusal } from '../domain/refusal.ts'
import { resourceText } from '../domain/vocabulary.ts'
import type { Exchange } from './exchange.ts'

/**
 * The decision record: who, what, where, when, and why it was decided so. Never a token, a header
 * value of the caller's choosing, a prompt or a prediction. `refusal` is what stopped the request,
 * or `undefined` for a permit.
 */
export function decisionRecord(exchange: Exchange, refusal: Refusal | undefined): LedgerRecord {
  const { admitted, subject, classification, decisions, environment, runtime } = exchange
  const deciding = decidingOperation(decisions)
  return {
    type: 'decision',
    fields: {
      id: exchange.id,
      effect: refusal === undefined ? 'permit' : 'deny',
      reason: refusal?.reason,
      stage: refusal === undefined ? undefined : exchange.stage,
      sub: subject?.id,
      iss: subject?.issuer,
      jti: subject?.tokenId,
      client: subject?.clientId,
      upstream: admitted?.route?.entry.name,
      pack: classification?.pack,
      route: classification?.route,
      ops: classification?.operations.map((o) => ({
        act: o.action,
        res: resourceText(o.resource),
      })),
      rule: ruleText(deciding),
      failed: deciding?.decision.failedConditions.map((f) => ({
        name: f.name,
        is: f.truth,
        why: f.detail,
      })),
      pol: runtime.policy.decisionPoint.revision,
      cfg: runtime.configRevision,
      meth: admitted?.method,
      path: admitted?.target.path,
      ip: admitted?.client.ip,
      ipsrc: admitted?.client.source,
      env: environmentFields(exchange, environment),
      req: admitted?.requestId,
      trace: traceId(admitted?.headers.get('traceparent')),
    },
  }
}

/** The outcome record: what became of a permitted request. Bytes are those on the wire's inside. */
export function outcomeRecord(
  exchange: Exchange,
  refusal: Refusal | undefined,
  durationMs: number,
): LedgerRecord {
  const { outcome, incident } = exchange
  return {
    type: 'outcome',
    fields: {
      id: exchange.id,
      status: outcome?.status,
      reason: refusal?.reason ?? incident?.reason ?? outcome?.reason,
      ended_by: outcome?.endedBy ?? 'gateway',
      bytes_in: outcome?.requestBytes ?? 0,
      bytes_out: outcome?.responseBytes ?? 0,
      ms: Math.round(durationMs * 1000) / 1000,
    },
  }
}

function decidingOperation(
  decisions: readonly DecidedOperation[] | undefined,
): DecidedOperation | undefined {
  return decisions?.find(({ decision }) => decision.effect !== 'permit') ?? decisions?.[0]
}

function ruleText(operation: DecidedOperation | undefined): string | undefined {
  const rule = operation?.decision.rule
  return rule === undefined ? undefined : `${rule.file}:${rule.line}`
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
    now: new Date(environment.now).toISOString(),
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
