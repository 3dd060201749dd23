import { createHash } from 'node:crypto'

/** Required members per key type, in the lexicographic order of RFC 7638 §3.2. */
const MEMBERS: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
])

/**
 * SHA-256 thumbprint of a public JWK, base64url; `undefined` for another key type or a missing
 * member. Synchronous, unlike that of the library.
 * @see RFC 7638 §3
 */
export function jwkThumbprint(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const names = MEMBERS.get(jwk['kty'])
  if (names?.some((name) => typeof jwk[name] !== 'string') ?? true) return undefined
  const canonical = JSON.stringify(Object.fromEntries((names ?? []).map((n) => [n, jwk[n]])))
  return createHash('sha256').update(canonical).digest('base64url')
}
