/** From a checked claims set to the Subject the rest of the gateway knows. */
import type {
  AuthenticationContext,
  ClaimValue,
  DevicePosture,
  Subject,
} from '../domain/subject.ts'
import { claimAt, firstClaim, type ClaimPath } from './claim-path.ts'
import { claim, scopesOf, type Claims } from './claim-checks.ts'
import type { IssuerProfile, PosturePaths } from './issuer.ts'
import { isName, stringList } from './names.ts'
import { personKey } from './person-key.ts'

/** Names that could not be used, counted per kind, for the operator. */
export interface DroppedNames {
  readonly group: number
  readonly role: number
}

/** A subject and what was left out of it. */
export interface BuiltSubject {
  readonly subject: Subject
  readonly dropped: DroppedNames
}

const NAMES_MAX = 1024
const LIST_MAX = 256
const AMR_MAX = 32
const CLAIM_CHARS_MAX = 1024
const POSTURE_CHARS_MAX = 128

/**
 * Builds the frozen subject; `undefined` when the id of a client, token or login is there but
 * malformed. Claims are copied by allow-list into a Map, so that a member called `__proto__` stays a
 * word.
 */
export function buildSubject(claims: Claims, profile: IssuerProfile): BuiltSubject | undefined {
  const clientId = firstClaim(claims, profile.clientId)
  const tokenId = firstClaim(claims, profile.tokenId)
  const sessionId = idText(firstClaim(claims, profile.sessionId))
  if (!isOptionalName(clientId) || !isOptionalName(tokenId)) return undefined
  // A login that no lock could name could not be ended.
  if (!isOptionalName(sessionId)) return undefined
  const overage = hasGroupsOverage(claims)
  const groups = overage ? { names: [], dropped: 0 } : namesAt(claims, profile.groups)
  const roles = namesAt(claims, profile.roles)
  const asserted = roles.names.filter((name) => profile.roleNames.has(name))
  const exp = claim(claims, 'exp') as number
  // Without `iat` the token counts as issued as early as it can have been: revocation errs safely.
  const iat = (claim(claims, 'iat') as number | undefined) ?? exp - profile.maxLifetimeS
  const device = profile.posture === undefined ? undefined : postureOf(claims, profile.posture)
  const id = `user:${profile.name}/${claim(claims, profile.subjectClaim) as string}`
  const person = personKey(claims, profile, id)
  const subject: Subject = Object.freeze({
    id,
    issuer: profile.issuer,
    issuerName: profile.name,
    ...(clientId === undefined ? {} : { clientId }),
    groups: Object.freeze(groups.names.map((name) => `group:${name}`)),
    roles: Object.freeze(asserted.map((name) => `role:${name}`)),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(person === undefined ? {} : { person }),
    issuedAt: iat * 1000,
    expiresAt: (exp + profile.skewS) * 1000,
    authentication: Object.freeze(authenticationOf(claims, profile)),
    ...(device === undefined ? {} : { device: Object.freeze(device) }),
    claims: copyClaims(claims, profile, overage),
  })
  return { subject, dropped: { group: groups.dropped, role: roles.dropped } }
}

/** Ids of logins are texts, or numbers with some issuers. */
function idText(value: unknown): unknown {
  return Number.isSafeInteger(value) ? String(value) : value
}

function isOptionalName(value: unknown): value is string | undefined {
  return value === undefined || isName(value)
}

/**
 * Entra leaves groups out past 200 and points to an API instead. The groups are then unknown,
 * which is not the same as none.
 */
function hasGroupsOverage(claims: Claims): boolean {
  const elsewhere = claim(claims, '_claim_names')
  const listed = typeof elsewhere === 'object' && elsewhere !== null
  return (listed && Object.hasOwn(elsewhere, 'groups')) || Object.hasOwn(claims, 'hasgroups')
}

/** Names from every path: lists of strings, or one text with names between spaces. */
function namesAt(
  claims: Claims,
  paths: readonly ClaimPath[],
): { readonly names: readonly string[]; readonly dropped: number } {
  const names = new Set<string>()
  let dropped = 0
  for (const path of paths) {
    const value = claimAt(claims, path)
    if (value === undefined) continue
    const members: readonly unknown[] =
      typeof value === 'string' ? value.split(' ') : Array.isArray(value) ? value : [value]
    for (const member of members) {
      if (isName(member) && names.size < NAMES_MAX) names.add(member)
      else dropped++
    }
  }
  return { names: [...names], dropped }
}

function authenticationOf(claims: Claims, profile: IssuerProfile): AuthenticationContext {
  const amr = stringList(claim(claims, 'amr'), AMR_MAX)
  const acrs = stringList(claim(claims, 'acrs'), AMR_MAX)
  const acrClaim = claim(claims, 'acr')
  const acr = isName(acrClaim) ? acrClaim : undefined
  const authTime = claim(claims, 'auth_time') as number | undefined
  const { mfa: rule } = profile
  const judged: (readonly [readonly string[] | undefined, readonly string[]])[] = [
    [amr, rule.amr],
    [acr === undefined ? undefined : [acr], rule.acr],
    [acrs, rule.acrs],
  ]
  // A list the rule does not read says nothing, and an absent claim is unknown, not "no".
  const read = judged.filter(([values, accepted]) => values !== undefined && accepted.length > 0)
  const mfa =
    read.length === 0
      ? undefined
      : read.some(([values, accepted]) => values?.some((value) => accepted.includes(value)))
  return {
    ...(amr === undefined ? {} : { amr: Object.freeze([...amr]) }),
    ...(acr === undefined ? {} : { acr }),
    ...(acrs === undefined ? {} : { acrs: Object.freeze([...acrs]) }),
    ...(authTime === undefined ? {} : { authTime: authTime * 1000 }),
    ...(mfa === undefined ? {} : { mfa }),
  }
}

function postureOf(
  claims: Claims,
  paths: ReadonlyMap<keyof PosturePaths, ClaimPath>,
): DevicePosture | undefined {
  const at = (field: keyof PosturePaths): unknown => {
    const path = paths.get(field)
    return path === undefined ? undefined : claimAt(claims, path)
  }
  // No coercion: "true" is not true, and what is not understood stays unknown.
  const text = (field: keyof PosturePaths): object => {
    const value = at(field)
    return isName(value) && value.length <= POSTURE_CHARS_MAX ? { [field]: value } : {}
  }
  const flag = (field: keyof PosturePaths): object => {
    const value = at(field)
    return typeof value === 'boolean' ? { [field]: value } : {}
  }
  const assessed = at('assessedAt')
  const posture = {
    ...text('id'),
    ...flag('managed'),
    ...flag('compliant'),
    ...flag('encrypted'),
    ...text('os'),
    ...text('osVersion'),
    ...(Number.isSafeInteger(assessed) && (assessed as number) > 0
      ? { assessedAt: (assessed as number) * 1000 }
      : {}),
  }
  return Object.keys(posture).length === 0 ? undefined : { ...posture, source: 'token' }
}

function copyClaims(
  claims: Claims,
  profile: IssuerProfile,
  overage: boolean,
): ReadonlyMap<string, ClaimValue> {
  const copy = new Map<string, ClaimValue>()
  for (const { name, path } of profile.claims) {
    const value = claimValue(claimAt(claims, path))
    if (value !== undefined) copy.set(name, value)
  }
  const scopes = scopesOf(claims, profile)
  if (scopes !== 'malformed' && scopes.length > 0) copy.set('scope', Object.freeze([...scopes]))
  if (overage) copy.set('groups_overage', true)
  return copy
}

function claimValue(value: unknown): ClaimValue | undefined {
  if (isScalar(value)) return value
  if (!Array.isArray(value) || value.length > LIST_MAX || !value.every(isScalar)) return undefined
  return Object.freeze([...value])
}

function isScalar(value: unknown): value is string | number | boolean {
  if (typeof value === 'string') return value.length <= CLAIM_CHARS_MAX
  return typeof value === 'boolean' || Number.isFinite(value)
}
