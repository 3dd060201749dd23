/** What may be asked: amounts are whole and bounded, names are not endless. */
import { GatewayError } from '../domain/errors.ts'
import {
  JOURNAL_BATCH_MAX,
  JOURNAL_ENTRY_MAX,
  JOURNAL_PAGE_MAX,
  JOURNAL_SNAPSHOT_MAX,
  USES_BATCH_MAX,
  type JournalSnapshot,
  type PrivilegeUse,
  type ReplicaNotice,
} from '../domain/journal.ts'
import type {
  ClaimAsk,
  ClaimProgress,
  GiveBack,
  HoldAsk,
  LeaseAsk,
} from '../domain/shared-state.ts'

/** Characters of a name. */
const NAME_MAX = 2_048
/** Characters of what names a replica. */
const REPLICA_ID_MAX = 128
/** A year and a bit: the longest window, life of an attempt, or lockout. */
const PERIOD_MAX_MS = 400 * 86_400_000

/** @throws ERR_INTERNAL when `ask` is no ask. */
export function checkLease(ask: LeaseAsk): void {
  name(ask.key)
  period(ask.windowMs)
  amount(ask.max)
  amount(ask.amount)
}

/** @throws ERR_INTERNAL when `part` is none. */
export function checkGiveBack(part: GiveBack): void {
  name(part.key)
  period(part.windowMs)
  amount(part.amount)
  check((part.heldMs ?? 0) >= 0, 'a time that a lease was held')
}

/** @throws ERR_INTERNAL when `ask` is no ask. */
export function checkHold(ask: HoldAsk): void {
  name(ask.key)
  name(ask.holder)
  amount(ask.places)
  amount(ask.max)
  period(ask.ttlMs)
}

/** @throws ERR_INTERNAL when `ask` is no ask. */
export function checkClaim(ask: ClaimAsk): void {
  claimNames(ask)
  period(ask.ttlMs)
  if (ask.usesMax !== undefined) amount(ask.usesMax)
  if (ask.bytesMax !== undefined) amount(ask.bytesMax)
  amount(ask.expiresAt)
}

/** @throws ERR_INTERNAL when `part` is none. */
export function checkProgress(part: ClaimProgress): void {
  claimNames(part)
  period(part.ttlMs)
  amount(part.bytes)
}

/** @throws ERR_INTERNAL when one of them is not usable. */
export function checkLockout(subject: string, forMs: number, decisionId: string): void {
  name(subject)
  name(decisionId)
  period(forMs)
}

/** @throws ERR_INTERNAL when they cannot be entries */
export function checkEntries(texts: readonly string[]): void {
  check(texts.length >= 1 && texts.length <= JOURNAL_BATCH_MAX, 'a number of entries')
  for (const text of texts) {
    check(text.length <= JOURNAL_ENTRY_MAX && isWellFormed(text), 'an entry of the journal')
  }
}

/** @throws ERR_INTERNAL when there can be no such page */
export function checkPage(seq: number, max: number): void {
  amount(seq)
  check(Number.isSafeInteger(max) && max >= 1 && max <= JOURNAL_PAGE_MAX, 'a number of entries')
}

/** @throws ERR_INTERNAL when it is none */
export function checkSnapshot({ epoch, seq, text }: JournalSnapshot, keep: number): void {
  name(epoch)
  amount(seq)
  amount(keep)
  check(text.length <= JOURNAL_SNAPSHOT_MAX && isWellFormed(text), 'a snapshot of the journal')
}

/** @throws ERR_INTERNAL when it is none */
export function checkReplica(replica: Omit<ReplicaNotice, 'at'>, ttlMs: number): void {
  check(replica.id.length <= REPLICA_ID_MAX && isWellFormed(replica.id), 'a replica')
  name(replica.name)
  check(isWellFormed(replica.name), 'the name of a replica')
  amount(replica.seq)
  period(ttlMs)
}

/** @throws ERR_INTERNAL when they are none */
export function checkUses(uses: readonly PrivilegeUse[]): void {
  check(uses.length <= USES_BATCH_MAX, 'a number of uses')
  for (const { privilege, at } of uses) {
    name(privilege)
    check(isWellFormed(privilege), 'the name of a privilege')
    amount(at)
  }
}

/** @throws ERR_INTERNAL when there can be no such cursor */
export function checkCursor(of: string, to: number | undefined): void {
  name(of)
  check(isWellFormed(of), 'the name of a cursor')
  if (to !== undefined) amount(to)
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}

function claimNames({ grant, transfer, attempt }: Omit<ClaimProgress, 'bytes' | 'ttlMs'>): void {
  name(grant)
  check(transfer.length <= 4 * NAME_MAX, 'the name of a transfer')
  name(attempt)
  check(attempt !== '', 'the name of an attempt')
}

function name(text: string): void {
  check(text.length <= NAME_MAX, 'a name')
}

function amount(value: number): void {
  check(Number.isSafeInteger(value) && value >= 0, 'an amount')
}

function period(ms: number): void {
  check(Number.isSafeInteger(ms) && ms >= 1 && ms <= PERIOD_MAX_MS, 'a period')
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new GatewayError('ERR_INTERNAL', `the store cannot work with ${what} like this`)
}
