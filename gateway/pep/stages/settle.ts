import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import { answerDocument, answerRefusal } from '../answer.ts'
import type { Exchange } from '../exchange.ts'
import { labelsOf } from '../labels.ts'
import type { StageResult } from '../pipeline.ts'
import { decisionRecord, outcomeRecord } from '../records.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 10. Answers what was refused, records what became of what was permitted, and counts both.
 * Runs exactly once per request, whatever happened before.
 */
export async function settle(
  exchange: Exchange,
  services: Services,
  end: StageResult,
): Promise<void> {
  const refusal = isRefusal(end) ? end : undefined
  let status = exchange.outcome?.status ?? 0
  if (refusal !== undefined && exchange.outcome === undefined)
    status = answerRefusal(exchange, refusal)
  else if (end !== undefined && !isRefusal(end)) {
    answerDocument(exchange, end)
    status = end.status
  }
  const durationMs = services.clock.monotonicMs() - exchange.startedMs
  count(exchange, services, { refusal, status, durationMs })
  if (end === undefined || refusal !== undefined)
    await writeDown(exchange, services, refusal, durationMs)
}

/** A failure to write is counted and makes the ledger unhealthy: later requests are refused. */
async function writeDown(
  exchange: Exchange,
  services: Services,
  refusal: Refusal | undefined,
  durationMs: number,
): Promise<void> {
  const entry = exchange.recorded
    ? outcomeRecord(exchange, refusal, durationMs)
    : decisionRecord(exchange, refusal)
  try {
    await services.ledger.append(entry, 'kernel')
  } catch (error) {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'a record could not be written')
  }
}

function count(
  exchange: Exchange,
  services: Services,
  end: { refusal: Refusal | undefined; status: number; durationMs: number },
): void {
  const { metrics } = services
  const { refusal, status, durationMs } = end
  const { upstream, action } = labelsOf(exchange)
  if (refusal !== undefined) metrics.refusal({ stage: exchange.stage, reason: refusal.reason })
  if (exchange.decisions !== undefined) {
    const denied = exchange.decisions.find(({ decision }) => decision.effect !== 'permit')?.decision
    metrics.decision({
      decision: denied?.effect ?? 'permit',
      reason: denied?.reason ?? 'permit',
      action,
      upstream,
      seconds: (exchange.decisionMs ?? 0) / 1000,
    })
  }
  metrics.request({ upstream, action, status, seconds: durationMs / 1000 })
  if (exchange.outcome !== undefined) metrics.bytes({ upstream, action, ...exchange.outcome })
}
