/**
 * Whether an RSA public key can be trusted to verify anything. jose imports keys with e=1, with
 * even moduli and of the ROCA family without a word (Wycheproof json_web_key_test).
 */
const MODULUS_BITS_MIN = 2048
/** Past this a single verification takes long enough to be a weapon. */
const MODULUS_BITS_MAX = 8192
const EXPONENT_MIN = 65537n
const EXPONENT_MAX = 2n ** 256n

/** The first odd primes, over which the ROCA fingerprint is taken. */
const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
  103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
]

/**
 * Why the key is refused, or `undefined`. `n` and `e` are the base64url members of a JWK.
 * @see FIPS 186-5 §A.1.1 (2^16 < e < 2^256, odd), RFC 7518 §3.3 (2048 bits)
 */
export function rsaWeakness(n: unknown, e: unknown): string | undefined {
  const modulus = bigUint(n)
  const exponent = bigUint(e)
  if (modulus === undefined || exponent === undefined) return 'n or e is not base64url'
  const bits = modulus.toString(2).length
  if (bits < MODULUS_BITS_MIN) return `the modulus has ${bits} bits, fewer than 2048`
  if (bits > MODULUS_BITS_MAX) return `the modulus has ${bits} bits, more than 8192`
  if (modulus % 2n === 0n) return 'the modulus is even'
  if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX || exponent % 2n === 0n) {
    return 'the public exponent is not an odd number from 65537 to 2^256'
  }
  return hasRocaFingerprint(modulus) ? 'the modulus is of the ROCA family' : undefined
}

/** CVE-2017-15361: the modulus is a power of 65537 modulo every small prime. */
function hasRocaFingerprint(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => {
    const residue = Number(modulus % BigInt(prime))
    let power = 1
    for (let i = 0; i < prime; i++) {
      if (power === residue) return true
      power = (power * 65537) % prime
    }
    return false
  })
}

function bigUint(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || text.length > 4096) return undefined
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined
  const hex = Buffer.from(text, 'base64url').toString('hex')
  return hex === '' ? undefined : BigInt(`0x${hex}`)
}
