/** Refusals of this room, and the map from what jose throws to reasons. */
import { refuse, type Refusal } from '../domain/refusal.ts'
import type { Reason } from '../domain/reasons.ts'

/**
 * A refusal with the challenge of RFC 6750 §3: no error code without credentials (§3.1),
 * `invalid_request` for a malformed one, `invalid_token` for the rest; none at all when the fault
 * is ours (503).
 */
export function refuseToken(reason: Reason, retryAfterMs?: number): Refusal {
  if (reason === 'authn_missing') return refuse(reason, { challenge: {} })
  if (reason === 'authn_keys_unavailable') {
    const retryAfter = Math.min(300, Math.max(1, Math.ceil((retryAfterMs ?? 1_000) / 1000)))
    return refuse(reason, { retryAfter })
  }
  const error = reason === 'authn_malformed' ? 'invalid_request' : 'invalid_token'
  return refuse(reason, { challenge: { error } })
}

const BY_CODE: ReadonlyMap<unknown, Reason> = new Map<unknown, Reason>([
  ['ERR_JWT_EXPIRED', 'authn_expired'],
  ['ERR_JWT_INVALID', 'authn_claims'],
  ['ERR_JWS_INVALID', 'authn_malformed'],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'authn_signature'],
  ['ERR_JOSE_ALG_NOT_ALLOWED', 'authn_algorithm'],
  ['ERR_JOSE_NOT_SUPPORTED', 'authn_algorithm'],
])

const BY_CLAIM: ReadonlyMap<unknown, Reason> = new Map<unknown, Reason>([
  ['aud', 'authn_audience'],
  ['iss', 'authn_issuer'],
  ['typ', 'authn_type'],
])

/**
 * The reason for an error of jose, by its stable code. An unknown error, or one without a code (a
 * TypeError for a key, a RangeError for depth), is an unverified signature: 401, never 500.
 */
export function reasonOf(error: unknown): Reason {
  const { code, claim, reason } = (error ?? {}) as Readonly<Record<string, unknown>>
  if (code !== 'ERR_JWT_CLAIM_VALIDATION_FAILED') return BY_CODE.get(code) ?? 'authn_signature'
  if (claim === 'nbf' && reason === 'check_failed') return 'authn_not_yet_valid'
  return BY_CLAIM.get(claim) ?? 'authn_claims'
}
