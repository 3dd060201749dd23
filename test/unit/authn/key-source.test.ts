import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { FetchJsonOptions } from '../../../gateway/authn/http-fetch.ts'
import {
  createKeySource,
  discoveryUrls,
  type KeyLocation,
} from '../../../gateway/authn/key-source.ts'

const ISSUER = 'https://idp.example.com/realms/ml'
const OPENID = `${ISSUER}/.well-known/openid-configuration`
const OAUTH = 'https://idp.example.com/.well-known/oauth-authorization-server/realms/ml'
const JWKS = 'https://keys.example.com/jwks'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'authn-'))
})
afterAll(() => {
  rmSync(dir, { recursive: true })
})

interface Call extends FetchJsonOptions {
  readonly url: string
}

const load = async (
  answers: Readonly<Record<string, unknown>>,
  location: Partial<KeyLocation> = {},
): Promise<{ result: unknown; calls: Call[] }> => {
  const calls: Call[] = []
  const source = createKeySource(
    { issuer: ISSUER, timeoutMs: 5, bytesMax: 100, ...location },
    (url, options) => {
      calls.push({ url, ...options })
      if (!Object.hasOwn(answers, url)) return Promise.reject(new Error(`404 ${url}`))
      return Promise.resolve(answers[url])
    },
  )
  const result = await source.load().catch((error: unknown) => (error as { code: string }).code)
  return { result, calls }
}

describe('discovery', () => {
  it('asks OpenID first, then OAuth, then the address it was given', async () => {
    const document = { issuer: ISSUER, jwks_uri: JWKS }
    const openid = await load({ [OPENID]: document, [JWKS]: 'keys' })
    expect([openid.result, openid.calls.map(({ url }) => url)]).toEqual(['keys', [OPENID, JWKS]])
    const oauth = await load({ [OAUTH]: document, [JWKS]: 'keys' })
    expect(oauth.calls.map(({ url }) => url)).toEqual([OPENID, OAUTH, JWKS])
    expect(oauth.calls[0]).toMatchObject({ timeoutMs: 5, bytesMax: 100 })
  })

  it('places the well-known part by each standard, trailing slash or none', () => {
    expect(discoveryUrls('https://i.example')).toEqual([
      'https://i.example/.well-known/openid-configuration',
      'https://i.example/.well-known/oauth-authorization-server',
    ])
    expect(discoveryUrls('https://i.example/')[0]).toBe(
      'https://i.example/.well-known/openid-configuration',
    )
    expect(discoveryUrls(ISSUER)).toEqual([OPENID, OAUTH])
    for (const issuer of ['spiffe://x', 'http://i.example', 'https://i?x', 'https://i#x', 'x']) {
      expect(() => discoveryUrls(issuer)).toThrow(/not an https URL/)
    }
  })

  it('refuses a document that names another issuer, and asks no further', async () => {
    for (const issuer of [`${ISSUER}/`, ISSUER.toUpperCase(), undefined, [ISSUER]]) {
      const { result, calls } = await load({ [OPENID]: { issuer, jwks_uri: JWKS }, [JWKS]: 'keys' })
      expect([result, calls.length]).toEqual(['ERR_AUTHN_DISCOVERY', 1])
    }
  })

  it('refuses an address that is not https, and documents that are not objects', async () => {
    for (const jwks_uri of ['http://169.254.169.254/', 'file:///x', 'jwks', undefined, 1]) {
      const { result } = await load({ [OPENID]: { issuer: ISSUER, jwks_uri } })
      expect(result).toBe('ERR_AUTHN_DISCOVERY')
    }
    for (const document of [null, 'x', 1, []]) {
      expect((await load({ [OPENID]: document })).result).toBe('ERR_AUTHN_DISCOVERY')
    }
    expect((await load({})).result).toBe('ERR_AUTHN_DISCOVERY')
  })
})

describe('a configured address', () => {
  it('is fetched as is, without discovery, with the given trust', async () => {
    const { result, calls } = await load({ [JWKS]: 'keys' }, { jwksUri: JWKS, ca: 'PEM' })
    expect([result, calls]).toEqual([
      'keys',
      [{ url: JWKS, timeoutMs: 5, bytesMax: 100, ca: 'PEM' }],
    ])
    expect((await load({}, { jwksUri: 'http://idp.example.com/jwks' })).result).toBe(
      'ERR_AUTHN_DISCOVERY',
    )
  })

  it('gets the bearer token, which never follows a document elsewhere', async () => {
    const bearerTokenFile = join(dir, 'token')
    writeFileSync(bearerTokenFile, 'abc.def\n')
    const direct = await load({ [JWKS]: 'keys' }, { jwksUri: JWKS, bearerTokenFile })
    expect(direct.calls[0]?.bearer).toBe('abc.def')
    const document = { issuer: ISSUER, jwks_uri: JWKS }
    const found = await load({ [OPENID]: document, [JWKS]: 'keys' }, { bearerTokenFile })
    expect(found.calls.map(({ bearer }) => bearer)).toEqual(['abc.def', undefined])
    writeFileSync(bearerTokenFile, 'a\r\nx: y')
    const split = await load({ [JWKS]: 'keys' }, { jwksUri: JWKS, bearerTokenFile })
    expect([split.result, split.calls.length]).toEqual(['ERR_AUTHN_KEYS_UNAVAILABLE', 0])
  })
})

describe('a key file', () => {
  it('is read anew on every load, bounded, and must be JSON', async () => {
    const jwksFile = join(dir, 'jwks.json')
    const source = createKeySource({ issuer: 'x', jwksFile, timeoutMs: 5, bytesMax: 100 }, () =>
      Promise.reject(new Error('no network')),
    )
    await expect(source.load()).rejects.toMatchObject({ code: 'ERR_AUTHN_KEYS_UNAVAILABLE' })
    for (const text of ['{"keys":[1]}', '{"keys":[2]}', `"${'x'.repeat(98)}"`]) {
      writeFileSync(jwksFile, text)
      expect(await source.load()).toEqual(JSON.parse(text))
    }
    for (const text of ['{', `"${'x'.repeat(99)}"`]) {
      writeFileSync(jwksFile, text)
      await expect(source.load()).rejects.toMatchObject({ code: 'ERR_AUTHN_KEYS_UNAVAILABLE' })
    }
  })
})
