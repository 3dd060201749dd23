/**
 * Checks of a verified claims set that jose does not make. Each returns the reason to refuse, or
 * `undefined`. Claims are untrusted in shape: signed, but by software that may be wrong.
 */
import type { Reason } from '../domain/reasons.ts'
import type { IssuerProfile } from './issuer.ts'
import { isSubjectName, stringList } from './names.ts'
import { normalType } from './issuer.ts'

/** Own members only. */
export type Claims = Readonly<Record<string, unknown>>

const AUDIENCES_MAX = 32
const SCOPES_MAX = 256
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/** The own member of `claims` called `name`. */
export function claim(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}

/** All checks in order. `nowMs` is the time the signature was verified at. */
export function checkClaims(
  claims: Claims,
  profile: IssuerProfile,
  context: { readonly typ: string | undefined; readonly nowMs: number },
): Reason | undefined {
  return (
    checkTokenClass(claims, profile, context.typ) ??
    checkIssuer(claims, profile) ??
    checkAudience(claims, profile) ??
    checkTimes(claims, profile, context.nowMs) ??
    checkSubject(claims, profile) ??
    (scopesOf(claims, profile) === 'malformed' ? 'authn_claims' : undefined) ??
    // RFC 7800: a bound token proves nothing without its key, and no proof is looked at here.
    (Object.hasOwn(claims, 'cnf') ? 'authn_binding' : undefined)
  )
}

/** Refuses ID tokens and whatever lacks the marks of this issuer's access tokens. RFC 8725 §3.11 */
function checkTokenClass(
  claims: Claims,
  profile: IssuerProfile,
  typ: string | undefined,
): Reason | undefined {
  const saysAccess = typ !== undefined && normalType(typ) === 'at+jwt'
  if (!saysAccess && profile.idTokenClaims.some((name) => Object.hasOwn(claims, name))) {
    return 'authn_type'
  }
  if (profile.requiredValues.some(([name, value]) => claim(claims, name) !== value)) {
    return 'authn_type'
  }
  const complete = profile.requiredAnyOf.every((names) =>
    names.some((name) => Object.hasOwn(claims, name)),
  )
  return complete ? undefined : 'authn_type'
}

function checkIssuer(claims: Claims, profile: IssuerProfile): Reason | undefined {
  const iss = claim(claims, 'iss')
  if (profile.trustDomain === undefined) return iss === profile.issuer ? undefined : 'authn_issuer'
  if (iss !== undefined && !profile.issClaims.includes(iss as string)) return 'authn_issuer'
  const sub = claim(claims, 'sub')
  const inside = typeof sub === 'string' && sub.startsWith(`${profile.trustDomain}/`)
  return inside && sub.length > profile.trustDomain.length + 1 ? undefined : 'authn_issuer'
}

/** RFC 7519 §4.1.3: a string or a list of strings, compared exactly. */
function checkAudience(claims: Claims, profile: IssuerProfile): Reason | undefined {
  const value = claim(claims, profile.audienceClaim)
  const list = typeof value === 'string' ? [value] : stringList(value, AUDIENCES_MAX)
  if (list === undefined || list.length === 0 || list.includes('')) return 'authn_audience'
  if (profile.audienceSingle && list.length !== 1) return 'authn_audience'
  return list.some((audience) => profile.audiences.includes(audience))
    ? undefined
    : 'authn_audience'
}

function checkTimes(claims: Claims, profile: IssuerProfile, nowMs: number): Reason | undefined {
  const dates = ['exp', 'iat', 'nbf', 'auth_time'].map((name) => claim(claims, name))
  if (!dates.every(isOptionalDate)) return 'authn_claims'
  const [exp, iat = 0, nbf = 0, authTime = 0] = dates
  if (exp === undefined) return 'authn_claims'
  const now = Math.floor(nowMs / 1000)
  const latest = now + profile.skewS
  if (exp + profile.skewS <= now) return 'authn_expired'
  if (Math.max(iat, nbf) > latest) return 'authn_not_yet_valid'
  if (iat > exp || authTime > latest) return 'authn_claims'
  const from = dates[1] ?? now
  return exp - from > profile.maxLifetimeS ? 'authn_lifetime' : undefined
}

/** NumericDate, but whole seconds from 1970 on: `1e308`, `-1`, `1.5` and `"1"` are mistakes. */
function isOptionalDate(value: unknown): value is number | undefined {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)
}

function checkSubject(claims: Claims, profile: IssuerProfile): Reason | undefined {
  const names = [claim(claims, 'sub'), claim(claims, profile.subjectClaim)]
  return names.every(isSubjectName) ? undefined : 'authn_claims'
}

/**
 * The scopes of the token, `[]` when it has none. Repeated scopes and anything but single spaces
 * between them are malformed. @see RFC 6749 §3.3, RFC 8693 §4.2
 */
export function scopesOf(claims: Claims, profile: IssuerProfile): readonly string[] | 'malformed' {
  const { claim: name, form } = profile.scope
  const value = claim(claims, name)
  if (value === undefined) return []
  let scopes: readonly string[] | undefined
  if (typeof value === 'string') {
    // Keycloak writes an empty text for a token without scopes.
    if (form !== 'list') scopes = value === '' ? [] : value.split(' ', SCOPES_MAX + 1)
  } else if (form !== 'string') {
    scopes = stringList(value, SCOPES_MAX)
  }
  if (scopes === undefined || scopes.length > SCOPES_MAX) return 'malformed'
  const wellFormed = scopes.every((scope) => SCOPE_TOKEN.test(scope))
  return wellFormed && new Set(scopes).size === scopes.length ? scopes : 'malformed'
}
