/** What the ledger takes, gives and tells. */
import type { Clock } from '../../domain/clock.ts'
import type { Ledger, LedgerRecord } from '../../domain/ports.ts'
import type { LogPosition } from '../line/chain.ts'
import type { FilePort } from '../files/file-port.ts'
import type { LedgerOwner } from '../files/lock.ts'
import type { CheckpointSigner } from '../signing/signer-port.ts'
import type { SignedCheckpoint } from './sealer.ts'
import type { TreeHead } from './tree-writer.ts'
import type { Protect } from '../personal/protect.ts'

/** Runs `run` once after `delayMs`, without keeping the process alive; returns how to cancel. */
export type Schedule = (delayMs: number, run: () => void) => () => void

/** What happened to the files; for metrics and the log. */
export type LedgerEvent =
  | {
      readonly type: 'failed'
      readonly operation: 'write' | 'sync' | 'rotate' | 'lock' | 'reopen'
      readonly file: string
      readonly error: Error
    }
  | { readonly type: 'reopened'; readonly file: string; readonly refused: number }
  | { readonly type: 'torn'; readonly file: string; readonly bytes: number }
  | { readonly type: 'rotated'; readonly file: string }
  | { readonly type: 'tiles-mended'; readonly tiles: number }
  | {
      readonly type: 'pruned'
      readonly first: number
      readonly last: number
      readonly bytes: number
    }
  /** The reserve could not be made: a full disk will not be recorded. */
  | { readonly type: 'no-reserve'; readonly error: Error }
  /** No checkpoint could be signed, kept or published; told once until it can again. */
  | {
      readonly type: 'unsigned'
      readonly operation: 'sign' | 'checkpoint' | 'publish' | 'prune' | 'manifest'
      readonly error: Error
    }
  | { readonly type: 'lock-taken-over'; readonly pid: number; readonly host: string }

/** What {@link openLedger} needs. */
export interface LedgerOptions {
  /** Directory of this log alone. Created 0700; refused when a link or writable by others. */
  readonly dir: string
  /** Origin, `<deployment>/audit/<node>`: the name of the log, for ever. */
  readonly log: string
  /** Unique to this run of the process: a UUID. */
  readonly bootId: string
  readonly owner: LedgerOwner
  readonly clock: Clock
  /** A segment is closed once it has reached this size. */
  readonly segmentBytesMax: number
  /** A segment is closed once its first record is so old. Default: never. */
  readonly segmentAgeMs?: number
  /** Signs the checkpoints; without it nothing speaks for the end of the log. */
  readonly signer?: CheckpointSigner | undefined
  /** Kept free, so that a full disk can be recorded. Default: nothing. */
  readonly reserveBytes?: number
  /** Records older than this are removed; their hashes stay. Default: never. */
  readonly retentionMs?: number | undefined
  /** The first record that must be kept whatever its age: somebody has not read it yet. */
  readonly keepFrom?: () => number
  /** Directories of other logs, whose checkpoints are recorded hourly and at the end. */
  readonly manifest?: readonly string[]
  /** Refusals in one second that are recorded one by one; more of the same are counted. */
  readonly refusalsPerSecond?: number
  /** Runtime and package versions and configuration digests, for `log.opened` (I30). */
  readonly versions: Readonly<Record<string, string>>
  /** How long a writer whose lock was removed has to notice ours. Default 2.5 s. */
  readonly outwaitMs?: number
  /** When false, `disk` means `kernel`. Default true. */
  readonly fsync?: boolean
  /** What is written of each record: without it, all of it as it is. */
  readonly protect?: Protect
  readonly files?: FilePort
  readonly schedule?: Schedule
  readonly onEvent?: (event: LedgerEvent) => void
  /**
   * After every write: how many records of each type, which is only lent, in how many milliseconds.
   * Must not throw.
   */
  readonly onWrite?: (types: ReadonlyMap<string, number>, durationMs: number) => void
  /** Told of every signed checkpoint, after those who waited for it. Must not throw. */
  readonly onSigned?: (signed: SignedCheckpoint) => void
  /** Told after every write what the last record is. Must not throw. */
  readonly onAppended?: (head: LogPosition) => void
}

/** A {@link Ledger} that is open, on whatever thread it is written. */
export interface RunningLedger extends Ledger {
  /**
   * Appends with `kernel` durability without a promise, for records nobody waits for. Never
   * throws: a failure shows in `healthy` and in events.
   */
  appendNow(record: LedgerRecord): void
  /** The last record known to be in the kernel's hands; `seq` -1 before the first. */
  head(): LogPosition
  /**
   * Writes `log.closed`, syncs, gives up the lock. Later appends reject.
   * @throws ERR_AUDIT_UNAVAILABLE when that could not be written; the ledger is closed all the same
   */
  close(): Promise<void>
}

/** A ledger over segment files, on this thread. */
export interface SegmentLedger extends RunningLedger {
  /** Size and root of the tree of what was handed to the kernel. */
  tree(): TreeHead | undefined
  /** The last checkpoint that this run has signed. */
  signed(): SignedCheckpoint | undefined
  /** Tries to write again now rather than after the back-off. Whether the ledger is healthy. */
  probe(): Promise<boolean>
}

/** Options with every default filled in. */
export interface ReadyOptions extends LedgerOptions {
  readonly files: FilePort
  readonly schedule: Schedule
}
