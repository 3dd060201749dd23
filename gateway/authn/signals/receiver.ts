/** Verifies what identity providers push: Security Event Tokens and logout tokens. */
import { timingSafeEqual, createHash } from 'node:crypto'
import { compactVerify, type CryptoKey } from 'jose'
import type { Clock } from '../../domain/clock.ts'
import type { SecurityEventToken } from '../../domain/security-event.ts'
import { claim, type Claims } from '../claim-checks.ts'
import { normalType } from '../issuer.ts'
import type { KeyLookup } from '../jwks-keeper.ts'
import { isGrammarFault, parseToken, type ParsedToken } from '../token-grammar.ts'
import { fault, isSetFault, type SetFault } from './faults.ts'
import { readLogout } from './logout-claims.ts'
import { readSet } from './set-claims.ts'
import type { Transmitter, Transmitters } from './transmitter.ts'

/** What was pushed. */
export interface Pushed {
  readonly text: string
  readonly authorization: string | undefined
}

/** Verifies. Never throws. */
export interface SignalVerifier {
  /** A Security Event Token (RFC 8417), as RFC 8935 delivers it. */
  event(pushed: Pushed): Promise<SecurityEventToken | SetFault>
  /** A logout token (OpenID Connect Back-Channel Logout 1.0 §2.6). */
  logout(text: string): Promise<SecurityEventToken | SetFault>
}

/** Longest token that is looked at; characters of ASCII. */
export const SET_CHARS_MAX = 65_536

type Kind = keyof Transmitters

/** Builds the verifier of `transmitters`, by whose `issuer` a token is told. */
export function createSignalVerifier(transmitters: Transmitters, clock: Clock): SignalVerifier {
  const verify = async (kind: Kind, pushed: Pushed): Promise<SecurityEventToken | SetFault> => {
    const token = pushed.text.length > SET_CHARS_MAX ? undefined : parseToken(pushed.text)
    if (token === undefined) return fault('invalid_request', 'the token is too long')
    if (isGrammarFault(token)) return fault('invalid_request', 'this is no compact JWS of a token')
    const by = transmitters[kind].find(({ issuer }) => issuer === claim(token.claims, 'iss'))
    if (by === undefined) return fault('invalid_issuer', 'tokens of this issuer are not taken')
    const read = await verifyOf(kind, token, { by, pushed, nowMs: clock.now() })
    return isSetFault(read) ? { ...read, issuer: by.name } : read
  }
  return {
    event: (pushed) => verify('event', pushed),
    logout: (text) => verify('logout', { text, authorization: undefined }),
  }
}

async function verifyOf(
  kind: Kind,
  token: ParsedToken,
  { by, pushed, nowMs }: { by: Transmitter; pushed: Pushed; nowMs: number },
): Promise<SecurityEventToken | SetFault> {
  const early = checkHead(kind, token, { by, pushed })
  if (early !== undefined) return early
  const claims = await signedClaims(token, by)
  if (isSetFault(claims)) return claims
  const read = kind === 'event' ? readSet : readLogout
  return read(claims, by, nowMs)
}

/** What can be refused before any cryptography. */
function checkHead(
  kind: Kind,
  { alg, typ }: ParsedToken,
  { by, pushed }: { readonly by: Transmitter; readonly pushed: Pushed },
): SetFault | undefined {
  if (kind === 'event' && !isAuthorized(by, pushed.authorization)) {
    return fault('authentication_failed', 'the Authorization of this push is not the agreed one')
  }
  if (!(by.algorithms as readonly string[]).includes(alg)) {
    return fault('invalid_key', 'the signature algorithm is not accepted')
  }
  // Typed tokens cannot be confused with one another (RFC 8725 §3.11); old identity providers
  // write `JWT` on logout tokens, which are told by their events as well.
  const wanted = kind === 'event' ? ['secevent+jwt'] : ['logout+jwt', 'jwt', '']
  if (wanted.includes(normalType(typ ?? ''))) return undefined
  return fault('invalid_request', 'the typ of the token is not the expected one')
}

function isAuthorized(by: Transmitter, given: string | undefined): boolean {
  if (by.authorization === undefined) return true
  const wanted = by.authorization()
  // A secret that cannot be read lets nobody in.
  if (wanted === undefined || given === undefined) return false
  return timingSafeEqual(digest(given), digest(wanted))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function signedClaims(token: ParsedToken, by: Transmitter): Promise<Claims | SetFault> {
  const known = by.keeper.find(token.alg, token.kid)
  const lookup =
    known.status === 'unknown' ? await by.keeper.findFresh(token.alg, token.kid) : known
  if (lookup.status === 'unavailable') return unavailable(lookup)
  if (lookup.status !== 'found') return fault('invalid_key', 'the key is not one of the issuer')
  for (const key of lookup.keys) {
    // Read already, from these very bytes and more strictly than a library would.
    if (await isSignedBy(key, token, by)) return token.claims
  }
  // Without a kid a rotated key looks like a bad signature: the transmitter sends it again.
  return fault('invalid_key', 'the signature does not hold')
}

function unavailable({ retryAfterMs }: Extract<KeyLookup, { status: 'unavailable' }>): SetFault {
  return { ...fault('unavailable', 'the keys of the issuer cannot be had'), retryAfterMs }
}

async function isSignedBy(
  key: CryptoKey,
  token: ParsedToken,
  { algorithms }: Transmitter,
): Promise<boolean> {
  try {
    await compactVerify(token.text, key, { algorithms: [...algorithms], crit: {} })
    return true
  } catch {
    return false
  }
}
