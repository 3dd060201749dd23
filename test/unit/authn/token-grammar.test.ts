import { beforeAll, describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { base64url, bench, forge, goodClaims, goodHeader, makeKey, signInput } from './support.ts'
import type { Bench, TestKey } from './support.ts'

let key: TestKey
let b: Bench
let token: string

beforeAll(async () => {
  key = makeKey('ES256', 'k1')
  b = await bench([key])
  token = forge(key)
})

const reason = async (authorization: string | undefined): Promise<string> => {
  const result = await b.check(authorization)
  return isRefusal(result) ? result.reason : 'accepted'
}

describe('the Authorization value', () => {
  it('is accepted as Bearer, in any case, with one space', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      expect(await reason(`${scheme} ${token}`)).toBe('accepted')
    }
  })

  it('gets a bare challenge when it is missing (RFC 6750 §3.1)', async () => {
    expect(await b.check(undefined)).toEqual({
      outcome: 'refused',
      reason: 'authn_missing',
      challenge: {},
    })
  })

  it('is refused in every other form', async () => {
    const forms = ['', 'Bearer', 'Bearer ', ' Bearer x', `Bearer  ${token}`, `Bearer\t${token}`]
    forms.push(`Bearer ${token} x`, `Bearer ${token}\n`, `Bearer ${token}, Basic eA==`, token)
    for (const form of forms) expect(await reason(form)).toBe('authn_malformed')
  })

  it('never falls through to another scheme, and names no error code for it', async () => {
    for (const form of ['Basic dTpw', 'Digest x', 'Negotiate x', 'Token x', `DPoP ${token}`]) {
      expect(await b.check(form)).toMatchObject({ reason: 'authn_malformed', challenge: {} })
    }
    expect(await b.check('Bearer x')).toMatchObject({ challenge: { error: 'invalid_request' } })
  })
})

describe('the token text', () => {
  it('may have 8,192 characters and no more', async () => {
    const overhead = forge(key, { ...goodClaims(), pad: '' }).length
    const pad = Math.floor(((8192 - overhead) * 3) / 4) - 2
    expect(await reason(`Bearer ${forge(key, { ...goodClaims(), pad: 'x'.repeat(pad) })}`)).toBe(
      'accepted',
    )
    expect(await reason(`Bearer ${'a'.repeat(8193)}`)).toBe('authn_token_too_long')
    expect(await reason(`Bearer ${'a'.repeat(8_000_000)}`)).toBe('authn_token_too_long')
  })

  it('has three parts: two, four and the five of a JWE are refused before any crypto', async () => {
    for (const text of ['a.b', 'a.b.c.d', `${token}.x.y`, '..', 'a..b', '.a.b', 'a.b.']) {
      expect(await reason(`Bearer ${text}`)).toBe('authn_malformed')
    }
    const jwe = base64url({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2147483647 })
    // Two thousand million rounds of PBKDF2 would take many minutes, and the test has seconds.
    expect(await reason(`Bearer ${jwe}.AA.AA.AA.AA`)).toBe('authn_malformed')
  })

  it('is canonical base64url: no padding, other alphabet, white space or stray bits', async () => {
    const [h = '', p = '', s = ''] = token.split('.')
    for (const text of [
      `${h}=.${p}.${s}`,
      `${h}.${p}.${s}==`,
      `${h}.${p} .${s}`,
      `${h}.${p}.${s}+`,
    ])
      expect(await reason(`Bearer ${text}`)).toBe('authn_malformed')
    // 86 characters carry 64 bytes and four bits that must be zero.
    for (const last of ['h', 'x', '_']) {
      expect(await reason(`Bearer ${h}.${p}.${s.slice(0, -1)}${last}`)).toBe('authn_malformed')
    }
  })
})

describe('JSON in a token', () => {
  const signed = (header: string, payload: string): string => {
    const input = `${base64url(header)}.${base64url(payload)}`
    return `${input}.${signInput(input, key).toString('base64url')}`
  }
  const header = (): string => JSON.stringify(goodHeader(key))
  const claims = JSON.stringify(goodClaims()).slice(1)

  it('names no member twice, escapes decoded', async () => {
    const twice = ['{"sub":"root",', '{"\\u0073ub":"root",', '{"x":{"a":1,"\\u0061":2},']
    for (const start of twice) {
      expect(await reason(`Bearer ${signed(header(), start + claims)}`)).toBe('authn_claims')
    }
    const alg = `{"alg":"none",${header().slice(1)}`
    expect(await reason(`Bearer ${signed(alg, `{${claims}`)}`)).toBe('authn_malformed')
    expect(await reason(`Bearer ${signed(header(), `{"x":{"sub":1},"y":["sub"],${claims}`)}`)).toBe(
      'accepted',
    )
  })

  it('is bounded in depth and members', async () => {
    const nest = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(await reason(`Bearer ${signed(header(), `{"x":${nest(12)},${claims}`)}`)).toBe(
      'accepted',
    )
    expect(await reason(`Bearer ${signed(header(), `{"x":${nest(20)},${claims}`)}`)).toBe(
      'authn_claims',
    )
    const many = `[${'1,'.repeat(1100)}1]`
    expect(await reason(`Bearer ${signed(header(), `{"x":${many},${claims}`)}`)).toBe(
      'authn_claims',
    )
    expect(await reason(`Bearer ${signed(header(), nest(2500))}`)).toBe('authn_claims')
  })

  it('is an object of valid UTF-8 and finite numbers', async () => {
    for (const text of [
      '[]',
      'null',
      '"x"',
      '1',
      '',
      '{',
      '{}x',
      '\ufeff{}',
      `{"x":1e999,${claims}`,
    ])
      expect(await reason(`Bearer ${signed(header(), text)}`)).toMatch(/claims|malformed/)
    const input = `${base64url(header())}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}`
    const bad = `${input}.${signInput(input, key).toString('base64url')}`
    expect(await reason(`Bearer ${bad}`)).toBe('authn_claims')
  })
})
