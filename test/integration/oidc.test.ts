/** A certified OpenID provider as the issuer: discovery, tokens, rotation, outages. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startBuiltGateway, type BuiltGateway } from '../support/built-gateway.ts'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'
import { until } from '../support/world-files.ts'

// The provider warns, from its import on, that it is set up for a test.
for (const kind of ['warn', 'info'] as const) {
  jest.spyOn(console, kind).mockImplementation(() => undefined)
}
const { Provider } = await import('oidc-provider')

const CLIENT = { id: 'trainer', secret: 'a-secret-of-the-test' }

/** Resources a token can be asked for: audience and lifetime of the token, seconds. */
const RESOURCES: Readonly<Record<string, { audience: string; accessTokenTTL: number }>> = {
  'urn:gate': { audience: 'modelgate', accessTokenTTL: 60 },
  'urn:other': { audience: 'another-service', accessTokenTTL: 60 },
  'urn:short': { audience: 'modelgate', accessTokenTTL: 2 },
}

type SigningKey = Record<string, unknown>

function newKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = privateKey.export({ format: 'jwk' })
  return { ...jwk, kid: randomUUID(), alg: 'ES256', use: 'sig' }
}

/** The request listener of a provider that signs with the first of `keys` and publishes all. */
function providerListener(issuer: string, keys: readonly SigningKey[]): RequestListener {
  const provider = new Provider(issuer, {
    jwks: { keys: [...keys] },
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    scopes: ['openid'],
    extraTokenClaims: () => ({ roles: ['reader'] }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
          ...(RESOURCES[resource] ?? { audience: 'nobody', accessTokenTTL: 1 }),
        }),
      },
    },
  })
  return provider.callback()
}

/** A provider on a port of its own, which can rotate its keys, go away and come back. */
async function startProvider() {
  let keys = [newKey()]
  let listener: RequestListener | undefined
  let server = createServer()
  const listen = async (port: number) => {
    server = createServer((request, response) => listener?.(request, response))
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const issuer = `http://127.0.0.1:${port}`
  listener = providerListener(issuer, keys)
  const down = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    issuer,
    down,
    up: () => listen(port),
    /** Signs with a new key at once; the old one stays published. */
    rotate() {
      keys = [newKey(), ...keys.slice(0, 1)]
      listener = providerListener(issuer, keys)
    },
    /** An access token by the client credentials grant (RFC 6749 §4.4), for a resource (RFC 8707). */
    async token(resource?: string): Promise<string> {
      const form = { grant_type: 'client_credentials', ...(resource ? { resource } : {}) }
      const credentials = Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${credentials}` },
        body: new URLSearchParams(form),
      })
      const answer = (await response.json()) as { access_token?: string }
      if (answer.access_token === undefined) throw new Error(JSON.stringify(answer))
      return answer.access_token
    },
  }
}

interface Answer {
  readonly status: number
  readonly reason: unknown
}

async function ask(gateway: BuiltGateway, token: string): Promise<Answer> {
  const response = await fetch(`${gateway.url}/v2/models/iris`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const text = await response.text()
  const reason = response.ok ? undefined : (JSON.parse(text) as { reason: unknown }).reason
  return { status: response.status, reason }
}

let provider: Awaited<ReturnType<typeof startProvider>>
let upstream: HttpUpstream
const ISSUER = { keys: { refresh: '1s' }, clock_tolerance: '0s' }

beforeAll(async () => {
  provider = await startProvider()
  upstream = await startHttpUpstream()
})
afterAll(async () => {
  await provider.down()
  await upstream.close()
})

describe('a certified OpenID provider', () => {
  let gateway: BuiltGateway
  beforeAll(async () => {
    const urls = { issuerUrl: provider.issuer, upstreamUrl: upstream.url }
    gateway = await startBuiltGateway({ ...urls, issuer: ISSUER })
  }, 30_000)
  afterAll(() => gateway.close())

  it('is discovered, and its access tokens are accepted', async () => {
    const token = await provider.token('urn:gate')
    const [head = ''] = token.split('.')
    expect(Buffer.from(head, 'base64url').toString()).toContain('"typ":"at+jwt"')
    expect(await ask(gateway, token)).toEqual({ status: 200, reason: undefined })
    const record = await gateway.whenRecord(({ effect }) => effect === 'permit')
    expect(record).toMatchObject({ sub: 'user:dev/trainer', iss: provider.issuer })
  })

  it('cannot make a token for another service good here', async () => {
    const token = await provider.token('urn:other')
    expect(await ask(gateway, token)).toEqual({ status: 401, reason: 'authn_audience' })
  })

  it('cannot make an opaque token good here', async () => {
    const token = await provider.token()
    expect(token).not.toContain('.')
    expect(await ask(gateway, token)).toEqual({ status: 401, reason: 'authn_malformed' })
  })

  it('gives tokens that end with their lifetime, although they were verified before', async () => {
    const token = await provider.token('urn:short')
    const answers: Answer[] = [await ask(gateway, token)]
    expect(answers[0]?.status).toBe(200)
    await until('the end of the token', async () => {
      answers.push(await ask(gateway, token))
      return answers.at(-1)?.status !== 200
    })
    expect(answers.at(-1)).toEqual({ status: 401, reason: 'authn_expired' })
  })

  it('rotates its signing key without a refused request', async () => {
    const before = await provider.token('urn:gate')
    const statuses = new Set<number>()
    for (let round = 0; round < 2; round++) {
      provider.rotate()
      const after = await provider.token('urn:gate')
      expect(after.split('.')[0]).not.toBe(before.split('.')[0])
      const tokens = [after, before, after, ...(round === 0 ? [before] : [])]
      for (const { status } of await Promise.all(tokens.map((token) => ask(gateway, token)))) {
        statuses.add(status)
      }
    }
    expect([...statuses]).toEqual([200])
  }, 15_000)

  it('may be down while the gateway runs: the last good keys stay', async () => {
    const token = await provider.token('urn:gate')
    await provider.down()
    const failed = await gateway.metric('jwks_fetch_total', { result: 'failure' })
    await until('a failed refresh', async () => {
      return (await gateway.metric('jwks_fetch_total', { result: 'failure' })) > failed
    })
    expect((await ask(gateway, token)).status).toBe(200)
    expect((await fetch(`${gateway.controlUrl}/readyz`)).status).toBe(200)
    await provider.up()
    expect((await ask(gateway, await provider.token('urn:gate'))).status).toBe(200)
  }, 15_000)
})

describe('a provider that is down at the start', () => {
  it('leaves the gateway alive, unready and refusing, until it comes up', async () => {
    const token = await provider.token('urn:gate')
    await provider.down()
    const urls = { issuerUrl: provider.issuer, upstreamUrl: upstream.url }
    const gateway = await startBuiltGateway({ ...urls, issuer: ISSUER, waitReady: false })
    try {
      const ready = await fetch(`${gateway.controlUrl}/readyz`)
      expect([ready.status, await ready.text()]).toEqual([
        503,
        expect.stringMatching(/^not ready: issuer_keys\nrules sha256:[0-9a-f]{64}\n$/),
      ])
      expect((await fetch(`${gateway.controlUrl}/healthz`)).status).toBe(200)
      expect(await ask(gateway, token)).toEqual({ status: 503, reason: 'authn_keys_unavailable' })
      await provider.up()
      await gateway.whenReady()
      expect((await ask(gateway, await provider.token('urn:gate'))).status).toBe(200)
    } finally {
      await gateway.close()
    }
  }, 30_000)
})
