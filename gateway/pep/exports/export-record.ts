/** The ledger of exports: one record for each that was begun. */
import type { Grant } from '../../domain/access.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import type { Exported } from '../../egress/exports/export-meter.ts'
import type { Exchange } from '../exchange.ts'
import type { Ended } from './in-progress.ts'

/** Approvers that a record names. */
const APPROVERS_MAX = 16

type Fields = LedgerRecord['fields']

/**
 * The record of an export: to whom, what, how much, and whether it was what had been granted. Bytes
 * are those that left towards the caller; what it got of them, only the caller knows.
 */
export function exportRecord(exchange: Exchange, ended: Ended): LedgerRecord {
  const { transfer, exported, isWhole, refusal, durationMs } = ended
  const { outcome } = exchange
  return {
    type: 'export',
    fields: {
      id: exchange.id,
      sub: exchange.subject?.id,
      client: exchange.subject?.clientId,
      ...whatFields(exchange),
      ...requestFields(exchange),
      ...leftFields(exported, outcome),
      digest: transfer.digest,
      ...grantFields(exchange.grant),
      resumed: transfer.claim?.resumed,
      complete: isWhole,
      ...endFields(exchange, refusal),
      ms: Math.round(durationMs * 1000) / 1000,
      pol: (exchange.policy ?? exchange.runtime.policy).decisionPoint.revision,
    },
  }
}

function whatFields({ decisions = [] }: Exchange): Fields {
  const [resource, ...others] = decisions
    .filter(({ action }) => action === 'export')
    .map((one) => one.resource)
  if (resource === undefined) return {}
  return {
    res: resourceText(resource),
    ver: resource.version,
    also: others.length === 0 ? undefined : others.map(resourceText),
  }
}

function requestFields({ admitted, classification, outcome }: Exchange): Fields {
  return {
    ip: admitted?.client.ip,
    upstream: admitted?.route?.entry.name,
    pack: classification?.pack,
    route: classification?.route,
    meth: admitted?.method,
    path: admitted?.target.path,
    status: outcome?.status ?? 0,
  }
}

function endFields(
  { incident, lockedBy, outcome }: Exchange,
  refusal: Refusal | undefined,
): Fields {
  return {
    reason: (refusal ?? incident ?? outcome)?.reason,
    lock: refusal?.lockedBy ?? lockedBy,
    ended_by: outcome?.endedBy ?? 'gateway',
  }
}

/** Messages of a WebSocket are counted by the tunnel, and not hashed. */
function leftFields(exported: Exported | undefined, outcome: Exchange['outcome']): Fields {
  if (exported === undefined) return { bytes: outcome?.responseBytes ?? 0 }
  const { bytes, sha256, part, matched, found, etag } = exported
  return {
    bytes,
    sha256,
    partial: part === undefined ? undefined : { ...part },
    matched,
    found,
    etag,
  }
}

function grantFields(grant: Grant | undefined): Fields {
  if (grant === undefined) return {}
  return { grant: grant.id, by: grant.approvals.slice(0, APPROVERS_MAX).map(({ by }) => by) }
}
