import { describe, expect, it } from '@jest/globals'
import { claimAt, parseClaimPath } from '../../../gateway/authn/claim-path.ts'
import { jwkThumbprint } from '../../../gateway/authn/jwk-thumbprint.ts'

describe('claim paths', () => {
  it('join names by dots, escaped ones excepted; URLs are one name', () => {
    expect(parseClaimPath('groups')).toEqual(['groups'])
    expect(parseClaimPath('a.b.c')).toEqual(['a', 'b', 'c'])
    expect(parseClaimPath('kubernetes\\.io.pod.name')).toEqual(['kubernetes.io', 'pod', 'name'])
    expect(parseClaimPath('https://x.example/roles')).toEqual(['https://x.example/roles'])
    expect(parseClaimPath('cognito:groups')).toEqual(['cognito:groups'])
    expect(parseClaimPath('a\\b')).toEqual(['a\\b'])
    for (const text of ['', '.', 'a.', '.a', 'a..b', 'a.b.c.d.e.f.g.h.i', 'x'.repeat(300)]) {
      expect(parseClaimPath(text)).toBeUndefined()
    }
  })

  it('read own members of objects only', () => {
    const claims = { a: { b: 1 }, list: [{ b: 1 }], text: 'abc' }
    expect(claimAt(claims, ['a', 'b'])).toBe(1)
    for (const path of [
      'a.c',
      'list.0',
      'list.length',
      'text.length',
      '__proto__',
      'constructor.name',
    ])
      expect(claimAt(claims, path.split('.'))).toBeUndefined()
  })
})

describe('jwkThumbprint', () => {
  it('is that of RFC 7638 §3.1 and RFC 8037 §A.3', () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    expect(jwkThumbprint({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' })).toBe(
      'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    )
    const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
    expect(jwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    )
    expect(jwkThumbprint({ kty: 'EC', crv: 'P-256', x })).toBeUndefined()
    expect(jwkThumbprint({ kty: 'oct', k: 'x' })).toBeUndefined()
  })
})
