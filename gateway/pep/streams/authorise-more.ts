import type { DecidedOperation } from '../../domain/access.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { isPrivileged, resourceText, type Operation } from '../../domain/vocabulary.ts'
import { decideOperation } from './decide-again.ts'
import { lockedNow, tooStale } from '../watching/locked.ts'
import { budgetMore, isBudgetType } from '../obligations/meter-answer.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { refusalOf } from '../stages/decide.ts'

/**
 * Decides what a request that is under way turned out to do besides: a further message of a gRPC
 * stream, a message over a WebSocket. Under the policy of this moment; recorded before it goes on,
 * as the first decision was (I8). What was permitted before is not asked again here: a change of
 * the rules ends the exchange by itself.
 * @returns why it may not go on, or `undefined`. Never rejects.
 */
export async function authoriseMore(
  exchange: Exchange,
  services: Services,
  operations: readonly Operation[],
): Promise<Refusal | undefined> {
  try {
    const fresh = operations.filter((operation) => !isDecided(exchange, operation))
    if (fresh.length === 0) return undefined
    const { policy } = exchange.latest()
    const decided = decideNow(exchange, services, fresh)
    if (isRefusal(decided)) return decided
    const against = decided.find(({ decision }) => decision.effect !== 'permit')
    const refusal =
      against === undefined
        ? (dutiful(exchange, decided) ?? budgetMore(exchange, decided))
        : refusalOf(against.decision)
    const unrecorded = await note(exchange, services, decided, refusal)
    if (refusal !== undefined || unrecorded !== undefined) return refusal ?? unrecorded
    // Rules that changed while it was written down were put to what had been decided before alone.
    // So were locks: what is asked for now was not yet part of what they look at.
    if (exchange.latest().policy !== policy || lockedNow(exchange, services, fresh) !== undefined) {
      return await authoriseMore(exchange, services, fresh)
    }
    exchange.decisions = [...established(exchange.decisions, 'decisions'), ...decided]
    if (exchange.standsBy !== undefined) exchange.standsBy = [...exchange.standsBy, ...decided]
    return undefined
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'deciding on more failed')
    return refuse('indeterminate')
  }
}

function isDecided({ decisions = [] }: Exchange, { action, resource }: Operation): boolean {
  const text = resourceText(resource)
  return decisions.some((one) => one.action === action && resourceText(one.resource) === text)
}

function decideNow(
  exchange: Exchange,
  services: Services,
  operations: readonly Operation[],
): readonly DecidedOperation[] | Refusal {
  const now = services.clock.now()
  if (established(exchange.subject, 'subject').expiresAt <= now) return refuse('authn_expired')
  const barred =
    lockedNow(exchange, services, operations) ?? tooStale(exchange, services, operations)
  if (barred !== undefined) return barred
  const { policy } = exchange.latest()
  return operations.map((operation) => ({
    ...operation,
    decision: decideOperation(exchange, policy, operation, services),
  }))
}

/** Duties are taken up before a request leaves; one that comes later cannot be, but for budgets. */
function dutiful(exchange: Exchange, decided: readonly DecidedOperation[]): Refusal | undefined {
  const taken = new Set(
    established(exchange.decisions, 'decisions')
      .flatMap(({ decision }) => decision.obligations)
      .map((one) => JSON.stringify([one.type, one.parameters])),
  )
  const fresh = decided
    .flatMap(({ decision }) => decision.obligations)
    .filter(({ type }) => !isBudgetType(type))
    .find((one) => !taken.has(JSON.stringify([one.type, one.parameters])))
  if (fresh === undefined) return undefined
  return refuse('obligation_unknown', { detail: `It is written in ${fresh.source}.` })
}

async function note(
  exchange: Exchange,
  services: Services,
  decided: readonly DecidedOperation[],
  refusal: Refusal | undefined,
): Promise<Refusal | undefined> {
  const privileged = decided.some(({ action }) => isPrivileged(action))
  const ops = decided.map(({ action, resource, decision }) => ({
    act: action,
    res: resourceText(resource),
    effect: decision.effect,
    reason: decision.reason,
    rule: decision.rule && `${decision.rule.file}:${decision.rule.line}`,
  }))
  const effect = refusal === undefined ? 'permit' : 'deny'
  const pol = exchange.latest().policy.decisionPoint.revision
  const fields = { id: exchange.id, effect, reason: refusal?.reason, ops, pol }
  try {
    await services.ledger.append({ type: 'decision.more', fields }, privileged ? 'disk' : 'kernel')
    return undefined
  } catch (error) {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'a decision could not be recorded')
    const goesOn = !privileged && exchange.runtime.recordWhenFull === 'continue'
    return goesOn ? undefined : refuse('audit_unavailable')
  }
}
