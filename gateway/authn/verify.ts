/** Verifies one token against one issuer: jose for the signature, every option pinned. */
import { jwtVerify, type CryptoKey, type JWTVerifyOptions } from 'jose'
import type { Clock } from '../domain/clock.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'
import { checkClaims, type Claims } from './claim-checks.ts'
import type { OnAuthnEvent } from './events.ts'
import { normalType, type IssuerProfile } from './issuer.ts'
import type { JwksKeeper, KeyLookup } from './jwks-keeper.ts'
import { reasonOf, refuseToken } from './refusals.ts'
import { buildSubject } from './subject-builder.ts'
import type { ParsedToken } from './token-grammar.ts'

/** An issuer with its keys. */
export interface Issuer {
  readonly profile: IssuerProfile
  readonly keeper: JwksKeeper
}

/** A token that holds, and for how long the answer may be reused. */
export interface VerifiedToken {
  readonly subject: Subject
  readonly issuer: Issuer
  /** Key-set generation the signature was verified under. */
  readonly generation: number
  /** Milliseconds since the epoch; before it, clocks disagree by more than is tolerated. */
  readonly validFromMs: number
  /** Milliseconds since the epoch: `exp`, without tolerance. */
  readonly validUntilMs: number
}

/** What verification needs from outside. */
export interface VerifyDeps {
  readonly clock: Clock
  readonly onEvent?: OnAuthnEvent | undefined
}

/**
 * The verified token, or the refusal. Never throws. Waits only for the signature and, when the key
 * is not known yet, for one bounded fetch.
 * @see RFC 7519 §7.2, RFC 8725 §3, RFC 9068 §4
 */
export async function verifyToken(
  token: ParsedToken,
  issuer: Issuer,
  deps: VerifyDeps,
): Promise<VerifiedToken | Refusal> {
  const { profile, keeper } = issuer
  if (!(profile.algorithms as readonly string[]).includes(token.alg)) {
    return refuseToken('authn_algorithm')
  }
  const typeAccepted =
    token.typ === undefined ? profile.typOptional : profile.tokenTypes.has(normalType(token.typ))
  if (!typeAccepted) return refuseToken('authn_type')
  const lookup = keeper.find(token.alg, token.kid)
  const known = lookup.status !== 'unknown'
  const now = known ? lookup : await keeper.findFresh(token.alg, token.kid)
  const first = await verifyWith(now, { token, issuer, deps })
  const unsigned = isRefusal(first) && first.reason === 'authn_signature'
  if (!unsigned || token.kid !== undefined || !known) return first
  // Without a kid a rotated key looks like a bad signature: ask once more before refusing.
  const before = keeper.generation
  const fresh = await keeper.findFresh(token.alg, undefined)
  const changed = keeper.generation !== before || fresh.status === 'unavailable'
  return changed ? verifyWith(fresh, { token, issuer, deps }) : first
}

interface Attempt {
  readonly token: ParsedToken
  readonly issuer: Issuer
  readonly deps: VerifyDeps
}

async function verifyWith(lookup: KeyLookup, attempt: Attempt): Promise<VerifiedToken | Refusal> {
  if (lookup.status === 'unavailable') {
    return refuseToken('authn_keys_unavailable', lookup.retryAfterMs)
  }
  if (lookup.status !== 'found') return refuseToken('authn_key_unknown')
  let answer = refuseToken('authn_signature')
  for (const key of lookup.keys) {
    const claims = await signedClaims(key, attempt)
    if (!isRefusal(claims)) return accept(claims, lookup.generation, attempt)
    answer = claims
    if (claims.reason !== 'authn_signature') break
  }
  return answer
}

async function signedClaims(key: CryptoKey, attempt: Attempt): Promise<Claims | Refusal> {
  const { token, issuer, deps } = attempt
  // Outside the try: what fails here is ours, and must not be blamed on the token.
  const options = verifyOptions(token, issuer.profile, deps.clock.now())
  try {
    const { payload } = await jwtVerify(token.text, key, options)
    return payload
  } catch (error) {
    return refuseToken(reasonOf(error))
  }
}

function verifyOptions(
  token: ParsedToken,
  profile: IssuerProfile,
  nowMs: number,
): JWTVerifyOptions {
  return {
    algorithms: [...profile.algorithms],
    requiredClaims: [...profile.requiredClaims],
    clockTolerance: profile.skewS,
    currentDate: new Date(nowMs),
    crit: {},
    ...(profile.trustDomain === undefined ? { issuer: profile.issuer } : {}),
    ...(profile.audienceClaim === 'aud' ? { audience: [...profile.audiences] } : {}),
    ...(token.typ === undefined ? {} : { typ: token.typ }),
  }
}

function accept(claims: Claims, generation: number, attempt: Attempt): VerifiedToken | Refusal {
  const { token, issuer, deps } = attempt
  const { profile } = issuer
  const reason = checkClaims(claims, profile, { typ: token.typ, nowMs: deps.clock.now() })
  if (reason !== undefined) return refuseToken(reason)
  const built = buildSubject(claims, profile)
  if (built === undefined) return refuseToken('authn_claims')
  for (const kind of ['group', 'role'] as const) {
    const count = built.dropped[kind]
    if (count > 0) deps.onEvent?.({ type: 'names_dropped', issuer: profile.name, kind, count })
  }
  const { exp, iat = 0, nbf = 0 } = claims as { exp: number; iat?: number; nbf?: number }
  return {
    subject: built.subject,
    issuer,
    generation,
    validFromMs: (Math.max(iat, nbf) - profile.skewS) * 1000,
    validUntilMs: exp * 1000,
  }
}
