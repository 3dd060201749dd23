/**
 * What a decision record keeps of the one who asked and of the circumstances, so that the decision
 * can be made again under other rules. Bounded: what does not fit is counted in a field that ends
 * in `_left`, and whoever reads the record knows that it does not hold everything.
 */
import type { Approval, Environment } from '../domain/access.ts'
import { createInstantText } from '../domain/clock.ts'
import type { LedgerRecord, LedgerValue } from '../domain/ports.ts'
import type { ClaimValue, DevicePosture, Subject } from '../domain/subject.ts'

type Fields = LedgerRecord['fields']

const instantText = createInstantText()

/** Names kept of each kind, and their characters together: a record is one line of bounded length. */
const GROUPS_MAX = 200
const ROLES_MAX = 64
const NAMES_CHARS_MAX = 12_288
const CLAIMS_MAX = 64
const CLAIM_NAME_CHARS_MAX = 128
const CLAIMS_CHARS_MAX = 4_096
const APPROVALS_MAX = 16
const HOLDS_MAX = 64

/** Subjects are shared by the requests of one token: their facts are written out once. */
const kept = new WeakMap<Subject, Fields>()

/** Who asked, as the token said: identity, names that rules may name, times, claims rules may test. */
export function subjectFields(subject: Subject | undefined): Fields {
  if (subject === undefined) return {}
  const known = kept.get(subject)
  if (known !== undefined) return known
  const groups = bounded(subject.groups, GROUPS_MAX)
  const roles = bounded(subject.roles, ROLES_MAX)
  const fields = Object.freeze({
    sub: subject.id,
    iss: subject.issuer,
    jti: subject.tokenId,
    client: subject.clientId,
    groups: groups.kept,
    groups_left: groups.left,
    roles: roles.kept,
    roles_left: roles.left,
    iat: subject.issuedAt,
    exp: subject.expiresAt,
    ...claimFields(subject.claims),
  })
  kept.set(subject, fields)
  return fields
}

/** The first of `names` that fit, and how many did not. */
function bounded(
  names: readonly string[],
  countMax: number,
): { readonly kept: readonly string[]; readonly left: number | undefined } {
  let chars = 0
  let count = 0
  for (const name of names) {
    chars += name.length
    if (count === countMax || chars > NAMES_CHARS_MAX) break
    count += 1
  }
  const left = names.length - count
  return left === 0 ? { kept: names, left: undefined } : { kept: names.slice(0, count), left }
}

function claimFields(claims: Subject['claims']): Fields {
  if (claims.size === 0) return {}
  const entries: [string, ClaimValue][] = []
  let chars = 0
  for (const [name, value] of claims) {
    const size = name.length + sizeOf(value)
    if (name.length > CLAIM_NAME_CHARS_MAX || entries.length === CLAIMS_MAX) continue
    if (chars + size > CLAIMS_CHARS_MAX) continue
    chars += size
    entries.push([name, value])
  }
  const left = claims.size - entries.length
  // Own members whatever the name: a claim called `__proto__` stays a word.
  return { claims: Object.fromEntries(entries), ...(left === 0 ? {} : { claims_left: left }) }
}

function sizeOf(value: ClaimValue): number {
  if (typeof value === 'string') return value.length
  if (typeof value !== 'object') return 8
  return value.reduce<number>((sum, one) => sum + (typeof one === 'string' ? one.length : 8), 0)
}

/** The circumstances as judged. */
export function environmentFields(
  environment: Environment | undefined,
  subject: Subject | undefined,
): LedgerValue | undefined {
  if (environment === undefined) return undefined
  const { device, country, approvals, grant } = environment
  const authentication = subject?.authentication
  return {
    now: instantText(environment.now),
    mfa: authentication?.mfa,
    amr: authentication?.amr,
    acr: authentication?.acr,
    acrs: authentication?.acrs,
    auth_time: authentication?.authTime,
    device: device === undefined ? undefined : deviceFields(device),
    country: country === undefined ? undefined : { code: country.code, src: country.source },
    ...(approvals === undefined ? undefined : approvalFields(approvals)),
    grant: grant === undefined ? undefined : { id: grant.id, exp: grant.expiresAt },
  }
}

/** Without its id: no condition reads it, and it names a person's machine. */
function deviceFields(device: DevicePosture): LedgerValue {
  return {
    src: device.source,
    managed: device.managed,
    compliant: device.compliant,
    encrypted: device.encrypted,
    os: device.os,
    os_version: device.osVersion,
    assessed_at: device.assessedAt,
  }
}

function approvalFields(approvals: readonly Approval[]): Record<string, LedgerValue> {
  const fitting = approvals.slice(0, APPROVALS_MAX).filter(({ holds }) => holds.length <= HOLDS_MAX)
  const left = approvals.length - fitting.length
  return {
    approvals: fitting.map(({ by, holds, at }) => ({ by, holds, at })),
    ...(left === 0 ? {} : { approvals_left: left }),
  }
}
