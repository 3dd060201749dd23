import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { openLedger, type RunningLedger } from '../audit/ledger.ts'
import type { Clock } from '../domain/clock.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import { VERSION } from '../version.ts'
import { ledgerEvents } from './events.ts'
import { openPersonalFields } from './ledger-personal.ts'
import { checkpointSigner } from './ledger-signer.ts'
import { openWitnesses } from './ledger-witness.ts'
import type { ProcessFacts } from './process-facts.ts'

/** The metrics that the writer of a ledger moves, on whatever thread it runs. */
export type LedgerMetrics = Pick<
  Metrics,
  | 'auditWrite'
  | 'auditRecords'
  | 'auditError'
  | 'auditSigned'
  | 'auditWitness'
  | 'auditAges'
  | 'admitNames'
>

/** What a ledger is opened with. */
export interface LedgerOpening {
  /** Absolute directory. */
  readonly dir: string
  /** What relative paths of the configuration are from. */
  readonly cwd: string
  readonly settings: Pick<Settings, 'audit'>
  readonly process: Omit<ProcessFacts, 'user'>
  readonly clock: Clock
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: LedgerMetrics
  /** The first record that pruning must leave. */
  readonly keepFrom: () => number
}

/** More refusals than these in one second are counted, and not written out one by one. */
const REFUSALS_PER_SECOND = 200

/** Opens the ledger of this instance on this thread. @throws ERR_AUDIT_UNAVAILABLE */
export async function openOwnLedger(opening: LedgerOpening): Promise<RunningLedger> {
  const { clock, log, metrics, settings, dir, cwd } = opening
  const { uid, groups } = opening.process
  const { audit } = settings
  const origin = `${audit.deployment}/audit/${audit.node}`
  const signer = checkpointSigner({ audit, origin, dir, cwd, uid, groups })
  if (signer === undefined) {
    log.warn({ dir }, 'nothing signs the ledger: a cut end or a rewritten one cannot be told')
  }
  const witnesses = await openWitnesses({ audit, dir, clock, log, metrics })
  const personal = await openPersonalFields({ ...opening, uid })
  const ledger = await openLedger({
    dir,
    log: origin,
    bootId: randomUUID(),
    owner: opening.process,
    clock,
    segmentBytesMax: audit.segmentBytes,
    segmentAgeMs: audit.segmentAge,
    reserveBytes: audit.reserve,
    retentionMs: audit.retention,
    manifest: audit.manifest.map((other) => resolve(cwd, other)),
    refusalsPerSecond: REFUSALS_PER_SECOND,
    signer,
    versions: { modelgate: VERSION, node: opening.process.nodeVersion },
    keepFrom: opening.keepFrom,
    onWrite: (types, durationMs) => {
      metrics.auditWrite(clock.now(), durationMs)
      for (const [type, count] of types) metrics.auditRecords(type, count)
    },
    onEvent: ledgerEvents(log, metrics),
    onSigned: (signed) => witnesses.onSigned(signed),
    ...(personal === undefined ? {} : { protect: personal.protect }),
  }).catch((error: unknown) => {
    personal?.close()
    throw error
  })
  const witnessed = witnesses.around(ledger)
  return personal?.attach(witnessed) ?? witnessed
}
