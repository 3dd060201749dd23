/** Issuers that give no keys, wrong keys or no answer. */
import type { RequestListener, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { startBuiltGateway, type BuiltGateway } from '../support/built-gateway.ts'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'
import { until } from '../support/world-files.ts'

/** How the key endpoint fails. */
const FAULTS: Readonly<Record<string, RequestListener>> = {
  'an error': (_request, response) => void response.writeHead(500).end('no'),
  'a page': (_request, response) => json(response, '<html>login</html>'),
  'half a document': (_request, response) => json(response, '{"keys":[{"kty":'),
  'no keys': (_request, response) => json(response, '{"keys":[]}'),
  'a redirect': (_request, response) =>
    void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  'too much': (_request, response) => json(response, `{"keys":[],"x":"${'x'.repeat(600_000)}"}`),
  'nothing at all': () => undefined,
}

function json(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

let issuer: DevIssuer
let upstream: HttpUpstream
let keys: HttpUpstream
let fault: RequestListener | undefined
let asked = 0

beforeAll(async () => {
  issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  upstream = await startHttpUpstream()
  keys = await startHttpUpstream((request, response) => {
    asked++
    if (fault === undefined) void publishedKeys().then((text) => json(response, text))
    else fault(request, response)
  })
})
afterAll(() => Promise.all([issuer.close(), upstream.close(), keys.close()]))

async function publishedKeys(): Promise<string> {
  const document = await fetch(`${issuer.issuer}/.well-known/openid-configuration`)
  const { jwks_uri: uri } = (await document.json()) as { jwks_uri: string }
  return (await fetch(uri)).text()
}

const start = (more: object, waitReady = true) =>
  startBuiltGateway({
    issuerUrl: issuer.issuer,
    upstreamUrl: upstream.url,
    waitReady,
    issuer: {
      jwks_uri: `${keys.url}/keys`,
      keys: { refresh: '1s', timeout: '300ms', bytes_max: '256KiB', ...more },
    },
  })

async function status(gateway: BuiltGateway): Promise<number> {
  const claims = { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles: ['reader'] }
  const token = await issuer.mint(claims, { lifetimeS: 60 })
  const headers = { authorization: `Bearer ${token}` }
  const response = await fetch(`${gateway.url}/v2/models/iris`, { headers })
  await response.arrayBuffer()
  return response.status
}

const failures = (gateway: BuiltGateway) =>
  gateway.metric('jwks_fetch_total', { result: 'failure' })

describe('an issuer whose keys were once good', () => {
  let gateway: BuiltGateway
  beforeAll(async () => {
    fault = undefined
    gateway = await start({})
  }, 30_000)
  afterAll(() => gateway.close())

  it.each(Object.keys(FAULTS))(
    'and then gives %s is trusted by them',
    async (name) => {
      const before = await failures(gateway)
      fault = FAULTS[name]
      gateway.signal('SIGHUP')
      await until('a failed fetch', async () => (await failures(gateway)) > before)
      expect(await status(gateway)).toBe(200)
      expect((await fetch(`${gateway.controlUrl}/readyz`)).status).toBe(200)
    },
    10_000,
  )
})

describe('an issuer whose keys grew too old', () => {
  it('is not trusted any more, and is again when it gives keys', async () => {
    fault = undefined
    const gateway = await start({ max_stale: '1200ms' })
    try {
      expect(await status(gateway)).toBe(200)
      fault = FAULTS['an error']
      await until('the end of trust', async () => (await status(gateway)) === 503, 10_000)
      const ready = await fetch(`${gateway.controlUrl}/readyz`)
      expect([ready.status, await ready.text()]).toEqual([
        503,
        expect.stringMatching(/^not ready: issuer_keys\nrules sha256:[0-9a-f]{64}\n$/),
      ])
      expect(gateway.logText()).toContain('keys are too old to be used')
      fault = undefined
      gateway.signal('SIGHUP')
      await gateway.whenReady()
      expect(await status(gateway)).toBe(200)
    } finally {
      await gateway.close()
    }
  }, 30_000)
})

describe('an issuer that gives no keys at the start', () => {
  it.each(['an error', 'half a document', 'nothing at all'])(
    'but %s, is waited for',
    async (name) => {
      fault = FAULTS[name]
      asked = 0
      const gateway = await start({}, false)
      try {
        await until('a look for keys', () => asked > 0, 10_000)
        expect((await fetch(`${gateway.controlUrl}/readyz`)).status).toBe(503)
        expect((await fetch(`${gateway.controlUrl}/healthz`)).status).toBe(200)
        expect(await status(gateway)).toBe(503)
        fault = undefined
        await gateway.whenReady()
        expect(await status(gateway)).toBe(200)
      } finally {
        await gateway.close()
      }
    },
    30_000,
  )
})
