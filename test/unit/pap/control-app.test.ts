import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { createControlApp } from '../../../gateway/pap/control-app.ts'

let server: Server
let base: string
let unready: string[] = []
let restraint: string | undefined
let failing = false
beforeAll(async () => {
  const app = createControlApp({
    metrics: () =>
      failing
        ? Promise.reject(new Error('secret detail'))
        : Promise.resolve({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' }),
    unreadiness: () => unready,
    restraint: () => restraint,
    assertionKeys: () => ({ keys: [] }),
  })
  server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  unready = []
  restraint = undefined
  failing = false
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

async function get(path: string, init: RequestInit = {}) {
  const response = await fetch(base + path, init)
  return { status: response.status, text: await response.text(), headers: response.headers }
}

describe('the control listener', () => {
  // 332
  it('is alive whatever is missing, and ready when nothing is', async () => {
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ready\n' })
    unready = ['issuer_keys', 'ledger']
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: 'not ready: issuer_keys, ledger\n',
    })
    expect(await get('/healthz')).toMatchObject({ status: 200, text: 'ok\n' })
  })

  it('is ready while nothing privileged is done, and says why that is', async () => {
    restraint = 'the journal has lost entries'
    expect(await get('/readyz')).toMatchObject({
      status: 200,
      text: 'ready\nprivileged actions are refused: the journal has lost entries\n',
    })
  })

  it('shows metrics and the keys of the assertion', async () => {
    const page = await get('/metrics')
    expect([page.status, page.text]).toEqual([200, 'up 1\n'])
    expect(page.headers.get('content-type')).toContain('version=0.0.4')
    const keys = await get('/.well-known/modelgate/jwks.json')
    expect([keys.status, JSON.parse(keys.text)]).toEqual([200, { keys: [] }])
  })

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('does not know %s', async (method) => {
    const { status, headers } = await get('/metrics', { method })
    expect(status).toBe(405)
    expect(headers.get('allow')).toBe('GET, HEAD')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it.each(['/', '/Metrics', '/metrics/', '/healthz/x', '/v2/models', '/%2e%2e/metrics/x'])(
    'does not know %s',
    async (path) => {
      expect(await get(path)).toMatchObject({ status: 404, text: 'not found\n' })
    },
  )

  it('lets nothing be cached, framed or guessed', async () => {
    for (const path of ['/healthz', '/nope']) {
      const { headers } = await get(path)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(headers.get('x-powered-by')).toBeNull()
    }
  })

  it('says nothing of what failed inside', async () => {
    failing = true
    expect(await get('/metrics')).toMatchObject({ status: 500, text: 'failed\n' })
  })

  it('answers a path that cannot be decoded', async () => {
    const { status, text } = await get('/%zz')
    expect([400, 404, 500]).toContain(status)
    expect(text).not.toContain('Error')
  })
})
