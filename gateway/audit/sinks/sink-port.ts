/** What a sink is made of: records as they go out, and the outlet that carries them. */
import type { LogPosition } from '../line/chain.ts'
import type { StoredRecord } from '../read/query.ts'

/** A record on its way out. */
export interface Outgoing extends LogPosition {
  readonly type: string
  /** ISO 8601, as the record has it. */
  readonly ts: string
  /** Id of the run that wrote it. */
  readonly boot: string
  /**
   * One line of JSON without newline: the bytes of the ledger, whose RFC 6962 leaf hash is `hash`.
   * Of a record with masked fields, the same with those replaced, and with `masked` and `leaf`.
   */
  readonly line: string
  /** `line`, parsed. */
  readonly record: StoredRecord
}

/** Carries records to one place. */
export interface Outlet {
  /** Records that one call of `deliver` takes at most. */
  readonly recordsMax: number
  /**
   * How long after `deliver` it may still turn out that records did not arrive, because nobody
   * answers for them; milliseconds. 0 where the other side answers.
   */
  readonly settleMs: number
  /**
   * Resolves when the other side has them all, in order. @throws SinkProblem; any of them may then
   * have arrived, and all are delivered again
   */
  deliver(batch: readonly Outgoing[], signal: AbortSignal): Promise<void>
  /** Called when what was delivered within `settleMs` may be lost. Set by whoever delivers. */
  onLost?: () => void
  /** Ends. Resolves to whether everything that was delivered is known to have arrived. */
  close(signal: AbortSignal): Promise<boolean>
}

/** Why records did not get out. Neither its message nor `why` holds a secret, an address or data. */
export class SinkProblem extends Error {
  override readonly name = 'SinkProblem'
  /** A code for the log: `ECONNREFUSED`, `http-503`. */
  readonly why: string
  /** The other side asked to be left alone for so long; milliseconds. */
  readonly retryAfterMs: number | undefined
  /** The other side takes no message of this size. */
  readonly isTooLarge: boolean

  constructor(why: string, more: { retryAfterMs?: number; isTooLarge?: boolean } = {}) {
    super(`records could not be delivered: ${why}`)
    this.why = why
    this.retryAfterMs = more.retryAfterMs
    this.isTooLarge = more.isTooLarge === true
  }
}

/** The code of what was thrown: of a system or TLS error its own, never its text. */
export function problemOf(thrown: unknown): SinkProblem {
  if (thrown instanceof SinkProblem) return thrown
  const code = (thrown as { code?: unknown } | null)?.code
  const isPlain = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,60}$/.test(code)
  return new SinkProblem(isPlain ? code : 'failed')
}

/** What became of a sink; for metrics and the log. */
export type SinkEvent = { readonly sink: string } & (
  | { readonly type: 'sent'; readonly records: number }
  | { readonly type: 'failed'; readonly why: string; readonly attempt: number }
  | { readonly type: 'recovered'; readonly attempts: number }
  | { readonly type: 'dropped'; readonly from: number; readonly to: number; readonly why: DropWhy }
  | { readonly type: 'cursor'; readonly why: 'mismatch' | 'unwritable' }
)

/**
 * Why records were left out: more waited than may, they were pruned before they were sent, one is
 * larger than the other side takes, or the cursor fits the ledger no more.
 */
export type DropWhy = 'full' | 'pruned' | 'too-large' | 'cursor'
