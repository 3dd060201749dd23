import { createHmac } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { reasonOf } from '../../../gateway/authn/refusals.ts'
import { base64url, bench, forge, goodClaims, goodHeader, makeKey, signInput } from './support.ts'
import type { Bench, TestKey } from './support.ts'

let ec: TestKey
let rsa: TestKey
let ed: TestKey
let b: Bench

beforeAll(async () => {
  ec = makeKey('ES256', 'ec')
  rsa = makeKey('RS256', 'rsa')
  ed = makeKey('EdDSA', 'ed')
  b = await bench([ec, rsa, ed], { keys: { jwksUri: 'https://i/jwks', cooldownMs: 1 } })
})

const headed = (key: TestKey, changes: Record<string, unknown>): string =>
  forge(key, goodClaims(), { ...goodHeader(key), ...changes })

describe('signatures', () => {
  it('of the three key types verify', async () => {
    for (const key of [ec, rsa, ed]) expect(await b.verdict(forge(key))).toBe('user:corp/alice')
  })

  it('by another key of the same kid are refused', async () => {
    for (const alg of ['ES256', 'RS256', 'EdDSA'] as const) {
      const kid = { ES256: 'ec', RS256: 'rsa', EdDSA: 'ed' }[alg]
      expect(await b.verdict(forge(makeKey(alg, kid)))).toBe('authn_signature')
    }
  })

  it('of ES256 that are zero, out of range, DER or of odd length are refused (CVE-2022-21449)', async () => {
    const input = forge(ec).split('.').slice(0, 2).join('.')
    const n = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
    const good = signInput(input, ec)
    const zero = Buffer.alloc(32)
    const forgeries = [
      Buffer.alloc(64),
      Buffer.concat([good.subarray(0, 32), zero]),
      Buffer.concat([zero, good.subarray(32)]),
      Buffer.concat([n, n]),
      Buffer.concat([n, good.subarray(32)]),
      Buffer.alloc(64, 0xff),
      good.subarray(0, 63),
      Buffer.concat([good, zero.subarray(0, 1)]),
      Buffer.alloc(132, 1),
      Buffer.from('3006020101020101', 'hex'),
    ]
    for (const forgery of forgeries) {
      const verdict = await b.verdict(`${input}.${forgery.toString('base64url')}`)
      expect(verdict).toBe('authn_signature')
    }
  })

  it('over other content are refused', async () => {
    const [h = '', , s = ''] = forge(ec).split('.')
    const payload = base64url({ ...goodClaims(), sub: 'root' })
    expect(await b.verdict(`${h}.${payload}.${s}`)).toBe('authn_signature')
  })
})

describe('algorithms', () => {
  it('none, in any spelling, is refused', async () => {
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      const text = `${base64url({ alg, typ: 'at+jwt' })}.${base64url(goodClaims())}`
      expect(await b.verdict(`${text}.AAAA`)).toBe('authn_algorithm')
      expect(await b.verdict(`${text}.`)).toBe('authn_malformed')
    }
  })

  it('HS256 with the public key as the secret is refused, in every encoding of the key', async () => {
    const secrets = [
      rsa.publicKey.export({ type: 'spki', format: 'pem' }),
      rsa.publicKey.export({ type: 'spki', format: 'der' }),
      rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }),
      JSON.stringify(rsa.jwk),
      Buffer.from(rsa.jwk.n ?? '', 'base64url'),
    ]
    for (const secret of secrets) {
      const header = { alg: 'HS256', kid: 'rsa', typ: 'at+jwt' }
      const input = `${base64url(header)}.${base64url(goodClaims())}`
      const mac = createHmac('sha256', secret).update(input).digest('base64url')
      expect(await b.verdict(`${input}.${mac}`)).toBe('authn_algorithm')
    }
  })

  it('that are unknown, malformed or not accepted from this issuer are refused', async () => {
    for (const alg of [
      '',
      1,
      null,
      ['RS256', 'none'],
      'RS256 ',
      'rs256',
      'ROT13',
      'RS1',
      'ES256K',
    ]) {
      expect(await b.verdict(headed(rsa, { alg }))).toBe('authn_algorithm')
    }
    expect(await b.verdict(headed(rsa, { alg: undefined }))).toBe('authn_algorithm')
    for (const alg of ['ES512', 'PS512', 'RS512']) {
      expect(await b.verdict(headed(ec, { alg }))).toBe('authn_algorithm')
    }
  })

  it('that do not fit the key named are refused', async () => {
    expect(await b.verdict(headed(ec, { kid: 'rsa' }))).toBe('authn_key_unknown')
    expect(await b.verdict(headed(rsa, { alg: 'PS256' }))).toBe('authn_key_unknown')
  })
})

describe('header members', () => {
  it('that bring a key or a meaning are refused, reported, and never fetched', async () => {
    const before = b.fetched.length
    const own = makeKey('ES256', 'own')
    for (const [member, value] of [
      ['jku', 'http://169.254.169.254/latest'],
      ['x5u', 'file:///etc/passwd'],
      ['jwk', own.jwk],
      ['x5c', ['MIIB']],
      ['crit', ['exp']],
      ['crit', []],
      ['b64', false],
      ['zip', 'DEF'],
    ] as const) {
      expect(await b.verdict(headed(ec, { [member]: value }))).toBe('authn_malformed')
      expect(b.events.at(-1)).toEqual({ type: 'header_refused', member })
    }
    expect(b.fetched.length).toBe(before)
  })

  it('kid is looked up as data: names of Object.prototype are unknown keys', async () => {
    for (const kid of ['__proto__', 'constructor', 'toString', 'EC', 'ec ']) {
      await b.time.advance(1000)
      const answer = b.verdict(headed(ec, { kid }))
      expect(await answer).toBe('authn_key_unknown')
    }
    for (const kid of ['', 1, null, ['ec'], 'x'.repeat(257)]) {
      expect(await b.verdict(headed(ec, { kid }))).toBe('authn_malformed')
    }
  })

  it('typ must be the accepted one, in any case, with or without application/', async () => {
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+JWT']) {
      expect(await b.verdict(headed(ec, { typ }))).toBe('user:corp/alice')
    }
    for (const typ of ['JWT', 'dpop+jwt', 'logout+jwt', 'id_token', 'at', 'text/at+jwt']) {
      expect(await b.verdict(headed(ec, { typ }))).toBe('authn_type')
    }
    expect(await b.verdict(headed(ec, { typ: undefined }))).toBe('authn_type')
  })
})

describe('errors of the library', () => {
  it('are mapped by code, and to a 401 when they have none', () => {
    expect(reasonOf({ code: 'ERR_JWT_EXPIRED' })).toBe('authn_expired')
    expect(reasonOf({ code: 'ERR_JOSE_NOT_SUPPORTED' })).toBe('authn_algorithm')
    const failed = (claim: string): object => ({
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
      claim,
      reason: 'check_failed',
    })
    expect(['aud', 'iss', 'typ', 'nbf', 'x'].map((claim) => reasonOf(failed(claim)))).toEqual([
      'authn_audience',
      'authn_issuer',
      'authn_type',
      'authn_not_yet_valid',
      'authn_claims',
    ])
    for (const error of [new TypeError('x'), new RangeError('x'), undefined, 'x', { code: 'E' }]) {
      expect(reasonOf(error)).toBe('authn_signature')
    }
  })
})
