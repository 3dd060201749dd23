import type { DecidedOperation, Decision, RuleReference } from '../domain/access.ts'
import type { BudgetName } from '../domain/budget.ts'
import type { ForwardOutcome, LedgerRecord, LedgerValue } from '../domain/ports.ts'
import type { Refusal } from '../domain/refusal.ts'
import { resourceText, type Operation } from '../domain/vocabulary.ts'
import type { AdmittedRequest, Exchange } from './exchange.ts'
import { environmentFields, subjectFields } from './record-facts.ts'

/**
 * The decision record: who, what, where, when, and why it was decided so. Never a token, a header
 * value of the caller's choosing, a prompt or a prediction. It holds everything that was judged, so
 * that the request can be judged again under other rules. `refusal` is what stopped the request, or
 * `undefined` for a permit.
 */
export function decisionRecord(exchange: Exchange, refusal: Refusal | undefined): LedgerRecord {
  return {
    type: 'decision',
    fields: {
      id: exchange.id,
      effect: refusal === undefined ? 'permit' : 'deny',
      reason: refusal?.reason,
      lock: refusal?.lockedBy,
      stale: exchange.staleMs === undefined ? undefined : staleText(exchange.staleMs),
      stage: refusal === undefined ? undefined : exchange.stage,
      ...subjectFields(exchange.subject),
      ...operationFields(exchange),
      ...ruleFields(decidingOperation(exchange.decisions)),
      obl: obligationFields(exchange.decisions),
      budget: budgetFields(exchange.exhausted),
      pol: (exchange.policy ?? exchange.runtime.policy).decisionPoint.revision,
      cfg: exchange.runtime.configRevision,
      ...requestFields(exchange.admitted),
      env: environmentFields(exchange.environment, exchange.subject),
      shadow: shadowFields(exchange),
    },
  }
}

type Fields = LedgerRecord['fields']

/** How old what was known of locks and grants was, in words of ISO 8601; `unknown` before the first time. */
function staleText(ms: number): string {
  return Number.isFinite(ms) ? `PT${Math.round(ms) / 1_000}S` : 'unknown'
}

function operationFields({ admitted, classification, decisions }: Exchange): Fields {
  const upstream = admitted?.route?.entry.name
  if (classification === undefined) return { upstream }
  const { pack, route, operations } = classification
  const ops =
    decisions === undefined ? operations.map(askedFor) : operations.map(decided(decisions))
  return { upstream, pack, route, ops }
}

function askedFor({ action, resource }: Operation): LedgerValue {
  return { act: action, res: resourceText(resource) }
}

/** Each operation with the decision on it: a request has one for each. */
function decided(
  decisions: readonly DecidedOperation[],
): (o: Operation, at: number) => LedgerValue {
  return ({ action, resource }, at) => {
    const { effect, reason, rule } = decisions[at]?.decision ?? {}
    return { act: action, res: resourceText(resource), effect, reason, rule: placeOf(rule) }
  }
}

function placeOf(rule: RuleReference | undefined): string | undefined {
  return rule === undefined ? undefined : `${rule.file}:${rule.line}`
}

/** What shadow rules would have made of it, where that is something else; `op` counts from 0. */
function shadowFields({ decisions, shadow }: Exchange): LedgerValue | undefined {
  const enforced = decidingOperation(decisions)
  const other = decidingOperation(shadow)
  if (other === undefined || other.decision.effect === enforced?.decision.effect) return undefined
  const { effect, reason, rule } = other.decision
  return { effect, reason, rule: placeOf(rule), op: shadow?.indexOf(other) }
}

function ruleFields(deciding: DecidedOperation | undefined): Fields {
  if (deciding === undefined) return {}
  const { rule, failedConditions } = deciding.decision
  const failed = failedConditions.map((f) => ({ name: f.name, is: f.truth, why: f.detail }))
  return { rule: placeOf(rule), failed }
}

/** What the permit came with, each once: type, parameters and where it is written. */
function obligationFields(
  decisions: readonly DecidedOperation[] | undefined,
): LedgerValue | undefined {
  if (decisions === undefined) return undefined
  const all = decisions.flatMap(({ decision }) => decision.obligations)
  if (all.length === 0) return undefined
  const seen = new Map<string, LedgerValue>()
  for (const { type, parameters, source } of all) {
    const one = { type, ...parameters, src: source }
    seen.set(JSON.stringify(one), one)
  }
  return [...seen.values()]
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
      grpc: outcome.grpcStatus,
      reason: (refusal ?? incident ?? outcome).reason,
      lock: refusal?.lockedBy ?? exchange.lockedBy,
      ...revokedFields(exchange.revoked),
      found: exchange.finding?.found,
      bytes_before: exchange.finding?.bytesBefore,
      listed: exchange.listing?.listed,
      hidden: exchange.listing?.hidden,
      treated: treatedFields(exchange.treated),
      revealed: exchange.revealed,
      budget: budgetFields(exchange.exhausted),
      used: usedFields(exchange.budget),
      ended_by: outcome.endedBy,
      bytes_in: outcome.requestBytes,
      bytes_out: outcome.responseBytes,
      ms: Math.round(durationMs * 1000) / 1000,
    },
  }
}

/** The budget that stood in the way. */
function budgetFields(budget: BudgetName | undefined): LedgerValue | undefined {
  if (budget === undefined) return undefined
  const { limit, per, unit, window, max, source } = budget
  return { limit, per, unit, window, max, src: source }
}

/** What was counted under each limit. */
function usedFields(budget: Exchange['budget']): LedgerValue | undefined {
  const counted = budget?.counted() ?? []
  return counted.length === 0
    ? undefined
    : counted.map(({ limit, unit, n }) => ({ limit, unit, n }))
}

/** How many values each treatment was given to. */
function treatedFields(treated: Exchange['treated']): LedgerValue | undefined {
  return treated === undefined || treated.size === 0 ? undefined : Object.fromEntries(treated)
}

/** What ended it although it had been permitted: the rules that came into force meanwhile. */
function revokedFields(revoked: Decision | undefined): Fields {
  return revoked === undefined ? {} : { pol: revoked.revision, rule: placeOf(revoked.rule) }
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

/** The trace id of a W3C `traceparent` when it is well formed (Trace Context §3.2). */
function traceId(traceparent: string | undefined): string | undefined {
  return /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1]
}
