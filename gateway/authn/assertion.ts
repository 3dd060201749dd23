/**
 * The identity that upstreams can trust: a short-lived JWS made by the gateway after the decision,
 * for one upstream and one decision. Upstreams verify it offline with the keys of {@link jwks}.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { randomUUID, sign, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { AssertionSigner } from '../domain/ports.ts'
import type { Subject } from '../domain/subject.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'

/** `typ` of the assertion: no other token class has it, so that none can be mistaken for it. */
export const ASSERTION_TYPE = 'modelgate-assertion+jwt'
/** Longest life of an assertion, seconds. */
export const ASSERTION_LIFETIME_S_MAX = 30

/** Past this many characters of names the lists are left out: headers have bounds upstream. */
const NAMES_CHARS_MAX = 4096

/** What the signer needs. */
export interface AssertionSignerDeps {
  readonly clock: Clock
  /** `iss`: the public URL of the gateway. Default `modelgate`. */
  readonly issuer?: string | undefined
  /** 1 to {@link ASSERTION_LIFETIME_S_MAX}; default the maximum. */
  readonly lifetimeS?: number | undefined
  /** Text of a PKCS#8 PEM or JWK with an Ed25519 private key; generated in memory when absent. */
  readonly privateKey?: string | undefined
  /** Text of a PEM or JWK of the key before, published until its assertions have expired. */
  readonly previousPublicKey?: string | undefined
}

/** Audience of assertions for an upstream. */
export function upstreamAudience(upstream: string): string {
  return `urn:modelgate:upstream:${upstream}`
}

/**
 * Builds the signer: Ed25519, synchronous, some tens of microseconds each.
 * @throws ERR_CONFIG_INVALID when a key is not Ed25519 or the lifetime is out of bounds.
 * @see RFC 8037, RFC 7515, RFC 7638
 */
export function createAssertionSigner(deps: AssertionSignerDeps): AssertionSigner {
  const lifetimeS = deps.lifetimeS ?? ASSERTION_LIFETIME_S_MAX
  if (!Number.isInteger(lifetimeS) || lifetimeS < 1 || lifetimeS > ASSERTION_LIFETIME_S_MAX) {
    throw invalid(`the lifetime must be 1 to ${ASSERTION_LIFETIME_S_MAX} seconds`)
  }
  const privateKey =
    deps.privateKey === undefined
      ? generateKeyPairSync('ed25519').privateKey
      : parseKey(deps.privateKey, createPrivateKey)
  const current = publicJwk(createPublicKey(privateKey))
  const previous =
    deps.previousPublicKey === undefined
      ? []
      : [publicJwk(parseKey(deps.previousPublicKey, createPublicKey))]
  const keys = [current, ...previous.filter(({ kid }) => kid !== current['kid'])]
  const header = base64url({ alg: 'EdDSA', typ: ASSERTION_TYPE, kid: current['kid'] })
  const iss = deps.issuer ?? 'modelgate'
  return {
    assert(subject, upstream, { action, resource, decisionId }) {
      const iat = Math.floor(deps.clock.now() / 1000)
      const payload = base64url({
        iss,
        aud: upstreamAudience(upstream),
        sub: subject.id,
        iat,
        exp: iat + lifetimeS,
        jti: randomUUID(),
        ...namesOf(subject),
        action,
        resource,
        decision_id: decisionId,
      })
      const input = `${header}.${payload}`
      // In place: the thread pool was measured to cost more CPU than it frees (ADR 0009).
      return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
    },
    jwks: () => ({ keys }),
  }
}

function namesOf(subject: Subject): Readonly<Record<string, unknown>> {
  let chars = 0
  for (const name of subject.groups) chars += name.length
  for (const name of subject.roles) chars += name.length
  // Said, not silently cut: an upstream must not take a part of the groups for all of them.
  if (chars > NAMES_CHARS_MAX) return { names_omitted: true }
  return { groups: subject.groups, roles: subject.roles }
}

function parseKey(text: string, create: (key: string | JsonWebKeyInput) => KeyObject): KeyObject {
  let key: KeyObject
  try {
    const jwk = text.trimStart().startsWith('{')
    key = create(jwk ? { key: JSON.parse(text) as JsonWebKeyInput['key'], format: 'jwk' } : text)
  } catch {
    // No cause: parser messages quote the text, and the text is a secret.
    throw invalid('the key is neither a PEM nor a JWK')
  }
  if (key.asymmetricKeyType !== 'ed25519') throw invalid('the key is not an Ed25519 key')
  return key
}

function publicJwk(key: KeyObject): Readonly<Record<string, unknown>> {
  const { crv, kty, x } = key.export({ format: 'jwk' })
  const kid = jwkThumbprint({ kty, crv, x })
  return { kty, crv, x, kid, use: 'sig', alg: 'EdDSA' }
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', `assertion key: ${message}`)
}
