/** What the ledger takes, gives and tells. */
import type { Clock } from '../../domain/clock.ts'
import type { Ledger, LedgerRecord } from '../../domain/ports.ts'
import type { LogPosition } from '../line/chain.ts'
import type { FilePort } from '../files/file-port.ts'
import type { LedgerOwner } from '../files/lock.ts'

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
  /** Runtime and package versions and configuration digests, for `log.opened` (I30). */
  readonly versions: Readonly<Record<string, string>>
  /** When false, `disk` means `kernel`. Default true. */
  readonly fsync?: boolean
  readonly files?: FilePort
  readonly schedule?: Schedule
  readonly onEvent?: (event: LedgerEvent) => void
  /** After every write: how many records, in how many milliseconds. Must not throw. */
  readonly onWrite?: (records: number, durationMs: number) => void
}

/** A {@link Ledger} over segment files. */
export interface SegmentLedger extends Ledger {
  /**
   * Appends with `kernel` durability without a promise, for records nobody waits for. Never
   * throws: a failure shows in `healthy` and in events.
   */
  appendNow(record: LedgerRecord): void
  /** The last record handed to the kernel. */
  head(): LogPosition
  /** Tries to write again now rather than after the back-off. Whether the ledger is healthy. */
  probe(): Promise<boolean>
  /**
   * Writes `log.closed`, syncs, gives up the lock. Later appends reject.
   * @throws ERR_AUDIT_UNAVAILABLE when that could not be written; the ledger is closed all the same
   */
  close(): Promise<void>
}

/** Options with every default filled in. */
export interface ReadyOptions extends LedgerOptions {
  readonly files: FilePort
  readonly schedule: Schedule
}
