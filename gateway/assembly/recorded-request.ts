/**
 * From a decision record back to what was judged. Strict: a record that lacks a fact, holds one that
 * was cut, or says something a gateway could not have written gives a reason instead of a request.
 * Nothing is guessed: a fact that is not in the record would otherwise pass for one that was unknown.
 */
import type { StoredRecord } from '../audit/read/query.ts'
import { isResourceName, isVersion } from '../classify/names.ts'
import type { AccessRequest, Approval, Country, Environment, GrantInUse } from '../domain/access.ts'
import type { ClaimValue, DevicePosture, Subject } from '../domain/subject.ts'
import { isAction, type Effect, type Operation, type Resource } from '../domain/vocabulary.ts'
import { Facts, Incomplete } from './recorded-facts.ts'

/** One operation of a recorded request with the decision that was made on it. */
export interface RecordedOperation {
  /** As it was judged, without what the rule folder of the day said of the resource. */
  readonly request: AccessRequest
  /** `model:fraud@3`. */
  readonly resource: string
  readonly effect: Effect
  readonly reason: string | undefined
  /** `policy.csv:3`. */
  readonly rule: string | undefined
}

/** What a record gives. */
export type RecordedDecision =
  | {
      readonly kind: 'decided'
      readonly id: string
      /** Policy revision it was decided under. */
      readonly revision: string
      readonly operations: readonly [RecordedOperation, ...RecordedOperation[]]
    }
  /** Refused before the rules were asked; `stage` is where. */
  | { readonly kind: 'undecided'; readonly stage: string }
  /** It was decided, and the record does not hold everything: why, in words of ours. */
  | { readonly kind: 'incomplete'; readonly why: string }

/** Reads one record of type `decision`. Never throws. */
export function recordedDecision(record: StoredRecord): RecordedDecision {
  try {
    return decisionIn(new Facts(record))
  } catch (error) {
    if (error instanceof Incomplete) return { kind: 'incomplete', why: error.message }
    throw error
  }
}

/** Stages that come before the rules are asked. */
const EARLY = new Set(['admit', 'authenticate', 'classify', 'gather'])

function decisionIn(record: Facts): RecordedDecision {
  const stage = record.text('stage')
  if (stage !== undefined && EARLY.has(stage)) return { kind: 'undecided', stage }
  record.refuseOmitted()
  const list = record.list('ops')
  // A gateway that drains or is full refuses before anything is known of the request.
  if (list === undefined && stage !== undefined) return { kind: 'undecided', stage }
  const subject = subjectIn(record)
  const environment = environmentIn(record)
  const operations = (list ?? []).map((op) => operationIn(op, subject, environment))
  const [first, ...others] = operations
  if (first === undefined) throw new Incomplete('it names no operation')
  return {
    kind: 'decided',
    id: record.required('id', record.text('id')),
    revision: record.required('pol', record.text('pol')),
    operations: [first, ...others],
  }
}

function operationIn(op: Facts, subject: Subject, environment: Environment): RecordedOperation {
  const effect = op.required('effect', op.oneOf('effect', EFFECTS))
  const { action, resource } = askedIn(op)
  return {
    request: { subject, action, resource, environment },
    resource: op.required('res', op.text('res')),
    effect,
    reason: op.text('reason'),
    rule: op.text('rule'),
  }
}

const EFFECTS = ['permit', 'deny', 'not-applicable', 'indeterminate'] as const

function askedIn(op: Facts): Operation {
  const action = op.required('act', op.text('act'))
  if (!isAction(action)) throw new Incomplete('an action is not one of the eight')
  return { action, resource: resourceIn(op.required('res', op.text('res'))) }
}

/** The name ends at the `@`, which no name can hold. */
function resourceIn(text: string): Resource {
  const [, kind, name = '', version] =
    /^(model|dataset|server):([^@]+)(?:@([^@]+))?$/.exec(text) ?? []
  const isSound = isResourceName(name) && (version === undefined || isVersion(version))
  if (!isSound) throw new Incomplete('a resource is not one that a request can name')
  return { kind: kind as Resource['kind'], name, ...(version === undefined ? {} : { version }) }
}

function subjectIn(record: Facts): Subject {
  for (const kind of ['groups', 'roles', 'claims']) {
    const left = record.number(`${kind}_left`)
    if (left !== undefined) throw new Incomplete(`some ${kind} of the subject did not fit into it`)
  }
  const id = record.required('sub', record.text('sub'))
  const [, issuerName] = /^user:([^/]+)\/.+$/s.exec(id) ?? []
  if (issuerName === undefined) throw new Incomplete('the subject has no issuer')
  const env = record.required('env', record.object('env'))
  return {
    id,
    issuer: record.required('iss', record.text('iss')),
    issuerName,
    ...defined({ clientId: record.text('client'), tokenId: record.text('jti') }),
    groups: record.required('groups', record.texts('groups')),
    roles: record.required('roles', record.texts('roles')),
    issuedAt: record.required('iat', record.number('iat')),
    expiresAt: record.required('exp', record.number('exp')),
    authentication: defined({
      amr: env.texts('amr'),
      acr: env.text('acr'),
      acrs: env.texts('acrs'),
      authTime: env.number('auth_time'),
      mfa: env.flag('mfa'),
    }),
    claims: claimsIn(record.object('claims')),
  }
}

function claimsIn(claims: Facts | undefined): Subject['claims'] {
  const found = new Map<string, ClaimValue>()
  for (const name of claims?.names ?? []) {
    const value = claims?.claim(name)
    if (value !== undefined) found.set(name, value)
  }
  return found
}

function environmentIn(record: Facts): Environment {
  const env = record.required('env', record.object('env'))
  const left = env.number('approvals_left')
  if (left !== undefined) throw new Incomplete('some approvals did not fit into it')
  return {
    now: env.required('now', env.instant('now')),
    client: {
      ip: record.required('ip', record.text('ip')),
      source: record.required('ipsrc', record.oneOf('ipsrc', ['peer', 'forwarded'] as const)),
    },
    ...defined({
      device: deviceIn(env.object('device')),
      country: countryIn(env.object('country')),
      approvals: env.list('approvals')?.map(approvalIn),
      grant: grantIn(env.object('grant')),
    }),
  }
}

const DEVICE_SOURCES = ['assertion', 'token', 'mtls-hop', 'trusted-hop'] as const

function deviceIn(device: Facts | undefined): DevicePosture | undefined {
  if (device === undefined) return undefined
  return {
    source: device.required('src', device.oneOf('src', DEVICE_SOURCES)),
    ...defined({
      managed: device.flag('managed'),
      compliant: device.flag('compliant'),
      encrypted: device.flag('encrypted'),
      os: device.text('os'),
      osVersion: device.text('os_version'),
      assessedAt: device.number('assessed_at'),
    }),
  }
}

function countryIn(country: Facts | undefined): Country | undefined {
  if (country === undefined) return undefined
  return {
    code: country.required('code', country.text('code')),
    source: country.required('src', country.oneOf('src', ['trusted-hop', 'database'] as const)),
  }
}

function approvalIn(approval: Facts): Approval {
  return {
    by: approval.required('by', approval.text('by')),
    holds: approval.required('holds', approval.texts('holds')),
    at: approval.required('at', approval.number('at')),
  }
}

function grantIn(grant: Facts | undefined): GrantInUse | undefined {
  if (grant === undefined) return undefined
  return {
    id: grant.required('id', grant.text('id')),
    expiresAt: grant.required('exp', grant.number('exp')),
  }
}

/** Without the keys whose value is `undefined`: absent means unknown. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
