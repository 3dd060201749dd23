/** Locks: what takes access away at once. */
import type { Action } from '../domain/vocabulary.ts'

/**
 * What a lock is on. One lock has one target; `all` is everybody on the data listeners.
 *
 * - `user`, `group`, `role`: `user:<issuer name>/<sub>`, `group:…`, `role:…`; a role held by way of
 *   others counts.
 * - `person`: the person key, whichever account is used.
 * - `device`: id of the posture. `network`: a CIDR of the client's address.
 * - `token`: `<issuer name> <jti>`. `session`: `<issuer name> <sid>`.
 * - `issued-before`: tokens of `subject` (`user:…`) issued before `before`.
 * - `model`: `model:<name>`. `version`: `model:<name>@<version>`; a request that names the model and
 *   no version is locked too, for the upstream could choose this one.
 * - `upstream`: name of one.
 */
export type LockTarget =
  | { readonly kind: 'user' | 'group' | 'role' | 'person' | 'device'; readonly id: string }
  | { readonly kind: 'network'; readonly cidr: string }
  | { readonly kind: 'token' | 'session'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'issued-before'; readonly subject: string; readonly before: number }
  | { readonly kind: 'model' | 'version' | 'upstream'; readonly id: string }
  | { readonly kind: 'all' }

/** What set a lock. */
export type LockCause =
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'signal'
      readonly issuer: string
      readonly jti: string
      readonly event: string
      /** When it happened, as the issuer says; milliseconds since the epoch. */
      readonly occurredAt?: number
    }
  | { readonly kind: 'review'; readonly review: string }

/** A lock. */
export interface Lock {
  /** `lock-` and 26 characters of a UUIDv7 in Crockford base 32. */
  readonly id: string
  readonly target: LockTarget
  /** Only these actions; every action when absent. */
  readonly actions?: readonly Action[]
  /**
   * Only accounts of issuers with these short names; every account when absent. Signals set it for
   * people and devices, whose names no issuer owns.
   */
  readonly issuers?: readonly string[]
  /** For people; never shown to the caller that is locked. */
  readonly reason: string
  readonly cause: LockCause
  /** `user:…` who set it, or `issuer:<name>` of a signal. */
  readonly by: string
  /** Person key of who set it; absent for signals. */
  readonly person?: string
  readonly at: number
  /** Milliseconds since the epoch; until it is lifted when absent. */
  readonly expiresAt?: number
  /** Somebody wants it lifted, and a second person has yet to agree. */
  readonly liftAsked?: {
    readonly by: string
    readonly person: string
    readonly at: number
    readonly reason: string
  }
  readonly lifted?: { readonly by: readonly string[]; readonly at: number; readonly reason: string }
}

/** A trial of the switch: every replica locks a caller that does not exist, and reports. */
export interface Drill {
  /** `drill-` and 26 characters. */
  readonly id: string
  readonly by: string
  readonly at: number
  /** Replicas that were there when it began, by id. */
  readonly expected: readonly { readonly id: string; readonly name: string }[]
  readonly reports: readonly DrillReport[]
}

/** What one replica found. */
export interface DrillReport {
  readonly replica: string
  readonly name: string
  /** From the store's time of the drill to the refusal here. */
  readonly refusedMs: number
  /** From the store's time of the drill to the end of an open exchange here. */
  readonly cutMs: number
  readonly ok: boolean
  readonly detail?: string
}
