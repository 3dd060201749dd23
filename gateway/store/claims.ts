/**
 * Uses of one grant: which transfers made use of it, which attempt at each is alive, how many bytes
 * passed. Pure; the Lua scripts of the Redis store do the same steps (`redis/scripts.ts`).
 */
import type { Claim, ClaimAsk, ClaimProgress } from '../domain/shared-state.ts'

/** Transfers kept of one grant; of more, the one longest dead is forgotten, and is a new use. */
export const TRANSFERS_MAX = 1_024

/**
 * A grant's state is kept so long after the end it had when it was last used; milliseconds. Longer
 * than an hour or a day, because a grant that is used up can be given a later end: nobody claims it
 * successfully then, so that the store does not learn of it, and what forgot its uses would give them
 * again. For clocks that step as well.
 */
export const KEPT_AFTER_END_MS = 400 * 86_400_000

/** One transfer that is not complete. */
export interface Transfer {
  /** Digest of the attempt; empty when none is alive. */
  readonly attempt: string
  /** Milliseconds since the epoch at which the attempt is taken to be dead. */
  readonly aliveUntil: number
  /** Bytes of all attempts at it. */
  readonly bytes: number
  /** Of these, bytes of the attempts before the present one. */
  readonly bytesBefore: number
  /** Whether the present attempt is not the first. */
  readonly resumed: boolean
}

/** Everything known of one grant. */
export interface GrantUse {
  readonly uses: number
  readonly bytes: number
  /** As in the last claim. */
  readonly bytesMax?: number
  readonly expiresAt: number
  /** By digest of the transfer. */
  readonly transfers: Readonly<Record<string, Transfer>>
}

/** Digests of what a claim names, so that hostile text is no key. */
export interface ClaimIds {
  readonly transfer: string
  readonly attempt: string
}

/** Judges a claim. `state` is absent when nothing is to be written. */
export function claimOf(
  before: GrantUse | undefined,
  ask: ClaimAsk,
  ids: ClaimIds,
  now: number,
): { readonly claim: Claim; readonly state?: GrantUse } {
  const use = before ?? { uses: 0, bytes: 0, expiresAt: 0, transfers: {} }
  const known = use.transfers[ids.transfer]
  const isRepeated = known?.attempt === ids.attempt
  const bytesLeft = Math.max(0, (ask.bytesMax ?? Infinity) - use.bytes)
  const why = refusalOf(use, ask, known, { isRepeated, bytesLeft, now })
  const transfers = known === undefined ? withRoom(use.transfers, now) : use.transfers
  if (why !== undefined) return { claim: { granted: false, why } }
  if (transfers === undefined) return { claim: { granted: false, why: 'in-use' } }
  const transfer: Transfer = {
    ...(isRepeated ? known : begun(known)),
    attempt: ids.attempt,
    aliveUntil: now + ask.ttlMs,
  }
  const state: GrantUse = {
    uses: use.uses + (known === undefined ? 1 : 0),
    bytes: use.bytes,
    ...(ask.bytesMax === undefined ? {} : { bytesMax: ask.bytesMax }),
    expiresAt: Math.max(use.expiresAt, ask.expiresAt),
    transfers: { ...transfers, [ids.transfer]: transfer },
  }
  const { resumed, bytesBefore } = transfer
  return { claim: { granted: true, resumed, bytesLeft, bytesBefore }, state }
}

type Why = Extract<Claim, { granted: false }>['why']

/** The first thing that stands against a claim; a repeated one stands by what it was told. */
function refusalOf(
  use: GrantUse,
  ask: ClaimAsk,
  known: Transfer | undefined,
  at: { readonly isRepeated: boolean; readonly bytesLeft: number; readonly now: number },
): Why | undefined {
  if (at.now >= ask.expiresAt) return 'expired'
  if (at.isRepeated) return undefined
  if (known !== undefined && known.aliveUntil > at.now) return 'in-use'
  if (known === undefined && use.uses >= (ask.usesMax ?? Infinity)) return 'spent'
  return at.bytesLeft === 0 ? 'bytes' : undefined
}

/** Adds bytes; the attempt stays alive when it is the living one. */
export function progressOf(
  before: GrantUse | undefined,
  part: ClaimProgress,
  ids: ClaimIds,
  now: number,
): { readonly bytesLeft: number; readonly state?: GrantUse } {
  if (before === undefined) return { bytesLeft: 0 }
  // Bytes of an attempt that was replaced did leave.
  const use = { ...before, bytes: before.bytes + part.bytes }
  const known = use.transfers[ids.transfer]
  if (known === undefined) return { bytesLeft: 0, state: use }
  const isLiving = known.attempt === ids.attempt && now < use.expiresAt
  const transfer = {
    ...known,
    bytes: known.bytes + part.bytes,
    aliveUntil: isLiving ? now + part.ttlMs : known.aliveUntil,
  }
  const state = { ...use, transfers: { ...use.transfers, [ids.transfer]: transfer } }
  const left = Math.max(0, (use.bytesMax ?? Infinity) - use.bytes)
  return { bytesLeft: isLiving ? left : 0, state }
}

/**
 * Ends an attempt; a complete transfer is forgotten, its use is not. Of one that is not complete and
 * that no attempt had a byte of, the use is given back.
 */
export function releaseOf(
  before: GrantUse | undefined,
  part: ClaimProgress & { readonly complete: boolean },
  ids: ClaimIds,
  now: number,
): GrantUse | undefined {
  const { state } = progressOf(before, part, ids, now)
  const known = state === undefined ? undefined : state.transfers[ids.transfer]
  if (state === undefined || known?.attempt !== ids.attempt) return state
  const { [ids.transfer]: ended = known, ...others } = state.transfers
  if (part.complete) return { ...state, transfers: others }
  if (ended.bytes === 0) return { ...state, uses: state.uses - 1, transfers: others }
  const left = { ...ended, attempt: '', aliveUntil: 0 }
  return { ...state, transfers: { ...others, [ids.transfer]: left } }
}

function begun(earlier: Transfer | undefined): Omit<Transfer, 'attempt' | 'aliveUntil'> {
  const bytes = earlier?.bytes ?? 0
  return { bytes, bytesBefore: bytes, resumed: earlier !== undefined }
}

/** `transfers` with one place free; nothing when every one of them has a living attempt. */
function withRoom(
  transfers: GrantUse['transfers'],
  now: number,
): GrantUse['transfers'] | undefined {
  const entries = Object.entries(transfers)
  if (entries.length < TRANSFERS_MAX) return transfers
  const [oldest, ...others] = entries.toSorted(([, a], [, b]) => a.aliveUntil - b.aliveUntil)
  if (oldest === undefined || oldest[1].aliveUntil > now) return undefined
  return Object.fromEntries(others)
}
