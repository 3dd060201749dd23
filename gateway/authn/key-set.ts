/**
 * A validated key set. One poisoned key condemns the whole set: an issuer that publishes a secret
 * or a toy key cannot be trusted on the others either, and the last good set stays in force.
 */
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { GatewayError } from '../domain/errors.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import { algorithmsOfKey, type SignatureAlgorithm } from './algorithms.ts'
import { rsaWeakness } from './rsa-strength.ts'

/** Most keys in one set; more condemn the set. */
export const SET_KEYS_MAX = 64
/** Most keys tried for one token. */
export const CANDIDATE_KEYS_MAX = 4

const KID_CHARS_MAX = 256
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

/** What a set must satisfy for one issuer. */
export interface KeySetRules {
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Accepted values of `use`; keys of other uses are ignored. */
  readonly keyUses: readonly string[]
  /** RFC 7638 thumbprints; when given, every other key is ignored. */
  readonly pins?: readonly string[] | undefined
}

/** Keys of one generation, imported once. Immutable. */
export interface KeySet {
  /** RFC 7638 SHA-256 thumbprints of the usable keys, sorted. */
  readonly thumbprints: readonly string[]
  /** Equal for sets that verify the same tokens: thumbprint, `kid` and algorithms of each key. */
  readonly fingerprint: string
  /** Keys that may verify this header, at most {@link CANDIDATE_KEYS_MAX}. Exact `kid`. */
  find(algorithm: string, kid: string | undefined): readonly CryptoKey[]
  /** Whether a key of this `kid` is in the set, for whatever algorithm. */
  has(kid: string | undefined): boolean
}

interface KeyEntry {
  readonly kid: string | undefined
  readonly thumbprint: string
  readonly byAlgorithm: ReadonlyMap<string, CryptoKey>
}

/**
 * Validates and imports a JWK set from anywhere. Keys for encryption, of unknown types or of
 * algorithms not asked for are ignored.
 * @throws ERR_AUTHN_KEYS_UNAVAILABLE when the set is malformed, empty of usable keys, or holds a
 * symmetric key, a private member, a weak RSA key or more than {@link SET_KEYS_MAX} keys.
 * @see RFC 7517 §5, RFC 8725 §3.2
 */
export async function importKeySet(document: unknown, rules: KeySetRules): Promise<KeySet> {
  const members = setMembers(document)
  for (const jwk of members) assertNoSecret(jwk)
  const entries: KeyEntry[] = []
  for (const jwk of members) {
    const entry = isForSignatures(jwk, rules) ? await importEntry(jwk, rules) : undefined
    if (entry !== undefined) entries.push(entry)
  }
  if (entries.length === 0) throw poisoned('the key set has no usable signature key')
  return freezeSet(entries)
}

function setMembers(document: unknown): readonly JWK[] {
  const keys = (document as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0) throw poisoned('the key set has no keys')
  if (keys.length > SET_KEYS_MAX) throw poisoned(`the key set has more than ${SET_KEYS_MAX} keys`)
  for (const key of keys as unknown[]) {
    if (typeof key !== 'object' || key === null || Array.isArray(key)) {
      throw poisoned('a member of the key set is not an object')
    }
  }
  return keys as JWK[]
}

function assertNoSecret(jwk: JWK): void {
  if (jwk.kty === 'oct') throw poisoned('the key set holds a symmetric key')
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(jwk, member))) {
    throw poisoned('the key set holds private key material')
  }
}

function isForSignatures(jwk: JWK, rules: KeySetRules): boolean {
  const use: unknown = jwk.use
  const operations: unknown = jwk.key_ops
  if (use !== undefined && !rules.keyUses.includes(use as string)) return false
  if (operations === undefined) return true
  return Array.isArray(operations) && operations.includes('verify')
}

async function importEntry(jwk: JWK, rules: KeySetRules): Promise<KeyEntry | undefined> {
  const kid: unknown = jwk.kid
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > KID_CHARS_MAX)) {
    throw poisoned('a key has a malformed kid')
  }
  const declared: unknown = jwk.alg
  const algorithms = algorithmsOfKey(jwk.kty, jwk.crv).filter(
    (alg) => rules.algorithms.includes(alg) && (declared === undefined || declared === alg),
  )
  if (algorithms.length === 0) return undefined
  const weakness = jwk.kty === 'RSA' ? rsaWeakness(jwk.n, jwk.e) : undefined
  if (weakness !== undefined) throw poisoned(`an RSA key is too weak: ${weakness}`)
  return importFor(jwk, kid, algorithms, rules.pins)
}

async function importFor(
  jwk: JWK,
  kid: string | undefined,
  algorithms: readonly SignatureAlgorithm[],
  pins: readonly string[] | undefined,
): Promise<KeyEntry | undefined> {
  const thumbprint = jwkThumbprint(jwk)
  if (thumbprint === undefined) throw poisoned('a key lacks a member')
  if (pins !== undefined && !pins.includes(thumbprint)) return undefined
  try {
    const byAlgorithm = new Map<string, CryptoKey>()
    const bare = publicMembers(jwk)
    for (const algorithm of algorithms) {
      const key = await importJWK(bare, algorithm)
      if (!(key instanceof Uint8Array)) byAlgorithm.set(algorithm, key)
    }
    return { kid, thumbprint, byAlgorithm }
  } catch (cause) {
    throw new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', 'a key cannot be imported', { cause })
  }
}

/** Only what makes the key: `use`, `ext`, `x5c` and the like are not handed to the importer. */
function publicMembers(jwk: JWK): JWK {
  const bare: Record<string, unknown> = {}
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e']) {
    if (Object.hasOwn(jwk, name)) bare[name] = (jwk as Record<string, unknown>)[name]
  }
  return bare
}

function freezeSet(entries: readonly KeyEntry[]): KeySet {
  const byKid = new Map<string, KeyEntry[]>()
  for (const entry of entries) {
    if (entry.kid === undefined) continue
    const same = byKid.get(entry.kid)
    if (same === undefined) byKid.set(entry.kid, [entry])
    else same.push(entry)
  }
  const lines = entries.map((entry) =>
    JSON.stringify([entry.thumbprint, entry.kid ?? null, [...entry.byAlgorithm.keys()]]),
  )
  return {
    thumbprints: [...new Set(entries.map((entry) => entry.thumbprint))].sort(),
    fingerprint: JSON.stringify(lines.sort()),
    find(algorithm, kid) {
      const found: CryptoKey[] = []
      for (const entry of kid === undefined ? entries : (byKid.get(kid) ?? [])) {
        const key = entry.byAlgorithm.get(algorithm)
        if (key !== undefined && found.length < CANDIDATE_KEYS_MAX) found.push(key)
      }
      return found
    },
    has: (kid) => kid !== undefined && byKid.has(kid),
  }
}

function poisoned(message: string): GatewayError {
  return new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', message)
}
