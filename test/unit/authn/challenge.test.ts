import { describe, expect, it } from '@jest/globals'
import {
  createChallengeWriter,
  protectedResourceMetadata,
  protectedResourceMetadataUrl,
} from '../../../gateway/authn/challenge.ts'

const METADATA = 'https://gw.example/.well-known/oauth-protected-resource'

describe('WWW-Authenticate', () => {
  const write = createChallengeWriter({ realm: 'modelgate' })

  it('has no error code without credentials (RFC 6750 §3.1)', () => {
    expect(write({})).toBe('Bearer realm="modelgate"')
    expect(write(undefined)).toBe('Bearer realm="modelgate"')
  })

  it('names the error and where the metadata is (RFC 9728 §5.1)', () => {
    const withMetadata = createChallengeWriter({ realm: 'gw', resourceMetadata: METADATA })
    expect(withMetadata({ error: 'invalid_token' })).toBe(
      'Bearer realm="gw", error="invalid_token", ' +
        `error_description="The access token is not accepted", resource_metadata="${METADATA}"`,
    )
  })

  it('asks for step-up (RFC 9470 §3)', () => {
    const error = 'insufficient_user_authentication'
    expect(write({ error, acrValues: 'gold urn:mfa', maxAge: 300 })).toBe(
      `Bearer realm="modelgate", error="${error}", ` +
        'error_description="Stronger or fresher authentication is needed", ' +
        'acr_values="gold urn:mfa", max_age=300',
    )
    expect(write({ error, maxAge: 0 })).toMatch(/, max_age=0$/)
  })

  it('asks clients of Entra for a missing authentication context', () => {
    const error = 'insufficient_user_authentication'
    const text = write({ error, acrs: ['c1', 'c2'], maxAge: 300 })
    const claims = /claims="([^"]*)"/.exec(text)?.[1] ?? ''
    expect(text).toBe(
      'Bearer realm="modelgate", error="insufficient_claims", ' +
        'error_description="The access token lacks an authentication context", ' +
        `claims="${claims}", max_age=300`,
    )
    expect(claims).toBe(
      'eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19',
    )
    expect(JSON.parse(Buffer.from(claims, 'base64').toString())).toEqual({
      access_token: { acrs: { essential: true, value: 'c1' } },
    })
  })

  it('asks for no context that is malformed, and says then what it would have said without', () => {
    const error = 'insufficient_user_authentication'
    for (const acrs of [
      [],
      [''],
      ['a b'],
      ['a"b'],
      ['a\r\nSet-Cookie: x'],
      ['é'],
      ['x'.repeat(300)],
    ]) {
      expect(write({ error, acrs })).toBe(write({ error }))
    }
  })

  it('leaves out values that could break out of their quotes', () => {
    for (const acrValues of ['a"b', 'a\\b', 'a\r\nSet-Cookie: x', 'é', '', 'x'.repeat(600)]) {
      expect(write({ acrValues })).toBe('Bearer realm="modelgate"')
    }
    for (const maxAge of [-1, 1.5, Number.NaN, Infinity, 1e12]) {
      expect(write({ maxAge })).toBe('Bearer realm="modelgate"')
    }
  })

  it('refuses a realm or URL that cannot be quoted', () => {
    for (const realm of ['', 'a"b', 'a\nb', 'x'.repeat(200)]) {
      expect(() => createChallengeWriter({ realm })).toThrow(/realm/)
    }
    for (const resourceMetadata of [
      'x',
      'ftp://a',
      'https://a/"',
      'https://a/#f',
      'https://a b/',
    ]) {
      expect(() => createChallengeWriter({ realm: 'x', resourceMetadata })).toThrow(/URL/)
    }
  })
})

describe('protected resource metadata', () => {
  it('is the document of RFC 9728 §2', () => {
    expect(
      protectedResourceMetadata({
        resource: 'https://gw.example',
        authorizationServers: ['https://idp.example', 'spiffe://prod.example'],
        resourceName: 'Models',
        scopesSupported: ['infer'],
      }),
    ).toEqual({
      resource: 'https://gw.example',
      authorization_servers: ['https://idp.example'],
      bearer_methods_supported: ['header'],
      resource_name: 'Models',
      scopes_supported: ['infer'],
    })
    for (const resource of ['gw', 'https://gw.example/?x', 'https://gw.example/#x']) {
      expect(() => protectedResourceMetadata({ resource, authorizationServers: [] })).toThrow(/URL/)
    }
  })

  it('is served between host and path (RFC 9728 §3.1)', () => {
    expect(protectedResourceMetadataUrl('https://gw.example')).toBe(METADATA)
    expect(protectedResourceMetadataUrl('https://gw.example/')).toBe(METADATA)
    expect(protectedResourceMetadataUrl('https://gw.example/llm')).toBe(`${METADATA}/llm`)
  })
})
