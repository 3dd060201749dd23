import { randomUUID } from 'node:crypto'
import { openLedger, type SegmentLedger } from '../audit/ledger.ts'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import { VERSION } from '../version.ts'
import { countedLedger, ledgerEvents } from './events.ts'
import type { ProcessFacts } from './process-facts.ts'

/** What a ledger is opened with. */
export interface LedgerOpening {
  /** Absolute directory. */
  readonly dir: string
  readonly settings: Settings
  readonly process: ProcessFacts
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** Opens the ledger of this instance, with its writes and records counted. @throws ERR_AUDIT_UNAVAILABLE */
export async function openCountedLedger(opening: LedgerOpening): Promise<SegmentLedger> {
  const { clock, log, metrics, settings } = opening
  const ledger = await openLedger({
    dir: opening.dir,
    log: `modelgate/audit/${settings.audit.node}`,
    bootId: randomUUID(),
    owner: opening.process,
    clock,
    segmentBytesMax: settings.audit.segmentBytes,
    versions: { modelgate: VERSION, node: opening.process.nodeVersion },
    onWrite: (_records, durationMs) => metrics.auditWrite(clock.now(), durationMs),
    onEvent: ledgerEvents(log, metrics),
  })
  return countedLedger(ledger, metrics)
}
