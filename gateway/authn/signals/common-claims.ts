/** Checks that Security Event Tokens and logout tokens share. */
import { EVENTS_MAX, type SecurityEvent } from '../../domain/security-event.ts'
import { claim, type Claims } from '../claim-checks.ts'
import { stringList } from '../names.ts'
import { fault, type SetFault } from './faults.ts'

/** A token is taken for so long after it was signed: less than its `jti` is remembered. */
export const SET_AGE_MAX_MS = 6 * 86_400_000

const AUDIENCES_MAX = 32
const ID_CHARS_MAX = 256
const URI_CHARS_MAX = 256
const PRINTABLE = /^[\x21-\x7e]+$/

/** What both kinds must have. */
export interface CommonClaims {
  readonly jti: string
  readonly issuedAt: number
  readonly events: readonly SecurityEvent[]
}

/** Reads `aud`, `iat`, `jti` and `events`. */
export function readCommon(
  claims: Claims,
  audiences: readonly string[],
  { nowMs, skewMs }: { readonly nowMs: number; readonly skewMs: number },
): CommonClaims | SetFault {
  if (!isFor(claim(claims, 'aud'), audiences)) {
    return fault('invalid_audience', 'the audience is not this receiver')
  }
  const jti = claim(claims, 'jti')
  if (typeof jti !== 'string' || jti.length > ID_CHARS_MAX || !PRINTABLE.test(jti)) {
    return fault('invalid_request', 'jti is missing or malformed')
  }
  const iat = claim(claims, 'iat')
  if (!isDate(iat)) return fault('invalid_request', 'iat is missing or malformed')
  const issuedAt = iat * 1_000
  if (issuedAt > nowMs + skewMs) return fault('invalid_request', 'iat is in the future')
  if (issuedAt < nowMs - SET_AGE_MAX_MS) return fault('invalid_request', 'the token is too old')
  const nbf = claim(claims, 'nbf')
  if (nbf !== undefined && (!isDate(nbf) || nbf * 1_000 > nowMs + skewMs)) {
    return fault('invalid_request', 'nbf is malformed or in the future')
  }
  const events = eventsOf(claim(claims, 'events'))
  if (events === undefined) return fault('invalid_request', 'events is missing or malformed')
  return { jti, issuedAt, events }
}

/** Whole seconds from 1970 on. */
export function isDate(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isFor(value: unknown, audiences: readonly string[]): boolean {
  const list = typeof value === 'string' ? [value] : stringList(value, AUDIENCES_MAX)
  return list?.some((one) => one !== '' && audiences.includes(one)) === true
}

function eventsOf(value: unknown): readonly SecurityEvent[] | undefined {
  if (!isObject(value)) return undefined
  const entries = Object.entries(value)
  if (entries.length === 0 || entries.length > EVENTS_MAX) return undefined
  const events: SecurityEvent[] = []
  for (const [type, payload] of entries) {
    if (type.length > URI_CHARS_MAX || !PRINTABLE.test(type) || !isObject(payload)) return undefined
    events.push({ type, payload })
  }
  return events
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
