import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose'
import {
  ASSERTION_TYPE,
  createAssertionSigner,
  upstreamAudience,
} from '../../../gateway/authn/assertion.ts'
import type { AssertionSigner } from '../../../gateway/domain/ports.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { bench, makeKey, ManualTime, NOW_MS, NOW_S } from './support.ts'

const clock = new ManualTime()
const subject: Subject = {
  id: 'user:corp/alice',
  issuer: 'https://idp.example.com',
  issuerName: 'corp',
  groups: ['group:ds'],
  roles: ['role:reader'],
  issuedAt: NOW_MS,
  expiresAt: NOW_MS + 1,
  authentication: {},
  claims: new Map(),
}
const claims = { decisionId: 'd-1', action: 'infer', resource: 'model:fraud@3' }
const assert = async (signer: AssertionSigner, who: Subject = subject): Promise<string> =>
  signer.assert(who, 'llm', claims)
const keysOf = (signer: AssertionSigner): ReturnType<typeof createLocalJWKSet> =>
  createLocalJWKSet(signer.jwks() as unknown as JSONWebKeySet)

describe('an assertion', () => {
  it('verifies with the published keys, for one upstream, for 30 seconds', async () => {
    const signer = createAssertionSigner({ clock, issuer: 'https://gw.example' })
    const options = {
      issuer: 'https://gw.example',
      audience: upstreamAudience('llm'),
      typ: ASSERTION_TYPE,
      algorithms: ['EdDSA'],
    }
    const token = await assert(signer)
    const at = (s: number): Promise<unknown> =>
      jwtVerify(token, keysOf(signer), { ...options, currentDate: new Date((NOW_S + s) * 1000) })
    expect(await at(29)).toMatchObject({
      payload: {
        sub: 'user:corp/alice',
        iat: NOW_S,
        exp: NOW_S + 30,
        groups: ['group:ds'],
        roles: ['role:reader'],
        action: 'infer',
        resource: 'model:fraud@3',
        decision_id: 'd-1',
      },
    })
    await expect(at(30)).rejects.toMatchObject({ code: 'ERR_JWT_EXPIRED' })
    const other = { ...options, audience: upstreamAudience('registry') }
    await expect(jwtVerify(token, keysOf(signer), other)).rejects.toThrow(/aud/)
  })

  it('is never the same twice, and says so when names are left out', async () => {
    const signer = createAssertionSigner({ clock })
    const [one, two] = [decodeJwt(await assert(signer)), decodeJwt(await assert(signer))]
    expect(one.jti).not.toBe(two.jti)
    expect(one.iss).toBe('modelgate')
    const many = { ...subject, groups: Array.from({ length: 500 }, (_, i) => `group:${i}-long`) }
    const long = decodeJwt(await assert(signer, many))
    expect([long['names_omitted'], long['groups'], long['roles']]).toEqual([
      true,
      undefined,
      undefined,
    ])
  })

  it('is no access token: the gateway refuses it, even from an issuer with its key', async () => {
    const signer = createAssertionSigner({ clock, issuer: 'https://idp.example.com/realms/ml' })
    const b = await bench([], {}, { fetchJson: () => Promise.resolve(signer.jwks()) })
    expect(await b.verdict(await assert(signer))).toBe('authn_type')
  })
})

describe('keys of the signer', () => {
  it('come from a PEM or a JWK, and give the same kid', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const jwk = JSON.stringify(privateKey.export({ format: 'jwk' }))
    const [a, b] = [pem, jwk].map((text) =>
      createAssertionSigner({ clock, privateKey: text }).jwks(),
    )
    expect(a).toEqual(b)
    expect(Object.keys(a?.keys[0] ?? {}).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })

  it('publish the one before during a rotation, once', async () => {
    const before = createAssertionSigner({ clock })
    const previousPublicKey = JSON.stringify(before.jwks().keys[0])
    const after = createAssertionSigner({ clock, previousPublicKey })
    expect(after.jwks().keys).toHaveLength(2)
    const old = await assert(before)
    await expect(
      jwtVerify(old, keysOf(after), { currentDate: new Date(NOW_MS) }),
    ).resolves.toBeDefined()
    const { privateKey } = makeKey('EdDSA', 'x')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const same = createAssertionSigner({ clock, privateKey: pem, previousPublicKey: pem })
    expect(same.jwks().keys).toHaveLength(1)
  })

  it('of another kind, or unreadable, are refused without being quoted', () => {
    const ec = makeKey('ES256', 'x').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    for (const privateKey of [ec, 'SECRET', '{"kty":"SECRET"}', '{SECRET', '']) {
      expect(() => createAssertionSigner({ clock, privateKey })).toThrow(
        expect.objectContaining({
          code: 'ERR_CONFIG_INVALID',
          message: expect.not.stringContaining('SECRET') as unknown,
        }),
      )
    }
    for (const lifetimeS of [0, 31, 1.5]) {
      expect(() => createAssertionSigner({ clock, lifetimeS })).toThrow(/lifetime/)
    }
  })
})
