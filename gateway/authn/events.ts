import type { ErrorCode } from '../domain/errors.ts'
import type { RefusedHeaderMember } from './token-grammar.ts'

/**
 * What the room tells the outside, for metrics, logs and alerts. `issuer` is the operator's short
 * name: bounded, safe as a label. No event holds a token or a claim value.
 */
export type AuthnEvent =
  | {
      readonly type: 'keys_fetched'
      readonly issuer: string
      readonly generation: number
      readonly keys: number
      readonly durationMs: number
    }
  | {
      readonly type: 'keys_failed'
      readonly issuer: string
      readonly code: ErrorCode
      /** For the log; made by this room, never raw upstream text. */
      readonly message: string
      /** Failures in a row. */
      readonly failures: number
      readonly retryInMs: number
    }
  | {
      readonly type: 'keys_changed'
      readonly issuer: string
      readonly generation: number
      /** RFC 7638 SHA-256 thumbprints. */
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  /** The keys outlived `maxStaleMs`: tokens of this issuer are refused until a fetch succeeds. */
  | { readonly type: 'keys_stale'; readonly issuer: string; readonly ageMs: number }
  /** Group or role names that cannot be written in rules were left out of a subject. */
  | {
      readonly type: 'names_dropped'
      readonly issuer: string
      readonly kind: 'group' | 'role'
      readonly count: number
    }
  /** A token tried to bring its own key or semantics: the sign of an attack. */
  | { readonly type: 'header_refused'; readonly member: RefusedHeaderMember }

/** Receives {@link AuthnEvent}s. Must not throw. */
export type OnAuthnEvent = (event: AuthnEvent) => void
