/** Turns fixtures as written into the attributes a decision is made on. Ages become moments. */
import type { Environment, ResourceAttributes } from '../../domain/access.ts'
import type { AuthenticationContext, DevicePosture, Subject } from '../../domain/subject.ts'
import type { Resource } from '../../domain/vocabulary.ts'
import type {
  DeviceSpec,
  EnvironmentSpec,
  PrincipalSpec,
  ResourceFixtureSpec,
} from '../../settings/schemas/policy-fixtures.ts'

const MINUTE_MS = 60_000

/** An address of a block that is assigned to nobody (RFC 5737). */
const NOWHERE = '203.0.113.1'

/** The subject that the fixture `name` describes, at `now`. */
export function subjectFrom(name: string, spec: PrincipalSpec, now: number): Subject {
  const { id = `user:test/${name}`, groups = [], roles = [], claims = {} } = spec
  const issuerName = id.slice('user:'.length, id.indexOf('/'))
  const { age = MINUTE_MS, lifetime = 10 * MINUTE_MS } = spec.token ?? {}
  const issuedAt = now - age
  const device = spec.device && postureFrom(spec.device, 'token', now)
  return {
    id,
    issuer: spec.issuer ?? `urn:modelgate:test:${issuerName}`,
    issuerName,
    ...known({ clientId: spec.client, device }),
    groups,
    roles,
    issuedAt,
    expiresAt: issuedAt + lifetime,
    authentication: authenticationFrom(spec.authentication ?? {}, now),
    claims: new Map(Object.entries(claims)),
  }
}

function authenticationFrom(
  { auth_age: age, ...facts }: NonNullable<PrincipalSpec['authentication']>,
  now: number,
): AuthenticationContext {
  return known({ ...facts, authTime: age === undefined ? undefined : now - age })
}

/** The environment of a request by `subject`; a device written there stands before the subject's. */
export function environmentFrom(spec: EnvironmentSpec, subject: Subject, now: number): Environment {
  const device = spec.device ? postureFrom(spec.device, 'trusted-hop', now) : subject.device
  const { ip = NOWHERE, country, approvals, grant } = spec
  return {
    now,
    client: { ip, source: 'peer' },
    ...(device !== undefined && { device }),
    ...(country !== undefined && { country: { code: country, source: 'trusted-hop' } }),
    ...(approvals !== undefined && {
      approvals: approvals.map(({ by, holds = [], age = 5 * MINUTE_MS }) => ({
        by,
        holds: [by, ...holds],
        at: now - age,
      })),
    }),
    ...(grant !== undefined && {
      grant: { id: grant.id ?? 'test', expiresAt: now + (grant.expires_in ?? 60 * MINUTE_MS) },
    }),
  }
}

function postureFrom(spec: DeviceSpec, usual: DevicePosture['source'], now: number): DevicePosture {
  const { age, os_version: osVersion, source = usual, ...facts } = spec
  const assessedAt = age === undefined ? undefined : now - age
  return { ...known({ ...facts, osVersion, assessedAt }), source }
}

/** The resource that the fixture describes. */
export function resourceFrom({ kind, name, version }: ResourceFixtureSpec): Resource {
  return { kind, name, ...(version !== undefined && { version }) }
}

/** The attributes that the fixture lays over those of the catalog. */
export function attributesFrom(spec: ResourceFixtureSpec): Partial<ResourceAttributes> {
  return known(spec.attributes ?? {})
}

/** Without the keys whose value is `undefined`: what is not known is not there. */
function known<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
