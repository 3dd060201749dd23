import { beforeAll, describe, expect, it } from '@jest/globals'
import { bench, forge, goodHeader, makeKey, NOW_S, subjectOf, withClaims } from './support.ts'
import { ISSUER, type Bench, type TestKey } from './support.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'

let key: TestKey
let b: Bench

beforeAll(async () => {
  key = makeKey('EdDSA', 'k1')
  b = await bench([key], { claims: ['tenant', 'nested.value'], roleNames: ['reader'] })
})

const verdict = (changes: Record<string, unknown>): Promise<string> =>
  b.verdict(forge(key, withClaims(changes)))
const subject = async (changes: Record<string, unknown>): Promise<Subject> =>
  subjectOf(await b.check(`Bearer ${forge(key, withClaims(changes))}`))
const ACCEPTED = 'user:corp/alice'

/** Raw JSON for values that JSON.stringify cannot write. */
const raw = (claim: string, text: string): Promise<string> => {
  const rest = JSON.stringify(withClaims({ [claim]: undefined })).slice(1)
  return b.verdict(forge(key, `{"${claim}":${text},${rest}`))
}

describe('exp', () => {
  it('must be there, a whole number of seconds, and ahead', async () => {
    expect(await verdict({ exp: undefined })).toBe('authn_claims')
    for (const text of [
      'null',
      '"1790000600"',
      '1.5',
      '1e308',
      '1e999',
      'true',
      '[1]',
      '-1',
      '0',
    ]) {
      expect(await raw('exp', text)).toMatch(/^authn_(claims|expired)$/)
    }
  })

  it('is tolerated for the clock skew and not a second longer', async () => {
    expect(await verdict({ exp: NOW_S - 29 })).toBe(ACCEPTED)
    expect(await verdict({ exp: NOW_S - 30 })).toBe('authn_expired')
  })

  it('may be the longest life after iat and not a second more', async () => {
    expect(await verdict({ iat: NOW_S, exp: NOW_S + 3600 })).toBe(ACCEPTED)
    expect(await verdict({ iat: NOW_S, exp: NOW_S + 3601 })).toBe('authn_lifetime')
    expect(await verdict({ exp: NOW_S + 10 * 365 * 86_400 })).toBe('authn_lifetime')
    expect(await verdict({ iat: 0 })).toBe('authn_lifetime')
  })
})

describe('iat, nbf and auth_time', () => {
  it('may lie ahead by the skew and no more', async () => {
    expect(await verdict({ iat: NOW_S + 30 })).toBe(ACCEPTED)
    expect(await verdict({ iat: NOW_S + 31 })).toBe('authn_not_yet_valid')
    expect(await verdict({ nbf: NOW_S + 30 })).toBe(ACCEPTED)
    expect(await verdict({ nbf: NOW_S + 31 })).toBe('authn_not_yet_valid')
    expect(await verdict({ auth_time: NOW_S + 30 })).toBe(ACCEPTED)
    expect(await verdict({ auth_time: NOW_S + 31 })).toBe('authn_claims')
  })

  it('must be whole numbers, and iat must be there and before exp', async () => {
    expect(await verdict({ iat: undefined })).toBe('authn_claims')
    expect(await verdict({ iat: NOW_S + 20, exp: NOW_S + 10 })).toBe('authn_claims')
    for (const claim of ['iat', 'nbf', 'auth_time']) {
      for (const value of [1.5, '1', -1, null, [NOW_S], {}]) {
        expect(await verdict({ [claim]: value })).toBe('authn_claims')
      }
    }
  })
})

describe('iss', () => {
  it('is compared byte for byte', async () => {
    const others = [`${ISSUER}/`, ISSUER.replace('idp', 'IDP'), `${ISSUER}#x`, `${ISSUER}.evil`]
    others.push(ISSUER.replace('https', 'http'), ISSUER.replace('a', 'а'), ` ${ISSUER}`, '')
    for (const iss of others) expect(await verdict({ iss })).toBe('authn_issuer')
    for (const iss of [[ISSUER], {}, 1, null, undefined]) {
      expect(await verdict({ iss })).toBe('authn_issuer')
    }
  })

  it('is judged before any signature: an unknown one costs no crypto and no fetch', async () => {
    const fetches = b.fetched.length
    const sent = await b.verdict(forge(makeKey('EdDSA', 'other'), withClaims({ iss: 'https://x' })))
    expect(sent).toBe('authn_issuer')
    expect(b.fetched.length).toBe(fetches)
  })
})

describe('aud', () => {
  it('names this gateway, alone or among others', async () => {
    for (const aud of ['modelgate', ['modelgate'], ['other', 'modelgate']]) {
      expect(await verdict({ aud })).toBe(ACCEPTED)
    }
  })

  it('is refused in every other shape', async () => {
    const shapes: unknown[] = [
      [],
      [['modelgate']],
      {},
      'modelgate ',
      'MODELGATE',
      'modelgate,other',
      undefined,
    ]
    shapes.push('https://modelgate', ['modelgate', 1], ['modelgate', ''], '', null, 1)
    for (const aud of shapes) expect(await verdict({ aud })).toBe('authn_audience')
  })

  it('must be the only one in strict mode', async () => {
    const strict = await bench([key], { audienceSingle: true })
    expect(await strict.verdict(forge(key))).toBe(ACCEPTED)
    const two = forge(key, withClaims({ aud: ['modelgate', 'other'] }))
    expect(await strict.verdict(two)).toBe('authn_audience')
  })
})

describe('sub and jti', () => {
  it('are well-formed names', async () => {
    for (const sub of ['a', 'x'.repeat(256), 'Ada Lovelace', 'system:serviceaccount:ml:bot', 'é'])
      expect(await verdict({ sub })).toBe(`user:corp/${sub}`)
    const bad = [
      '',
      'x'.repeat(257),
      'a\u0000',
      'a\nb',
      'a,b',
      ' a',
      'a ',
      'a::b',
      '$$',
      'a\u202eb',
    ]
    for (const sub of [...bad, '\ud800', 1, {}, ['a'], null, undefined]) {
      expect(await verdict({ sub })).toBe('authn_claims')
    }
  })

  it('never make a user a role: a user called admin is user:corp/admin', async () => {
    const { id, roles } = await subject({ sub: 'admin', roles: ['admin'] })
    expect([id, roles]).toEqual(['user:corp/admin', []])
  })

  it('jti is required where the preset has it', async () => {
    expect(await verdict({ jti: undefined })).toBe('authn_claims')
    for (const jti of ['', 1, 'a\n', 'x'.repeat(300)])
      expect(await verdict({ jti })).toBe('authn_claims')
    expect((await subject({})).tokenId).toBe('token-1')
  })
})

describe('other claims', () => {
  it('cnf is refused: the binding cannot be proven', async () => {
    for (const cnf of [{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, null]) {
      expect(await verdict({ cnf })).toBe('authn_binding')
    }
  })

  it('scope follows its grammar', async () => {
    expect((await subject({ scope: 'infer export' })).claims.get('scope')).toEqual([
      'infer',
      'export',
    ])
    expect((await subject({ scope: '' })).claims.has('scope')).toBe(false)
    for (const scope of ['a  b', ' a', 'a ', 'a\tb', 'a\nb', 'a a', ['a'], 1, 'a"b', null]) {
      expect(await verdict({ scope })).toBe('authn_claims')
    }
    expect((await subject({ scope: 'Infer infer' })).claims.get('scope')).toEqual([
      'Infer',
      'infer',
    ])
  })

  it('are copied by allow-list, scalars and flat lists only', async () => {
    const { claims } = await subject({ tenant: 'a', nested: { value: [1, 'b'] }, secret: 'x' })
    expect([...claims]).toEqual([
      ['tenant', 'a'],
      ['nested.value', [1, 'b']],
    ])
    for (const tenant of [{ a: 1 }, [[1]], null, 'x'.repeat(2000)]) {
      expect((await subject({ tenant })).claims.has('tenant')).toBe(false)
    }
  })

  it('__proto__ and constructor in a payload change nothing', async () => {
    const rest = JSON.stringify(withClaims({ tenant: undefined })).slice(1)
    const text = `{"__proto__":{"tenant":"root","groups":["root"]},"constructor":{"x":1},${rest}`
    const found = subjectOf(await b.check(`Bearer ${forge(key, text, goodHeader(key))}`))
    expect([found.id, found.groups, found.claims.size]).toEqual([ACCEPTED, [], 0])
  })

  it('an ID token is refused by its marks, unless typ says access token', async () => {
    const lenient = await bench([key], { tokenTypes: ['at+jwt', 'JWT'] })
    for (const claim of ['nonce', 'at_hash', 'c_hash']) {
      const claims = withClaims({ [claim]: 'x' })
      const jwt = { ...goodHeader(key), typ: 'JWT' }
      expect(await lenient.verdict(forge(key, claims, jwt))).toBe('authn_type')
      expect(await lenient.verdict(forge(key, claims))).toBe(ACCEPTED)
    }
  })
})
