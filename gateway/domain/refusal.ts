import type { Reason } from './reasons.ts'

/** Parameters of a `WWW-Authenticate: Bearer` challenge (RFC 6750 §3, RFC 9470 §3). */
export interface Challenge {
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_user_authentication'
  /** Authentication contexts that are missing, any of which will do (Entra claims challenge). */
  readonly acrs?: readonly string[]
  /** Space-separated `acr` values (RFC 9470). */
  readonly acrValues?: string
  /** Seconds since the end user last authenticated (RFC 9470). */
  readonly maxAge?: number
}

/**
 * A refusal: a value, never an exception, and never turned into a permit. `detail` is a sentence
 * for the caller made of constants and of values the gateway has itself validated; it never holds
 * credentials or raw request text.
 */
export interface Refusal {
  readonly outcome: 'refused'
  readonly reason: Reason
  readonly detail?: string
  readonly challenge?: Challenge
  /** Seconds for `Retry-After`. */
  readonly retryAfter?: number
  /** Methods for `Allow` (RFC 9110 §10.2.1), with `method_not_allowed`. */
  readonly allow?: readonly string[]
  /** With `locked_out`: the decision whose incident it goes back to. With `locked`: the lock. */
  readonly lockedBy?: string
}

/** Builds a {@link Refusal}. */
export function refuse(reason: Reason, more: Omit<Refusal, 'outcome' | 'reason'> = {}): Refusal {
  return { outcome: 'refused', reason, ...more }
}

/** Narrows a stage result to a refusal. */
export function isRefusal(value: unknown): value is Refusal {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { outcome?: unknown }).outcome === 'refused'
  )
}
