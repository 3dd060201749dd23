/** Signature algorithms a token may be accepted with: asymmetric only. */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** One of {@link SIGNATURE_ALGORITHMS}. @see RFC 7518 §3.1, RFC 8037, RFC 9864 */
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

const EC_ALGORITHM: ReadonlyMap<unknown, SignatureAlgorithm> = new Map([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['P-521', 'ES512'],
])

/** Algorithms a key of this type and curve can verify; none for any other key. */
export function algorithmsOfKey(kty: unknown, crv: unknown): readonly SignatureAlgorithm[] {
  if (kty === 'RSA') return SIGNATURE_ALGORITHMS.slice(0, 6)
  if (kty === 'OKP') return crv === 'Ed25519' ? ['EdDSA', 'Ed25519'] : []
  const ec = kty === 'EC' ? EC_ALGORITHM.get(crv) : undefined
  return ec === undefined ? [] : [ec]
}

/** Narrows any value to a {@link SignatureAlgorithm}; exact comparison. */
export function isSignatureAlgorithm(value: unknown): value is SignatureAlgorithm {
  return (SIGNATURE_ALGORITHMS as readonly unknown[]).includes(value)
}
