/** What is known of a transfer while it is under way, and when it is over. */
import type { Refusal } from '../../domain/refusal.ts'
import type { Exported, ExportMeter } from '../../egress/exports/export-meter.ts'
import type { GrantClaim } from './claim.ts'

/** An answer that is metered, and the grant it uses up. */
export interface Transfer {
  /** Present for exports over HTTP; messages of a WebSocket are counted, and not hashed. */
  readonly meter?: ExportMeter
  /** `sha256:<hex>` that the whole must have. */
  readonly digest?: string | undefined
  /** The upstream is asked for the whole, uncoded, so that it can be compared. */
  readonly readsWhole: boolean
  readonly claim?: GrantClaim | undefined
  /** Whether the decisions on the request include `export`. */
  readonly isExport: boolean
}

/** Ends the exchange when its grant ends; `stop` is to be called when it is over. */
export interface GrantWatch {
  /** To be called when the grant has another end. */
  rearm(): void
  stop(): void
}

/** How the exchange ended. */
export interface Ending {
  readonly refusal: Refusal | undefined
  readonly durationMs: number
}

/** What is known then. */
export interface Ended extends Ending {
  readonly transfer: Transfer
  /** Absent for messages, which are not metered. */
  readonly exported: Exported | undefined
  /** Whether the caller has the end of what it asked for, as far as that can be known. */
  readonly isWhole: boolean
}
