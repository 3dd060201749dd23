import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import { answerDocument, answerRefusal } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { endTransfer } from '../exports/end-transfer.ts'
import { labelsOf } from '../labels.ts'
import { endBudget } from '../obligations/meter-answer.ts'
import type { StageResult } from '../result.ts'
import { decisionRecord, outcomeRecord } from '../records.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 11. Answers what was refused, records what became of what was permitted, and counts both.
 * Runs exactly once per request, whatever happened before.
 */
export function settle(
  exchange: Exchange,
  services: Services,
  end: StageResult,
): Promise<void> | undefined {
  const refusal = isRefusal(end) ? end : undefined
  endBudget(exchange)
  let status = exchange.outcome?.status ?? 0
  if (refusal !== undefined && exchange.outcome === undefined)
    status = answerRefusal(exchange, refusal)
  else if (end !== undefined && !isRefusal(end)) {
    answerDocument(exchange, end)
    status = end.status
  }
  const durationMs = services.clock.monotonicMs() - exchange.startedMs
  count(exchange, services, { refusal, status, durationMs })
  // A document for everyone is no decision.
  if (end !== undefined && refusal === undefined && !exchange.recorded) return undefined
  const transferred = endTransfer(exchange, services, { refusal, durationMs })
  const written = writeDown(exchange, services, refusal, durationMs)
  return transferred === undefined ? written : Promise.all([transferred, written]).then(ignore)
}

function ignore(): void {
  // Neither has anything to say.
}

/** A failure to write is counted and makes the ledger unhealthy: later requests are refused. */
function writeDown(
  exchange: Exchange,
  services: Services,
  refusal: Refusal | undefined,
  durationMs: number,
): Promise<void> {
  const entry = exchange.recorded
    ? outcomeRecord(exchange, refusal, durationMs)
    : decisionRecord(exchange, refusal)
  return services.ledger.append(entry, 'kernel').then(undefined, (error: unknown) => {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'a record could not be written')
  })
}

function count(
  exchange: Exchange,
  services: Services,
  end: { refusal: Refusal | undefined; status: number; durationMs: number },
): void {
  const { metrics } = services
  const { refusal, status, durationMs } = end
  if (refusal !== undefined) metrics.refusal(refusal.reason, exchange.stage)
  countDecision(exchange, services)
  const action = exchange.classification?.operations[0].action
  metrics.observeRequest({
    upstream: exchange.admitted?.route?.entry.name,
    action,
    status,
    durationMs,
    overheadMs: exchange.overheadMs,
    upstreamHead: exchange.upstreamHead,
    requestBytes: exchange.outcome?.requestBytes ?? 0,
    responseBytes: exchange.outcome?.responseBytes ?? 0,
  })
}

/** The request's decision is its first that is not a permit, else its first. */
function countDecision(exchange: Exchange, services: Services): void {
  const { decisions = [], decisionMs = 0 } = exchange
  const deciding = decisions.find(({ decision }) => decision.effect !== 'permit') ?? decisions[0]
  if (deciding === undefined) return
  services.metrics.decision({
    effect: deciding.decision.effect,
    reason: deciding.decision.reason,
    action: deciding.action,
    upstream: labelsOf(exchange).upstream,
    durationMs: decisionMs,
  })
}
