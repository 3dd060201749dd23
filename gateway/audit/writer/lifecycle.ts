/** The records that a log writes about itself. */
import type { LedgerRecord } from '../../domain/ports.ts'
import type { LogPosition } from '../line/chain.ts'
import type { LockHolder } from '../files/lock.ts'
import type { TornBytes } from './recovery.ts'
import type { CheckpointEntry } from './sealer.ts'
import type { TreeHead } from './tree-writer.ts'

/** First record of a run: what runs, and what it found. */
export function openedRecord(facts: {
  readonly versions: Readonly<Record<string, string>>
  readonly previous: LogPosition | undefined
  /** The tree of all records before this one. */
  readonly tree: TreeHead
  /** The last checkpoint that was signed. */
  readonly signed: CheckpointEntry | undefined
  /** The keys that sign this run. */
  readonly vkeys: readonly string[] | undefined
  readonly takenFrom: LockHolder | undefined
  readonly pid: number
  readonly host: string
}): LedgerRecord {
  const { previous, tree, signed, vkeys, takenFrom, pid, host, versions } = facts
  return {
    type: 'log.opened',
    fields: {
      previous: previous === undefined ? null : { seq: previous.seq, hash: previous.hash },
      size: tree.size,
      root: tree.root.toString('base64'),
      ...signedField(signed),
      vkeys,
      takeover: takenFrom === undefined ? undefined : { ...takenFrom },
      pid,
      host,
      versions,
    },
  }
}

/** Other keys sign than before: the checkpoint that covers this is the first of theirs. */
export function keyRotateRecord(
  vkeys: readonly string[],
  previous: readonly string[],
): LedgerRecord {
  return { type: 'key.rotate', fields: { vkeys, previous } }
}

/** Tiles held something else than the records that were signed say. */
export function tilesMendedRecord(tiles: number): LedgerRecord {
  return { type: 'log.recovered', fields: { tiles } }
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
export function heartbeatRecord(signed: CheckpointEntry | undefined): LedgerRecord {
  return { type: 'heartbeat', fields: signedField(signed) }
}

/** Which checkpoint was the last: one that is removed from `checkpoints.log` later is missed. */
function signedField(signed: CheckpointEntry | undefined): LedgerRecord['fields'] {
  return signed === undefined ? {} : { signed: { ...signed } }
}

/** Wall time and monotonic time have moved apart: the clock was set. */
export function clockStepRecord(stepMs: number): LedgerRecord {
  return { type: 'clock.step', fields: { ms: Math.round(stepMs) } }
}

/** Last record of a run that ended well. */
export function closedRecord(signed: CheckpointEntry | undefined): LedgerRecord {
  return { type: 'log.closed', fields: signedField(signed) }
}
