import type { AccessRequest, Approval, Country, Environment, GrantInUse } from '../domain/access.ts'
import { GatewayError } from '../domain/errors.ts'
import { parseIp } from '../domain/network.ts'
import { isRefusal } from '../domain/refusal.ts'
import type {
  AuthenticationContext,
  ClaimValue,
  DevicePosture,
  Subject,
} from '../domain/subject.ts'
import { ACTIONS, isAction, type Operation, type Resource } from '../domain/vocabulary.ts'
import { parsePostureText } from '../pip/device-posture.ts'
import { duration } from '../settings/units.ts'
import { DEFAULT_MFA } from '../authn/issuer.ts'
import { instantIn } from './instant.ts'
import { listOption, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

const HOUR_MS = 3_600_000

/** Flags that say who asks; a token or a record says it instead. */
export const SUBJECT_FLAGS = [
  'subject',
  'group',
  'role',
  'client',
  'amr',
  'acr',
  'acrs',
  'auth-age',
  'claim',
  'token-age',
  'token-lifetime',
] as const

/** An access request from the flags of `modelgate explain`. @throws ERR_USAGE */
export function accessRequest(options: OptionValues, nowMs: number): AccessRequest {
  const now = timeOf(options, nowMs)
  const subject = subjectOf(options, now)
  const operation = operationOf(options)
  return { subject, ...operation, environment: environmentOf(options, now, subject) }
}

/** `--action` and `--resource`. @throws ERR_USAGE */
export function operationOf(options: OptionValues): Operation {
  const action = textOption(options, 'action', '')
  if (!isAction(action)) throw usage(`--action takes one of ${ACTIONS.join(', ')}`)
  return { action, resource: resourceOf(textOption(options, 'resource', '')) }
}

/** `--at`, else `nowMs`. @throws ERR_USAGE */
export function timeOf(options: OptionValues, nowMs: number): number {
  const text = textOption(options, 'at')
  return text === undefined ? nowMs : instantIn(text, '--at')
}

/** Everything about here and now that flags say; a posture in the token counts when none is given. */
export function environmentOf(options: OptionValues, now: number, subject: Subject): Environment {
  const device = deviceOf(options, now) ?? subject.device
  const country = countryOf(options)
  const approvals = listOption(options, 'approval').map((text) => approvalOf(text, now))
  const grant = grantOf(options, now)
  return {
    now,
    client: { ip: addressOf(options), source: 'peer' },
    ...(device === undefined ? {} : { device }),
    ...(country === undefined ? {} : { country }),
    ...(approvals.length === 0 ? {} : { approvals }),
    ...(grant === undefined ? {} : { grant }),
  }
}

function subjectOf(options: OptionValues, now: number): Subject {
  const id = textOption(options, 'subject', '')
  const [, issuerName] = /^user:([^/]+)\/.+$/.exec(id) ?? []
  if (issuerName === undefined) throw usage('--subject takes user:<issuer>/<id>')
  const issuedAt = now - (durationOf(options, 'token-age') ?? 0)
  const lifetime = durationOf(options, 'token-lifetime')
  const expiresAt = lifetime === undefined ? now + HOUR_MS : issuedAt + lifetime
  if (expiresAt <= now) throw usage('a token older than its lifetime has expired: nothing to judge')
  const clientId = textOption(options, 'client')
  return {
    id,
    issuer: `urn:modelgate:explain:${issuerName}`,
    issuerName,
    ...(clientId === undefined ? {} : { clientId }),
    groups: listOption(options, 'group').map((name) => withPrefix('group:', name)),
    roles: listOption(options, 'role').map((name) => withPrefix('role:', name)),
    issuedAt,
    expiresAt,
    authentication: authenticationOf(options, now),
    claims: new Map(listOption(options, 'claim').map(claimOf)),
  }
}

function withPrefix(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : `${prefix}${name}`
}

function durationOf(options: OptionValues, name: string): number | undefined {
  const text = textOption(options, name)
  if (text === undefined) return undefined
  const parsed = duration.safeParse(text)
  if (!parsed.success) throw usage(`--${name} takes a duration such as 90s, 15m or 8h`)
  return parsed.data
}

/** A word without quotes is a text; numbers, `true`, `false` and lists are what JSON makes of them. */
function claimOf(text: string): readonly [string, ClaimValue] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  const found = name === undefined || value === undefined ? undefined : claimValue(value)
  if (name === undefined || found === undefined) {
    throw usage('--claim takes name=value, such as tier=gold, level=3 or \'groups=["a","b"]\'')
  }
  return [name, found]
}

function claimValue(text: string): ClaimValue | undefined {
  const value = parsedJson(text)
  if (value === undefined) return /^[^"[{]*$/.test(text) ? text : undefined
  if (isScalar(value)) return value
  return Array.isArray(value) && value.every(isScalar) ? value : undefined
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function authenticationOf(options: OptionValues, now: number): AuthenticationContext {
  const amr = textOption(options, 'amr')?.split(',')
  const acr = textOption(options, 'acr')
  const acrs = textOption(options, 'acrs')?.split(',')
  const age = textOption(options, 'auth-age')
  if (age !== undefined && !/^\d{1,7}$/.test(age)) throw usage('--auth-age takes whole minutes')
  return {
    ...(amr === undefined
      ? {}
      : { amr, mfa: amr.some((method) => DEFAULT_MFA.amr.includes(method)) }),
    ...(acr === undefined ? {} : { acr }),
    ...(acrs === undefined ? {} : { acrs }),
    ...(age === undefined ? {} : { authTime: now - Number(age) * 60_000 }),
  }
}

function addressOf(options: OptionValues): string {
  const text = textOption(options, 'ip', '127.0.0.1')
  if (parseIp(text) === undefined) throw usage('--ip takes an address, such as 10.1.2.3')
  return text
}

const DEVICE_SOURCES: readonly DevicePosture['source'][] = [
  'assertion',
  'token',
  'mtls-hop',
  'trusted-hop',
]

function deviceOf(options: OptionValues, now: number): DevicePosture | undefined {
  const text = textOption(options, 'device')
  const name = textOption(options, 'device-source', 'trusted-hop')
  const source = DEVICE_SOURCES.find((one) => one === name)
  if (source === undefined) throw usage(`--device-source takes ${DEVICE_SOURCES.join(', ')}`)
  if (text === undefined) return undefined
  const posture = parsePostureText(text, now)
  if (isRefusal(posture))
    throw usage('--device takes a list such as: managed, compliant=?0, os="macos"')
  return { ...posture, source }
}

function countryOf(options: OptionValues): Country | undefined {
  const code = textOption(options, 'country')
  if (code === undefined) return undefined
  if (!/^[A-Z]{2}$/.test(code)) throw usage('--country takes two capital letters, such as DE')
  return { code, source: 'trusted-hop' }
}

/** `user:corp/bob=group:owners,role:security`: who agreed, and what they held then. */
function approvalOf(text: string, now: number): Approval {
  const [, by, list = ''] = /^(user:[^/=]+\/[^=]+)(?:=(.*))?$/.exec(text) ?? []
  const others = list === '' ? [] : list.split(',')
  if (by === undefined || !others.every((one) => /^(group|role):./.test(one))) {
    throw usage('--approval takes user:<issuer>/<id>[=group:<name>,role:<name>]')
  }
  return { by, holds: [by, ...others], at: now }
}

/** `ID`, in force for another hour, or `ID=TIME`. */
function grantOf(options: OptionValues, now: number): GrantInUse | undefined {
  const text = textOption(options, 'grant')
  if (text === undefined) return undefined
  const [, id = '', until] = /^([^=]+)(?:=(.+))?$/.exec(text) ?? []
  if (id === '') throw usage('--grant takes an id, or <id>=<time of its end>')
  return { id, expiresAt: until === undefined ? now + HOUR_MS : instantIn(until, '--grant') }
}

function resourceOf(text: string): Resource {
  const match = /^(model|dataset|server):([^@\s*\p{C}]{1,256})(?:@([A-Za-z0-9._-]{1,128}))?$/u.exec(
    text,
  )
  const [, kind, name, version] = match ?? []
  if (name === undefined)
    throw usage(
      '--resource takes model:<name>[@<version>], dataset:<name> or server:<upstream>, no *',
    )
  return { kind: kind as Resource['kind'], name, ...(version === undefined ? {} : { version }) }
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', `${message}\nRun: modelgate explain --help`)
}
