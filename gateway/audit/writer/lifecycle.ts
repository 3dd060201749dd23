/** The records that a log writes about itself. */
import type { LedgerRecord } from '../../domain/ports.ts'
import type { LogPosition } from '../line/chain.ts'
import type { LockHolder } from '../files/lock.ts'
import type { TornBytes } from './recovery.ts'

/** First record of a run: what runs, and what it found. */
export function openedRecord(facts: {
  readonly versions: Readonly<Record<string, string>>
  readonly previous: LogPosition | undefined
  readonly takenFrom: LockHolder | undefined
  readonly pid: number
  readonly host: string
}): LedgerRecord {
  const { previous, takenFrom, pid, host, versions } = facts
  return {
    type: 'log.opened',
    fields: {
      previous: previous === undefined ? null : { seq: previous.seq, hash: previous.hash },
      takeover: takenFrom === undefined ? undefined : { ...takenFrom },
      pid,
      host,
      versions,
    },
  }
}

/** Bytes that were no complete line were moved aside. */
export function recoveredRecord(torn: TornBytes): LedgerRecord {
  const { file, bytes, sha256 } = torn
  return { type: 'log.recovered', fields: { file, bytes, sha256 } }
}

/** The log could not be written for a while, and can again. */
export function degradedRecord(outage: {
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly operation: string
  readonly code: string
  readonly file: string
  /** Appends that were rejected. */
  readonly refused: number
}): LedgerRecord {
  const { since, operation, code, file, refused } = outage
  return {
    type: 'log.degraded',
    fields: { since: new Date(since).toISOString(), operation, code, file, refused },
  }
}

/** Nothing was recorded for a while, because nothing happened. */
export const HEARTBEAT: LedgerRecord = { type: 'heartbeat', fields: {} }

/** Wall time and monotonic time have moved apart: the clock was set. */
export function clockStepRecord(stepMs: number): LedgerRecord {
  return { type: 'clock.step', fields: { ms: Math.round(stepMs) } }
}

/** Last record of a run that ended well. */
export const CLOSED: LedgerRecord = { type: 'log.closed', fields: {} }
