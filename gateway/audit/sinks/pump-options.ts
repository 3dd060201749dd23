import type { Clock } from '../../domain/clock.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { LogPosition } from '../line/chain.ts'
import type { Schedule } from '../writer/ledger-options.ts'
import type { Cursor } from './cursor.ts'
import type { Filterable } from './filter.ts'
import type { Outlet, SinkEvent } from './sink-port.ts'
import type { Tail } from './tail.ts'

/** What sinks need of the ledger. */
export interface SpoolLedger {
  /** The last record handed to the kernel. */
  head(): LogPosition
  append(record: LedgerRecord, durability: 'kernel'): Promise<void>
}

/** What a pump works with. */
export interface PumpOptions {
  readonly name: string
  /** `block`: no record is left out. `drop`: the oldest are, once more than `lagMax` wait. */
  readonly whenFull: 'block' | 'drop'
  readonly lagMax: number
  readonly isWanted: (candidate: Filterable) => boolean
  /** Paths of fields that are masked. */
  readonly mask: readonly string[]
  readonly outlet: Outlet
  readonly tail: Tail
  readonly cursor: Cursor
  readonly ledger: SpoolLedger
  readonly clock: Clock
  readonly schedule: Schedule
  /** From 0 to 1: jitter of the back-off. */
  readonly random: () => number
  readonly onEvent: (event: SinkEvent) => void
}
