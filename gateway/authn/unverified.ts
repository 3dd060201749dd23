/**
 * What a token says, without asking whether it is true. For showing a person why a token is refused;
 * nothing that comes from here may be given to anything that permits.
 */
import type { Subject } from '../domain/subject.ts'
import { claim, scopesOf, type Claims } from './claim-checks.ts'
import { issuerProfile, type IssuerOptions, type IssuerProfile } from './issuer.ts'
import { isSubjectName } from './names.ts'
import { buildSubject } from './subject-builder.ts'
import { isGrammarFault, parseToken } from './token-grammar.ts'

/** Who a token claims to be of, or why that cannot be said. Unverified. */
export type ClaimedSubject =
  | { readonly kind: 'claimed'; readonly subject: Subject }
  | { readonly kind: 'unreadable'; readonly why: string }

const unreadable = (why: string): ClaimedSubject => ({ kind: 'unreadable', why })

/** Reads the compact JWS `text` as the issuer it names would be read. Never throws on a token. */
export function claimedSubject(text: string, issuers: readonly IssuerOptions[]): ClaimedSubject {
  const token = parseToken(text)
  if (isGrammarFault(token)) return unreadable('it is not one well-formed compact JWS')
  const profile = issuers.map(issuerProfile).find((one) => isOf(token.claims, one))
  if (profile === undefined) return unreadable('no configured issuer made it')
  if (!isSound(token.claims, profile)) return unreadable('a claim is missing or malformed')
  const built = buildSubject(token.claims, profile)
  if (built === undefined) return unreadable('a claim is malformed')
  return { kind: 'claimed', subject: built.subject }
}

function isOf(claims: Claims, profile: IssuerProfile): boolean {
  const iss = claim(claims, 'iss')
  if (iss !== undefined) return profile.issClaims.includes(iss as string) || iss === profile.issuer
  const sub = claim(claims, 'sub')
  const { trustDomain } = profile
  return trustDomain !== undefined && typeof sub === 'string' && sub.startsWith(`${trustDomain}/`)
}

/** The checks that {@link buildSubject} takes to have been made. */
function isSound(claims: Claims, profile: IssuerProfile): boolean {
  const dates = ['iat', 'auth_time'].map((name) => claim(claims, name))
  const areDates = dates.every((value) => value === undefined || Number.isSafeInteger(value))
  if (!areDates || !Number.isSafeInteger(claim(claims, 'exp'))) return false
  if (scopesOf(claims, profile) === 'malformed') return false
  return isSubjectName(claim(claims, profile.subjectClaim))
}
