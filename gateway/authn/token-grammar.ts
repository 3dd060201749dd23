/**
 * What a token must look like before any library sees it. jose forgives whitespace and padding
 * inside base64url, takes the last of two members of one name, ignores `jku` and `b64`, and throws
 * a bare RangeError on deep JSON; here all of that is refused first.
 */
import type { Reason } from '../domain/reasons.ts'
import { scanJson } from './json-scan.ts'

/** Longest token looked at, bytes of ASCII; longer ones are refused unread. */
export const TOKEN_CHARS_MAX = 8192

/** Header members that let a token choose its own key or meaning. Never used, always refused. */
export const REFUSED_HEADER_MEMBERS = [
  'jwk',
  'jku',
  'x5u',
  'x5c',
  'b64',
  'crit',
  'zip',
  'enc',
  'epk',
  'p2c',
] as const

/** One of {@link REFUSED_HEADER_MEMBERS}. */
export type RefusedHeaderMember = (typeof REFUSED_HEADER_MEMBERS)[number]

/** A token of good form. Nothing in it is verified. */
export interface ParsedToken {
  readonly text: string
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
  /** Unverified; read own members only. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Why a token was refused by its form alone. */
export interface GrammarFault {
  readonly ok: false
  readonly reason: Extract<
    Reason,
    'authn_malformed' | 'authn_token_too_long' | 'authn_algorithm' | 'authn_claims'
  >
  /** Another scheme than Bearer: the challenge then carries no error code (RFC 6750 §3.1). */
  readonly otherScheme?: true
  /** Set when the header tried to bring its own key or semantics: the sign of an attack. */
  readonly member?: RefusedHeaderMember
}

const JSON_BOUNDS = { depthMax: 16, membersMax: 1024 }
const KID_CHARS_MAX = 256
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const MALFORMED: GrammarFault = { ok: false, reason: 'authn_malformed' }

/**
 * The token text of an `Authorization` value: scheme `Bearer` in any case, exactly one space, and
 * at most {@link TOKEN_CHARS_MAX} characters. The text itself is not looked at yet.
 * @see RFC 6750 §2.1
 */
export function bearerText(authorization: string): string | GrammarFault {
  if (!/^bearer(?: |$)/i.test(authorization)) return { ...MALFORMED, otherScheme: true }
  if (authorization.length - 7 > TOKEN_CHARS_MAX) {
    return { ok: false, reason: 'authn_token_too_long' }
  }
  return authorization.slice(7)
}

/**
 * Parses a compact JWS strictly: three canonical base64url parts, header and payload UTF-8 JSON
 * objects without repeated members, depth at most 16, at most 1,024 members, no header member of
 * {@link REFUSED_HEADER_MEMBERS}. A five-part JWE is refused here, before any cryptography.
 * @see RFC 7515 §3.1, RFC 4648 §3.5, RFC 8725 §3
 */
export function parseToken(text: string): ParsedToken | GrammarFault {
  if (!COMPACT_JWS.test(text)) return MALFORMED
  const [headerPart = '', payloadPart = '', signaturePart = ''] = text.split('.', 3)
  if (![headerPart, payloadPart, signaturePart].every(isCanonicalBase64url)) return MALFORMED
  const header = objectOf(headerPart)
  if (header === undefined) return MALFORMED
  const member = REFUSED_HEADER_MEMBERS.find((name) => Object.hasOwn(header, name))
  if (member !== undefined) return { ...MALFORMED, member }
  const claims = objectOf(payloadPart)
  return claims === undefined
    ? { ok: false, reason: 'authn_claims' }
    : withHeader(text, header, claims)
}

function withHeader(
  text: string,
  header: Readonly<Record<string, unknown>>,
  claims: ParsedToken['claims'],
): ParsedToken | GrammarFault {
  const { alg, kid, typ } = headerMembers(header)
  if (typeof alg !== 'string' || alg === '') return { ok: false, reason: 'authn_algorithm' }
  if (!isOptionalString(kid) || !isOptionalString(typ)) return MALFORMED
  return { text, alg, kid, typ, claims }
}

/** Narrows a result of this module to a fault. */
export function isGrammarFault(value: string | ParsedToken | GrammarFault): value is GrammarFault {
  return typeof value === 'object' && 'ok' in value
}

/** Whether unused trailing bits are zero, so that one token has exactly one text. */
function isCanonicalBase64url(part: string): boolean {
  const rest = part.length % 4
  if (rest === 0) return true
  if (rest === 1) return false
  const last = BASE64URL.indexOf(part.charAt(part.length - 1))
  return (last & (rest === 2 ? 0b1111 : 0b11)) === 0
}

function headerMembers(header: Readonly<Record<string, unknown>>): {
  alg: unknown
  kid: unknown
  typ: unknown
} {
  const own = (name: string): unknown => (Object.hasOwn(header, name) ? header[name] : undefined)
  return { alg: own('alg'), kid: own('kid'), typ: own('typ') }
}

function isOptionalString(value: unknown): value is string | undefined {
  if (value === undefined) return true
  return typeof value === 'string' && value.length > 0 && value.length <= KID_CHARS_MAX
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function objectOf(part: string): Readonly<Record<string, unknown>> | undefined {
  let text: string
  try {
    text = utf8.decode(Buffer.from(part, 'base64url'))
  } catch {
    return undefined
  }
  const scanned = scanJson(text, JSON_BOUNDS)
  if (!scanned.ok) return undefined
  const { value } = scanned
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Readonly<Record<string, unknown>>) : undefined
}
