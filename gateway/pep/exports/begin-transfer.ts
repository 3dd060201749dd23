/** Binds an answer to what was granted before anything is asked of the upstream. */
import type { DecidedOperation, Grant } from '../../domain/access.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { AHEAD, meterExport } from '../../egress/exports/export-meter.ts'
import { askedPart, type AskedPart } from '../../egress/exports/export-parts.ts'
import type { IncidentDetail } from '../../egress/guard/response-guard.ts'
import { established, type AdmittedRequest, type Exchange } from '../exchange.ts'
import { raiseIncident } from '../watching/incidents.ts'
import { labelsOf } from '../labels.ts'
import type { Services } from '../runtime.ts'
import { claimGrant, type GrantClaim } from './claim.ts'
import { usesUp, watchGrant } from './grant-in-use.ts'
import { digestsNamed, isResumable, transferOf } from './transfer.ts'

/** What an export is bound to. */
interface Binding {
  readonly admitted: AdmittedRequest
  readonly isExport: boolean
  readonly grant: Grant | undefined
  /** `sha256:<hex>`, as the grant or the catalog declares it. */
  readonly digest: string | undefined
}

/**
 * Puts the meter around the guard of an export, and claims the grant that is used up. To be called
 * last, when nothing else stands against the request: what is claimed is then asked for. Refuses what
 * is not what was granted (`export_unbound`), and what the store has no leave for.
 */
export async function beginTransfer(
  exchange: Exchange,
  services: Services,
): Promise<Refusal | undefined> {
  watchGrant(exchange, services)
  const binding = bind(exchange)
  if (isRefusal(binding)) return binding
  const { admitted, grant, isExport } = binding
  const isUsed = grant !== undefined && admitted.method !== 'HEAD' && usesUp(exchange, grant)
  if (!isExport && !isUsed) return undefined
  const claim = isUsed ? await claimFor(exchange, services, grant) : undefined
  if (isRefusal(claim)) return claim
  const part = isResumable(exchange) ? partWanted(binding, claim) : undefined
  if (isRefusal(part)) {
    await giveBack(exchange, services, claim)
    return part
  }
  meter(exchange, services, { ...binding, part, claim })
  return undefined
}

/** Whether {@link beginTransfer} has anything to do. */
export function isTransfer({ grant, decisions = [] }: Exchange): boolean {
  return grant !== undefined || decisions.some(isExported)
}

function isExported({ action }: DecidedOperation): boolean {
  return action === 'export'
}

const unbound = (detail: string): Refusal => refuse('export_unbound', { detail })

function bind(exchange: Exchange): Binding | Refusal {
  const admitted = established(exchange.admitted, 'admitted')
  const exports = established(exchange.decisions, 'decisions').filter(isExported)
  const { grant } = exchange
  const isExport = exports.length > 0
  const binding = { admitted, grant, isExport, digest: undefined }
  if (!isExport) return binding
  if (grant?.bytesMax !== undefined && admitted.method !== 'GET' && admitted.method !== 'HEAD') {
    return unbound(`Grant ${grant.id} is for so many bytes, which this request does not count in.`)
  }
  const digest = declaredDigest(exchange, exports)
  if (digest === undefined || isRefusal(digest)) return digest ?? binding
  return digestProblem(exchange, admitted, digest) ?? { ...binding, digest }
}

/** The one digest that is declared of what is exported. */
function declaredDigest(
  exchange: Exchange,
  exports: readonly DecidedOperation[],
): string | Refusal | undefined {
  const { resources } = established(exchange.policy, 'policy')
  const declared = exports.map(({ resource }) => resources.attributesOf(resource)?.digest)
  const digests = new Set([exchange.grant?.digest, ...declared].filter((one) => one !== undefined))
  if (digests.size < 2) return [...digests][0]
  return unbound('The grant and the catalog of resources declare different digests.')
}

function digestProblem(
  exchange: Exchange,
  admitted: AdmittedRequest,
  digest: string,
): Refusal | undefined {
  const named = digestsNamed(admitted)
  if (named.some((one) => one !== digest)) return unbound(`Only ${digest} may be exported.`)
  if (exchange.transport === 'grpc' || exchange.upgrade !== undefined) {
    return unbound('Messages cannot be compared with a digest.')
  }
  const isJudged = admitted.method === 'GET' || admitted.method === 'HEAD' || named.length > 0
  return isJudged ? undefined : unbound(`What this request hands out cannot be compared.`)
}

async function claimFor(
  exchange: Exchange,
  services: Services,
  grant: Grant,
): Promise<GrantClaim | Refusal> {
  const { id, usesMax, bytesMax, expiresAt } = grant
  const onLost = (refusal: Refusal): void => {
    if (exchange.cut === undefined) return
    services.metrics.streamCut(refusal.reason)
    exchange.cut(refusal)
  }
  const deps = { state: services.state, clock: services.clock, onLost }
  return claimGrant(deps, {
    grant: id,
    transfer: transferOf(exchange),
    attempt: exchange.id,
    ...(usesMax === undefined ? {} : { usesMax }),
    ...(bytesMax === undefined ? {} : { bytesMax }),
    expiresAt,
  })
}

/**
 * The part of the whole that is to leave, where the upstream is asked for the whole; else only
 * whether it may be asked for a part: one use of a grant is one file from its beginning, so that it
 * goes on where it ended, or before.
 */
function partWanted(
  { admitted, digest, grant }: Binding,
  claim: GrantClaim | undefined,
): AskedPart | Refusal | undefined {
  const range = admitted.headers.get('range')
  if (range === undefined) return undefined
  const part = askedPart(range, admitted.headers.get('if-range'))
  const begun = begunBefore(grant, claim) ?? Infinity
  if (digest !== undefined) return part !== undefined && part.from <= begun ? part : undefined
  if (begun === Infinity || (part !== undefined && part.from <= begun)) return undefined
  return unbound(AHEAD)
}

/** Bytes of it that left before; absent where uses are not counted. */
function begunBefore(grant: Grant | undefined, claim: GrantClaim | undefined): number | undefined {
  return grant?.usesMax === undefined ? undefined : claim?.bytesBefore
}

async function giveBack(
  exchange: Exchange,
  services: Services,
  claim: GrantClaim | undefined,
): Promise<void> {
  await claim?.release(false).catch((error: unknown) => {
    services.log.warn({ decisionId: exchange.id, err: error }, 'a use was not given back')
  })
}

interface Metered extends Binding {
  readonly part: AskedPart | undefined
  readonly claim: GrantClaim | undefined
}

function meter(exchange: Exchange, services: Services, metered: Metered): void {
  const { admitted, digest, part, claim, isExport, grant } = metered
  const account = claim?.account
  const readsWhole = digest !== undefined && admitted.method === 'GET'
  const more = { digest, claim, isExport }
  if (exchange.upgrade !== undefined) {
    if (account !== undefined) (exchange.meters ??= []).push(account)
    exchange.transfer = { ...more, readsWhole: false }
    return
  }
  const guard = meterExport(established(exchange.guard, 'guard'), {
    bodyless: admitted.method === 'HEAD',
    digest: readsWhole ? digest : undefined,
    part,
    fromMax: isResumable(exchange) ? begunBefore(grant, claim) : undefined,
    isBound: isExport && (grant !== undefined || digest !== undefined),
    account,
    onIncident: (refusal, detail) => onIncident(exchange, services, refusal, detail),
  })
  exchange.guard = guard
  exchange.transfer = { ...more, meter: guard, readsWhole }
}

function onIncident(
  exchange: Exchange,
  services: Services,
  refusal: Refusal,
  detail: IncidentDetail,
): void {
  exchange.incident = refusal
  exchange.finding = detail
  services.metrics.guardIncident(labelsOf(exchange).upstream, refusal.reason)
  if (refusal.reason === 'response_over_limit') return
  raiseIncident(exchange, services, {
    kind: refusal.reason === 'digest_mismatch' ? 'digest' : 'handout',
    found: detail.found,
    evidence: { reason: refusal.reason, bytes_before: detail.bytesBefore },
  })
}
