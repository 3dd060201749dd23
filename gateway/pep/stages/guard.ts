import type { Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'
import type { Services } from '../runtime.ts'

/**
 * Stage 10. The guard itself works inside the stream, prepared by `oblige` and called by `forward`
 * for the head and for every chunk. What it cut becomes an incident here: a refusal in the record,
 * and a line an operator is paged for.
 */
export function guard(exchange: Exchange, services: Services): StageResult {
  const { incident, outcome } = exchange
  if (incident === undefined) return undefined
  const fields = { decisionId: exchange.id, reason: incident.reason, sub: exchange.subject?.id }
  const bytesOut = outcome?.responseBytes ?? 0
  services.log.warn({ ...fields, ...exchange.finding, bytesOut }, 'a response was cut')
  return incident
}
