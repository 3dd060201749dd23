import { refuse } from '../../domain/refusal.ts'
import { isPrivileged } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { StageResult } from '../result.ts'
import { decisionRecord } from '../records.ts'
import type { Services } from '../runtime.ts'
import { noteUse } from '../watching/note-use.ts'

/**
 * Stage 7. The decision is in the ledger before anything is forwarded: on disk for a privileged
 * action, handed to the kernel otherwise. No record, no forward, unless the operator has chosen
 * `audit.when_full: continue`, which holds for actions that are not privileged.
 */
export function record(exchange: Exchange, services: Services): Promise<StageResult> {
  const decisions = established(exchange.decisions, 'decisions')
  const privileged = decisions.some(({ action }) => isPrivileged(action))
  const entry = decisionRecord(exchange, undefined)
  return services.ledger.append(entry, privileged ? 'disk' : 'kernel').then(
    () => {
      exchange.recorded = true
      noteUse(exchange, services)
      return undefined
    },
    (error: unknown) => {
      services.metrics.auditError()
      services.log.error(
        { decisionId: exchange.id, err: error },
        'the decision could not be recorded',
      )
      const goesOn = !privileged && exchange.runtime.recordWhenFull === 'continue'
      return goesOn ? undefined : refuse('audit_unavailable', { retryAfter: 5 })
    },
  )
}
