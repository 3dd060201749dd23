import type { AccessRequest } from '../domain/access.ts'
import { GatewayError } from '../domain/errors.ts'
import { isRefusal } from '../domain/refusal.ts'
import type { AuthenticationContext, DevicePosture, Subject } from '../domain/subject.ts'
import { ACTIONS, isAction, type Resource } from '../domain/vocabulary.ts'
import { parsePostureText } from '../pip/device-posture.ts'
import { DEFAULT_MFA } from '../authn/issuer.ts'
import { listOption, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

/** An access request from the flags of `modelgate explain`. @throws ERR_USAGE */
export function accessRequest(options: OptionValues, nowMs: number): AccessRequest {
  const action = textOption(options, 'action', '')
  if (!isAction(action)) throw usage(`--action takes one of ${ACTIONS.join(', ')}`)
  const now = timeOf(options, nowMs)
  const device = deviceOf(options, now)
  return {
    subject: subjectOf(options, now),
    action,
    resource: resourceOf(textOption(options, 'resource', '')),
    environment: {
      now,
      client: { ip: textOption(options, 'ip', '127.0.0.1'), source: 'peer' },
      ...(device === undefined ? {} : { device }),
    },
  }
}

function subjectOf(options: OptionValues, now: number): Subject {
  const id = textOption(options, 'subject', '')
  const [, issuerName] = /^user:([^/]+)\/.+$/.exec(id) ?? []
  if (issuerName === undefined) throw usage('--subject takes user:<issuer>/<id>')
  return {
    id,
    issuer: `urn:modelgate:explain:${issuerName}`,
    issuerName,
    groups: listOption(options, 'group').map((name) => withPrefix('group:', name)),
    roles: listOption(options, 'role').map((name) => withPrefix('role:', name)),
    issuedAt: now,
    expiresAt: now + 3_600_000,
    authentication: authenticationOf(options, now),
    claims: new Map(),
  }
}

function withPrefix(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : `${prefix}${name}`
}

function authenticationOf(options: OptionValues, now: number): AuthenticationContext {
  const amr = textOption(options, 'amr')?.split(',')
  const acr = textOption(options, 'acr')
  const age = textOption(options, 'auth-age')
  if (age !== undefined && !/^\d{1,7}$/.test(age)) throw usage('--auth-age takes whole minutes')
  return {
    ...(amr === undefined
      ? {}
      : { amr, mfa: amr.some((method) => DEFAULT_MFA.amr.includes(method)) }),
    ...(acr === undefined ? {} : { acr }),
    ...(age === undefined ? {} : { authTime: now - Number(age) * 60_000 }),
  }
}

function deviceOf(options: OptionValues, now: number): DevicePosture | undefined {
  const text = textOption(options, 'device')
  if (text === undefined) return undefined
  const posture = parsePostureText(text, now)
  if (isRefusal(posture))
    throw usage('--device takes a list such as: managed, compliant=?0, os="macos"')
  return posture
}

function resourceOf(text: string): Resource {
  const match = /^(model|dataset|server):([^@\s]{1,256})(?:@([A-Za-z0-9._-]{1,128}))?$/.exec(text)
  const [, kind, name, version] = match ?? []
  if (name === undefined)
    throw usage('--resource takes model:<name>[@<version>], dataset:<name> or server:<upstream>')
  return { kind: kind as Resource['kind'], name, ...(version === undefined ? {} : { version }) }
}

function timeOf(options: OptionValues, nowMs: number): number {
  const text = textOption(options, 'at')
  if (text === undefined) return nowMs
  const strict = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(
    text,
  )
  const time = strict ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time) || !isCalendarDay(text))
    throw usage('--at takes an RFC 3339 time such as 2026-11-23T10:30:00+01:00')
  return time
}

/** `Date.parse('2026-02-30')` silently gives the second of March. */
function isCalendarDay(text: string): boolean {
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', `${message}\nRun: modelgate explain --help`)
}
