/**
 * What a store keeps for good, taken out of one and put into another. Nothing here is asked while a
 * gateway serves.
 */
import type { JournalEntry, JournalHead, JournalSnapshot } from '../domain/journal.ts'
import { GatewayError } from '../domain/errors.ts'
import type { GrantUse, Transfer } from './claims.ts'

/** The uses of one grant. */
export interface KeptGrantUse {
  /** Digest of the grant, 64 hexadecimal digits; the same in every store. */
  readonly grant: string
  readonly use: GrantUse
}

/** A journal without its entries. */
export interface JournalFrame extends Omit<JournalHead, 'now'> {
  /** Time of the last entry. */
  readonly at: number
  readonly trimmedTo: number
  readonly snapshot?: JournalSnapshot
  readonly cursors: readonly (readonly [name: string, seq: number])[]
}

/** All of them reject with ERR_STORE_UNAVAILABLE when the store cannot answer. */
export interface StoreContents {
  /** Uses of all grants that are kept, each at least once. */
  grantUses(): AsyncIterable<KeptGrantUse>
  /** Keeps uses of a grant, unless what is there says that more of it was used. */
  keepGrantUse(kept: KeptGrantUse): Promise<void>
  cursors(): Promise<JournalFrame['cursors']>
  /**
   * Drops the journal, if there is one. From now on every other ask of the journal fails, until
   * {@link finishJournal} was done: nobody takes half of one for all of it.
   */
  beginJournal(): Promise<void>
  /** Puts entries behind those that were put before; at most 64. */
  putEntries(entries: readonly JournalEntry[]): Promise<void>
  /** Puts the rest in place, and lets everybody in. */
  finishJournal(frame: JournalFrame): Promise<void>
}

const DIGEST = /^[0-9a-f]{64}$/
const ATTEMPT = /^(?:[0-9a-f]{64})?$/

/** Reads uses of a grant that come from elsewhere. @throws ERR_INTERNAL when they are none */
export function grantUseFrom(value: unknown): KeptGrantUse {
  const { grant, use } = value as Partial<KeptGrantUse>
  if (typeof grant !== 'string' || !DIGEST.test(grant) || !isGrantUse(use ?? {}) || !use)
    throw new GatewayError('ERR_INTERNAL', 'these are no uses of a grant')
  return { grant, use }
}

function isGrantUse(use: Partial<GrantUse>): use is GrantUse {
  const { uses, bytes, bytesMax, expiresAt, transfers } = use
  return (
    [uses, bytes, bytesMax ?? 0, expiresAt].every(isAmount) &&
    typeof transfers === 'object' &&
    (transfers as object | null) !== null &&
    Object.entries(transfers).every(([id, one]) => DIGEST.test(id) && isTransfer(one))
  )
}

function isTransfer(one: Partial<Transfer> | null): boolean {
  if (typeof one !== 'object' || one === null) return false
  const { attempt, aliveUntil, bytes, bytesBefore, resumed } = one
  return (
    typeof attempt === 'string' &&
    ATTEMPT.test(attempt) &&
    typeof resumed === 'boolean' &&
    [aliveUntil, bytes, bytesBefore].every(isAmount)
  )
}

function isAmount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Whether `known` says that as much as `use` does was used, or more. */
export function saysMore(known: GrantUse | undefined, use: GrantUse): boolean {
  if (known === undefined) return false
  return known.uses > use.uses || (known.uses === use.uses && known.bytes >= use.bytes)
}
