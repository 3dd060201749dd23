import { createPublicKey, verify, type JsonWebKey } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const PUBLIC_URL = 'http://localhost:8080'

let world: BuiltWorld
beforeAll(async () => {
  world = await startBuiltWorld({ config: { public_url: PUBLIC_URL } })
}, 30_000)
afterAll(() => world.close())

const JWKS = '/.well-known/modelgate/jwks.json'

describe('the control listener', () => {
  it.each([
    ['/healthz', 'text/plain', 'ok\n'],
    ['/readyz', 'text/plain', 'ready\n'],
    ['/metrics', 'text/plain', 'modelgate_build_info'],
    [JWKS, 'application/json', '"keys"'],
  ])('answers GET and HEAD of %s', async (path, type, text) => {
    const got = await fetch(world.controlUrl + path)
    expect(got.status).toBe(200)
    expect(got.headers.get('content-type')).toContain(type)
    expect(await got.text()).toContain(text)
    const head = await fetch(world.controlUrl + path, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('says nothing of itself, is never cached and never framed', async () => {
    for (const path of ['/healthz', '/nothing', JWKS]) {
      const { headers } = await fetch(world.controlUrl + path)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      for (const name of ['x-powered-by', 'etag', 'access-control-allow-origin', 'server']) {
        expect([name, headers.get(name)]).toEqual([name, null])
      }
    }
  })

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'refuses %s everywhere',
    async (method) => {
      for (const path of ['/healthz', '/metrics', '/nothing']) {
        const response = await fetch(world.controlUrl + path, { method })
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
      }
    },
  )

  it.each(['/', '/Healthz', '/healthz/', '/v2/models', '/metrics/x'])('has no %s', async (path) => {
    expect((await fetch(world.controlUrl + path)).status).toBe(404)
  })

  it('is not reachable through the data listener, with or without a token', async () => {
    const headers = { authorization: `Bearer ${await world.token(['reader', 'admin'])}` }
    for (const path of ['/healthz', '/readyz', JWKS]) {
      expect((await fetch(world.url + path)).status).toBe(401)
      expect((await fetch(world.url + path, { headers })).status).toBe(403)
    }
    expect(world.upstream.requests).toHaveLength(0)
    // The metrics of this name are those of the model server, as its pack says.
    expect((await fetch(`${world.url}/metrics`)).status).toBe(401)
    const metrics = await fetch(`${world.url}/metrics`, { headers })
    expect(await metrics.text()).not.toContain('modelgate_')
    expect(world.upstream.requests).toHaveLength(1)
  })
})

describe('the identity assertion', () => {
  it('is a short-lived token for that upstream, signed with a published key', async () => {
    const token = await world.token(['reader'])
    const headers = { authorization: `Bearer ${token}`, 'x-modelgate-assertion': 'forged' }
    const answer = await fetch(`${world.url}/v2/models/iris`, { headers })
    expect(answer.status).toBe(200)
    const sent = world.upstream.requests.at(-1)?.headers ?? {}
    const assertion = String(sent['x-modelgate-assertion'])
    const { keys } = (await (await fetch(world.controlUrl + JWKS)).json()) as {
      keys: (JsonWebKey & { kid: string })[]
    }
    const [head, claims] = opened(assertion, keys)
    expect(head['kid']).toBe(keys[0]?.kid)
    expect(claims).toMatchObject({
      iss: PUBLIC_URL,
      aud: 'urn:modelgate:upstream:models',
      sub: 'user:dev/alice',
    })
    const [issuedAt, expiresAt] = [Number(claims['iat']), Number(claims['exp'])]
    expect(expiresAt - issuedAt).toBeGreaterThan(0)
    expect(expiresAt - issuedAt).toBeLessThanOrEqual(30)
    const record = await world.whenRecord(({ id }) => id === claims['decision_id'])
    expect(record).toMatchObject({ type: 'decision', effect: 'permit', sub: 'user:dev/alice' })
  })

  it('comes instead of the token of the caller', async () => {
    const token = await world.token(['reader'])
    const headers = { authorization: `Bearer ${token}`, cookie: 'session=1' }
    await (await fetch(`${world.url}/v2/models/iris`, { headers })).text()
    const sent = world.upstream.requests.at(-1)
    expect(sent?.headers.authorization).toBeUndefined()
    expect(sent?.rawHeaders.join('\n')).not.toContain(token)
  })

  it('is made with public keys only', async () => {
    const text = await (await fetch(world.controlUrl + JWKS)).text()
    expect(text).not.toMatch(/"(d|p|q|dp|dq|qi|k)":/)
  })
})

describe('the protected resource metadata (RFC 9728)', () => {
  const path = '/.well-known/oauth-protected-resource'

  it('is served without a token and names resource and issuers', async () => {
    const response = await fetch(world.url + path)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({
      resource: PUBLIC_URL,
      authorization_servers: [world.issuer.issuer],
      bearer_methods_supported: ['header'],
    })
  })

  it('is named in the challenge of a request without a token', async () => {
    const response = await fetch(`${world.url}/v2/models/iris`)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain(
      `resource_metadata="${PUBLIC_URL}${path}"`,
    )
  })

  it('is that path and nothing near it', async () => {
    for (const near of [`${path}/x`, `${path}?a=b`, `${path}.json`]) {
      expect((await fetch(world.url + near)).status).toBe(401)
    }
    expect((await fetch(world.url + path, { method: 'POST' })).status).toBe(401)
  })
})

/** Head and claims of a token whose signature holds. @throws Error when it does not. */
function opened(
  token: string,
  keys: readonly (JsonWebKey & { kid: string })[],
): [head: Record<string, unknown>, claims: Record<string, unknown>] {
  const [head = '', claims = '', signature = ''] = token.split('.')
  const header = decoded(head)
  const jwk = keys.find(({ kid }) => kid === header['kid'])
  if (jwk === undefined) throw new Error('no such key')
  const holds = verify(
    header['alg'] === 'EdDSA' ? null : 'sha256',
    Buffer.from(`${head}.${claims}`),
    { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64url'),
  )
  if (!holds) throw new Error('the signature does not verify')
  return [header, decoded(claims)]
}

function decoded(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
}
