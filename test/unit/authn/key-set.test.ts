import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { importKeySet } from '../../../gateway/authn/key-set.ts'
import { rsaWeakness } from '../../../gateway/authn/rsa-strength.ts'
import { makeKey, type TestKey } from './support.ts'

const rules = { algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'] as const, keyUses: ['sig'] }
let rsa: TestKey
let ec: TestKey

beforeAll(() => {
  rsa = makeKey('RS256', 'rsa')
  ec = makeKey('ES256', 'ec')
})

const outcome = async (keys: unknown): Promise<string> => {
  try {
    const set = await importKeySet({ keys }, rules)
    return `${set.thumbprints.length} keys`
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_AUTHN_KEYS_UNAVAILABLE' })
    return (error as Error).message
  }
}

const bytes = (value: bigint): string => {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64url')
}

describe('a key set', () => {
  it('gives keys by exact kid and algorithm', async () => {
    const set = await importKeySet({ keys: [rsa.jwk, ec.jwk] }, rules)
    expect(set.find('RS256', 'rsa')).toHaveLength(1)
    expect(set.find('ES256', 'rsa')).toHaveLength(0)
    expect(set.find('RS256', 'RSA')).toHaveLength(0)
    expect(set.find('PS256', 'rsa')).toHaveLength(0)
    expect([set.has('ec'), set.has('__proto__'), set.has(undefined)]).toEqual([true, false, false])
  })

  it('serves several algorithms from a key that declares none', async () => {
    const jwk = { ...rsa.jwk, alg: undefined, use: undefined }
    const set = await importKeySet(JSON.parse(JSON.stringify({ keys: [jwk] })), rules)
    for (const alg of ['RS256', 'PS256']) expect(set.find(alg, 'rsa')).toHaveLength(1)
  })

  it('tries at most four keys for a token without kid', async () => {
    const keys = Array.from({ length: 6 }, (_, i) => makeKey('EdDSA', `k${i}`).jwk)
    expect((await importKeySet({ keys }, rules)).find('EdDSA', undefined)).toHaveLength(4)
  })

  it('ignores keys for other uses, types and algorithms', async () => {
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })
    const others = [
      { ...rsa.jwk, use: 'enc' },
      { ...rsa.jwk, key_ops: ['encrypt'] },
      { ...rsa.jwk, key_ops: 'verify' },
      { ...rsa.jwk, alg: 'RSA-OAEP' },
      { ...x25519, kid: 'x' },
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' },
      { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' },
    ]
    expect(await outcome([ec.jwk, ...others])).toBe('1 keys')
    expect(await outcome(others)).toBe('the key set has no usable signature key')
    expect(await outcome([{ ...ec.jwk, key_ops: ['verify'] }])).toBe('1 keys')
  })

  it('honours pins', async () => {
    const all = await importKeySet({ keys: [rsa.jwk, ec.jwk] }, rules)
    const pins = all.thumbprints.slice(0, 1)
    const pinned = await importKeySet({ keys: [rsa.jwk, ec.jwk] }, { ...rules, pins })
    expect(pinned.thumbprints).toEqual(pins)
    const wrong = importKeySet({ keys: [rsa.jwk] }, { ...rules, pins: ['x'] })
    await expect(wrong).rejects.toMatchObject({ code: 'ERR_AUTHN_KEYS_UNAVAILABLE' })
  })

  it('is refused whole when one key is secret', async () => {
    const secret = rsa.privateKey.export({ format: 'jwk' })
    expect(await outcome([ec.jwk, { kty: 'oct', k: 'AAAA' }])).toMatch(/symmetric/)
    expect(await outcome([ec.jwk, { ...secret, kid: 'x', use: 'enc' }])).toMatch(/private/)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
      expect(await outcome([ec.jwk, { ...rsa.jwk, [member]: 'AA' }])).toMatch(/private/)
    }
  })

  it('is refused when malformed, empty or too large', async () => {
    for (const keys of [undefined, null, {}, 'x', []])
      expect(await outcome(keys)).toMatch(/no keys/)
    for (const key of [null, 1, 'x', []]) expect(await outcome([key])).toMatch(/not an object/)
    expect(await outcome([{ ...ec.jwk, kid: 1 }])).toMatch(/kid/)
    expect(await outcome([{ ...ec.jwk, x: 'AA' }])).toMatch(/cannot be imported/)
    expect(await outcome([{ ...ec.jwk, y: ec.jwk.x }])).toMatch(/cannot be imported/)
    expect(await outcome(Array(65).fill(ec.jwk))).toMatch(/more than 64/)
    expect(await outcome(Array(64).fill(ec.jwk))).toBe('1 keys')
  })

  it('is refused when an RSA key is weak', async () => {
    const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    expect(await outcome([ec.jwk, { ...small.export({ format: 'jwk' }), kid: 's' }])).toMatch(
      /1024/,
    )
    for (const e of ['AQ', 'Aw']) expect(await outcome([{ ...rsa.jwk, e }])).toMatch(/exponent/)
  })
})

describe('rsaWeakness', () => {
  const n = (): bigint => BigInt(`0x${Buffer.from(rsa.jwk.n ?? '', 'base64url').toString('hex')}`)

  it('passes a sound key and names what is wrong with others', () => {
    expect(rsaWeakness(rsa.jwk.n, rsa.jwk.e)).toBeUndefined()
    expect(rsaWeakness(bytes(n() - 1n), 'AQAB')).toMatch(/even/)
    expect(rsaWeakness(bytes(n() >> 8n), 'AQAB')).toMatch(/fewer/)
    expect(rsaWeakness(bytes(n() << 6200n), 'AQAB')).toMatch(/more than 8192/)
    for (const e of [0n, 1n, 3n, 17n, 65536n, 65538n, 2n ** 257n + 1n]) {
      expect(rsaWeakness(rsa.jwk.n, bytes(e))).toMatch(/exponent/)
    }
    for (const bad of [undefined, 1, '', 'a b', '+/', 'A'.repeat(5000)]) {
      expect(rsaWeakness(bad, 'AQAB')).toMatch(/base64url/)
      expect(rsaWeakness(rsa.jwk.n, bad)).toMatch(/base64url/)
    }
  })

  it('knows the ROCA family by its fingerprint (CVE-2017-15361)', () => {
    const primes: bigint[] = []
    for (let p = 2n; p <= 167n; p++) if (primes.every((q) => p % q !== 0n)) primes.push(p)
    const product = primes.reduce((a, p) => a * p, 1n)
    let residue = 1n
    for (let i = 0; i < 12345; i++) residue = (residue * 65537n) % product
    const roca = product * ((1n << 2047n) / product + 3n) + residue
    expect(rsaWeakness(bytes(roca), 'AQAB')).toMatch(/ROCA/)
    expect(rsaWeakness(bytes(roca + 2n), 'AQAB')).toBeUndefined()
  })
})
