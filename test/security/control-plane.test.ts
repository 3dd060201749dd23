/** The control plane as attackers find it: what is not on the data listener, and what no browser gets. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { rawExchange } from '../support/raw-client.ts'
import { CONTROL_AUDIENCE, PRIVILEGE_FILES, tokenOf } from '../support/privilege-world.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let control = ''
let data = ''
beforeAll(async () => {
  world = await startWorld(PRIVILEGE_FILES)
  control = await tokenOf(world.issuer, 'root', CONTROL_AUDIENCE)
  data = await tokenOf(world.issuer, 'erin', 'modelgate')
}, 30_000)
afterAll(() => world.close())

interface Sent {
  readonly token?: string
  readonly lines?: readonly string[]
  readonly body?: string
  readonly host?: string
}

async function send(port: number, line: string, sent: Sent = {}) {
  const { token, lines = [], body = '', host = '127.0.0.1' } = sent
  const text = [
    `${line} HTTP/1.1`,
    `Host: ${host}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...lines,
    '',
    body,
  ].join('\r\n')
  const { responses } = await rawExchange(port, text)
  const [response] = responses
  if (response === undefined) throw new Error(`no answer to ${line}`)
  const { status, headers } = response
  return { status, headers, text: response.body.toString() }
}

const onControl = (line: string, sent: Sent = {}) => send(world.controlPort, line, sent)
const LOCK = '{"target":{"kind":"all"},"reason":"x"}'
const JSON_TYPE = 'Content-Type: application/json'

const locks = async () =>
  (JSON.parse((await onControl('GET /v1/locks', { token: control })).text) as { items: object[] })
    .items

// 317
describe('a page of another site', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'])('changes nothing by %s', async (method) => {
    for (const foreign of ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site']) {
      for (const path of ['/v1/locks', '/v1/requests/x', '/rules/reload']) {
        const lines = [JSON_TYPE, foreign]
        const sent = { token: control, lines, body: LOCK }
        const { status, text } = await onControl(`${method} ${path}`, sent)
        expect([method, path, status]).toEqual([method, path, 403])
        expect(text).toContain('origin_refused')
      }
    }
    expect(await locks()).toEqual([])
  })

  // 319
  it.each(['https://evil.example', 'null', 'http://127.0.0.1'])(
    'is told nothing by a preflight from %s',
    async (origin) => {
      const ask = ['Access-Control-Request-Method: POST', 'Access-Control-Request-Headers: x']
      for (const path of ['/v1/locks', '/rules/reload', '/healthz', '/signals/events']) {
        const lines = [`Origin: ${origin}`, ...ask]
        const { status, headers } = await onControl(`OPTIONS ${path}`, { lines })
        expect(status).toBeGreaterThanOrEqual(400)
        const named = [...headers.keys()].filter((name) => name.startsWith('access-control-'))
        expect(named).toEqual([])
      }
    },
  )
})

// 320, 331
describe('the data listener', () => {
  it.each([
    '/v1/locks',
    '/v1/requests',
    '/v1/openapi.json',
    '/rules',
    '/rules/reload',
    '/lockouts',
    '/signals/events',
    '/admin',
    '/_gw',
    '//admin',
    '//v1/locks',
    '/readyz',
    '/debug',
    '/debug/pprof',
    // These two are the upstream's own, for whom rules let read them.
    '/version',
    '/metrics',
  ])('has no %s, for anybody', async (path) => {
    const asked = world.upstream.requests.length
    const isOfUpstream = path === '/version' || path === '/metrics'
    for (const token of isOfUpstream ? [undefined, control] : [undefined, control, data]) {
      for (const [target, host] of [
        [path, '127.0.0.1'],
        [`http://127.0.0.1:${world.controlPort}${path}`, `127.0.0.1:${world.controlPort}`],
      ] as const) {
        for (const method of ['GET', 'POST']) {
          const given = token === undefined ? {} : { token }
          const sent = { ...given, host, ...(method === 'POST' ? post : {}) }
          const { status, text } = await send(world.port, `${method} ${target}`, sent)
          expect([method, target, status >= 400]).toEqual([method, target, true])
          expect(text).not.toMatch(/"items"|modelgate_|registry|"revision"|openapi"/)
        }
      }
    }
    expect(world.upstream.requests).toHaveLength(asked)
    expect(await locks()).toEqual([])
  })

  const post = { lines: [JSON_TYPE], body: LOCK }
})

// 323
describe('where answers lead', () => {
  it.each(['//evil.example', '/\\evil.example', 'https:evil.example', 'javascript:alert(1)'])(
    'is never %s',
    async (next) => {
      const query = `?next=${encodeURIComponent(next)}`
      for (const path of ['/', '/healthz', '/v1/locks', '/v1/openapi.json', '/rules']) {
        const lines = ['X-Forwarded-Host: evil.example', `Referer: ${next}`]
        const { status, headers } = await onControl(`GET ${path}${query}`, {
          token: control,
          lines,
        })
        expect([path, Math.floor(status / 100) === 3, headers.has('location')]).toEqual([
          path,
          false,
          false,
        ])
      }
    },
  )

  it('is a path of this listener, whatever Host says', async () => {
    const body = '{"target":{"kind":"user","id":"user:dev/sam"},"ttl":"1s","reason":"x"}'
    const lines = [JSON_TYPE, 'X-Forwarded-Host: evil.example']
    const sent = { token: control, lines, body, host: 'localhost' }
    const { status, headers } = await onControl('POST /v1/locks', sent)
    expect(status).toBe(201)
    expect(headers.get('location')?.[0]).toMatch(/^\/v1\/locks\/lock-[0-9a-z]{26}$/)
    const challenged = await send(world.port, 'GET /x', { host: 'evil.example' })
    expect(challenged.status).toBe(401)
    expect(challenged.headers.get('www-authenticate')?.join()).not.toContain('evil')
  })
})

// 326
describe('a patch', () => {
  it.each(['application/json-patch+json', 'application/merge-patch+json', 'application/jsonp'])(
    'of %s is none',
    async (type) => {
      const sent = { token: control, lines: [`Content-Type: ${type}`], body: '[]' }
      expect((await onControl('POST /v1/requests', sent)).status).toBe(415)
      expect((await onControl('PATCH /v1/requests/req-1', sent)).status).toBe(405)
    },
  )

  it('deletes nothing by null', async () => {
    for (const body of ['{"target":{"kind":"all"},"reason":null}', 'null', '[{"op":"add"}]']) {
      const sent = { token: control, lines: [JSON_TYPE], body }
      const { status, text } = await onControl('POST /v1/locks', sent)
      expect([status, text.includes('body_invalid')]).toEqual([400, true])
    }
  })
})

// 328, 329: there is nothing to guess but signatures, and who guesses keeps nobody out.
describe('guessing', () => {
  it('of passwords and keys is none, and locks nobody out', async () => {
    const guesses = ['Basic cm9vdDpyb290', 'ApiKey 1', 'Bearer sk-1', 'Digest username="root"']
    for (let i = 0; i < 40; i++) {
      const lines = [`Authorization: ${guesses[i % guesses.length] ?? ''}`]
      expect((await onControl('GET /v1/locks', { lines })).status).toBe(401)
    }
    for (const lines of [['X-Api-Key: 1'], ['Cookie: token=1']]) {
      expect((await onControl('GET /v1/locks', { lines })).status).toBe(401)
    }
    expect((await onControl(`GET /v1/locks?access_token=${control}`)).status).toBe(401)
    expect((await onControl('GET /v1/locks', { token: control })).status).toBe(200)
  })
})

// 338
it.each(['limit=1e9', 'limit=-1', 'sort=__proto__', 'order=__proto__', 'filter=(a%2B)%2B%24'])(
  'a list by %s is refused',
  async (query) => {
    for (const path of ['/v1/locks', '/v1/requests', '/v1/grants', '/v1/reviews']) {
      const { status, text } = await onControl(`GET ${path}?${query}`, { token: control })
      expect([path, status, text.includes('query_invalid')]).toEqual([path, 400, true])
    }
  },
)

// 340
it('what a browser would render is nothing', async () => {
  for (const path of ['/v1/locks', '/v1/openapi.json', '/rules', '/nothing']) {
    const { headers } = await onControl(`GET ${path}`, { token: control })
    expect(headers.get('content-type')?.[0]).not.toContain('html')
    expect(headers.get('cache-control')).toEqual(['no-store'])
    expect(headers.get('x-content-type-options')).toEqual(['nosniff'])
    expect(headers.get('content-security-policy')).toEqual([
      "default-src 'none'; frame-ancestors 'none'",
    ])
  }
})
