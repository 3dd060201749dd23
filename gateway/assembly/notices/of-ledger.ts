/** Incidents of the ledger that it writes down itself, so that no record of a request tells of them. */
import type { LedgerMetrics } from '../open-ledger.ts'
import { raised } from './from-records.ts'
import type { Notices } from './open-notices.ts'

/** `metrics`, of which what witnesses answer is told when it begins to speak of another ledger. */
export function disputesTold<M extends Pick<LedgerMetrics, 'auditWitness'>>(
  metrics: M,
  tell: Notices['tell'],
): M {
  const last = new Map<string, string>()
  return {
    ...metrics,
    auditWitness(witness, result) {
      metrics.auditWitness(witness, result)
      const isDispute = result === 'ahead' || result === 'forked'
      if (isDispute && last.get(witness) !== result) {
        tell(raised('ledger_disputed', { witness, answer: result }))
      }
      last.set(witness, result)
    },
  }
}
