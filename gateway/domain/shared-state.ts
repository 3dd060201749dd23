/**
 * What replicas of the gateway share: amounts used of budgets, uses of grants, lockouts. The store
 * implements these ports twice, embedded and over Redis; whoever asks never learns which.
 *
 * Keys are opaque texts made by the asker from names and subjects; the store hashes them. Time is
 * the store's own, so that the clocks of replicas need not agree. Every method rejects with
 * ERR_STORE_UNAVAILABLE when the store cannot answer within its bounds; nobody may then act as if
 * it had agreed.
 */

import type { JournalStore } from './journal.ts'

/** Part of a budget that is asked for in advance. */
export interface LeaseAsk {
  /** Names the budget and whose it is; at most 2,048 characters. */
  readonly key: string
  /** The window slides: in no period of this length is more than `max` given. Milliseconds. */
  readonly windowMs: number
  readonly max: number
  /** How much is wanted; as much as there is left is given. */
  readonly amount: number
}

/** What was given. */
export interface Lease {
  /** From 0 to the amount asked for. */
  readonly granted: number
  /** Left after it, by the store's count. */
  readonly left: number
  /**
   * When `granted` is less than the amount: milliseconds until the rest, or as much of it as there
   * can be, has aged out; else 0.
   */
  readonly retryAfterMs: number
}

/** Part of a lease that was not used. */
export interface GiveBack extends Pick<LeaseAsk, 'key' | 'windowMs' | 'amount'> {
  /**
   * How long ago the lease was asked for, by the asker's monotonic clock; 0 when absent. One that
   * is older than its window counts no more, and giving it back must not take from later ones.
   */
  readonly heldMs?: number
}

/** Counts amounts in sliding windows. */
export interface QuotaStore {
  /** One answer for each of `asks`, in order; each is atomic, all of them together are not. */
  lease(asks: readonly LeaseAsk[]): Promise<readonly Lease[]>
  /** Gives back what was leased and not used. */
  giveBack(parts: readonly GiveBack[]): Promise<void>
  /**
   * Sets how many places `holder` has for the next `ttlMs`, if all holders together then have at
   * most `max`, else as many as there are; answers how many. A holder that does not come back in
   * time has none; 0 gives all of them back.
   */
  hold(ask: HoldAsk): Promise<number>
}

/** Places at the same time, as for streams. */
export interface HoldAsk {
  readonly key: string
  /** One process; chosen at its start. */
  readonly holder: string
  readonly places: number
  readonly max: number
  readonly ttlMs: number
}

/** One transfer that makes use of a grant. */
export interface ClaimAsk {
  /** The grant. */
  readonly grant: string
  /**
   * What is transferred and to whom, such that a resumed transfer has the same one: subject, route,
   * object and its entity tag.
   */
  readonly transfer: string
  /** This attempt at it, unique; a repeated ask with the same attempt gets the same answer. */
  readonly attempt: string
  /** Transfers the grant is good for; absent is any number. */
  readonly usesMax?: number
  /** Bytes of all its transfers together; absent is any number. */
  readonly bytesMax?: number
  /** Milliseconds since the epoch at which the grant ends; nothing of it need be kept after. */
  readonly expiresAt: number
  /** An attempt that reports nothing for so long is taken to be dead; milliseconds. */
  readonly ttlMs: number
}

/** The answer to a {@link ClaimAsk}. `in-use`: another attempt at the same transfer is alive. */
export type Claim =
  | {
      readonly granted: true
      /** Whether an earlier attempt at the same transfer used the grant already. */
      readonly resumed: boolean
      /** Bytes that all transfers of the grant may still have; Infinity without a limit. */
      readonly bytesLeft: number
      /** Bytes that earlier attempts at this transfer had. */
      readonly bytesBefore: number
    }
  | { readonly granted: false; readonly why: 'spent' | 'in-use' | 'bytes' | 'expired' }

/** Uses up grants, exactly once however many ask at the same time. */
export interface ClaimStore {
  claim(ask: ClaimAsk): Promise<Claim>
  /**
   * Reports bytes that passed since the last report, and keeps the attempt alive; answers the bytes
   * left as {@link Claim} does, 0 when the attempt is no longer the living one.
   */
  progress(part: ClaimProgress): Promise<number>
  /**
   * Ends an attempt. `complete`: the transfer is whole and cannot be resumed. One that is not, and of
   * which no attempt had a byte, gives its use back.
   */
  release(part: ClaimProgress & { readonly complete: boolean }): Promise<void>
}

/** Bytes of one attempt. */
export interface ClaimProgress {
  readonly grant: string
  readonly transfer: string
  readonly attempt: string
  readonly bytes: number
  readonly ttlMs: number
}

/** A subject that is kept out. */
export interface Lockout {
  /** `user:<issuer name>/<sub>`. */
  readonly subject: string
  /** Milliseconds since the epoch, by the store's clock. */
  readonly until: number
  /** Of the request that was the cause. */
  readonly decisionId: string
}

/** Keeps subjects out for a while. */
export interface LockoutStore {
  /** The later end counts when the subject is kept out already. */
  lock(subject: string, forMs: number, decisionId: string): Promise<void>
  /** Everyone who is kept out now; at most 100,000, the latest to end first. */
  lockouts(): Promise<readonly Lockout[]>
  unlock(subject: string): Promise<void>
}

/** All of it, as one opened store. */
export interface SharedStore extends QuotaStore, ClaimStore, LockoutStore {
  /** `embedded` or `redis`, for the log and the metrics. */
  readonly kind: string
  /** Whether the last ask was answered. */
  readonly healthy: boolean
  /** What everybody's privileges follow from. */
  readonly journal: JournalStore
  close(): Promise<void>
}

/** What is asked of a store; the label of its metrics. */
export const STORE_OPERATIONS = [
  'lease',
  'give-back',
  'hold',
  'claim',
  'progress',
  'release',
  'lock',
  'lockouts',
  'unlock',
  'journal-head',
  'journal-append',
  'journal-read',
  'journal-snapshot',
  'journal-keep-snapshot',
  'journal-announce',
  'journal-note-uses',
  'journal-uses',
  'journal-cursor',
] as const

/** One of {@link STORE_OPERATIONS}. */
export type StoreOperation = (typeof STORE_OPERATIONS)[number]
