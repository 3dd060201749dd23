/** Methods are a list (I22); nothing overrides the one on the request line (I8). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  json,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const WEIGHTS = '/api/2.0/mlflow-artifacts/artifacts/1/abc/artifacts/model/model.safetensors'

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld()
  token = await world.token(['reader', 'inference', 'deployer'])
})
afterAll(() => world.close())

describe('a method that no route can have', () => {
  it.each(['TRACE', 'QUERY', 'PROPFIND', 'SEARCH', 'PURGE', 'LINK', 'M-SEARCH', 'REPORT'])(
    '%s is refused with the methods there are',
    async (method) => {
      const bytes = request({ method, token })
      const refused = { reason: 'method_unknown' } as const
      const { response } = await expectRefusal(world, bytes, refused, { closes: true })
      expect(response.header('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    },
  )

  it.each(['get', 'Get', 'FOO', 'GETT', 'GE\0T', 'POST\t', '_method'])(
    '%j, which is none at all, is refused by the parser',
    async (method) => {
      const bytes = request({ method, token })
      await expectRefusal(world, bytes, { reason: 'framing_invalid' }, { closes: true })
    },
  )

  it.each(['models.test:443', 'evil.test:22', '127.0.0.1:9090'])(
    'CONNECT %s opens no tunnel',
    async (target) => {
      const bytes = request({ method: 'CONNECT', target, token })
      await expectRefusal(world, bytes, { reason: 'method_unknown' }, { closes: true })
    },
  )

  it('TRACE does not echo the credentials', async () => {
    const { raw } = await rawExchange(world.port, request({ method: 'TRACE', token }))
    expect(raw.toString()).not.toContain(token)
  })
})

describe('a known method that the route does not have', () => {
  it.each([
    ['DELETE', '/v2/models/iris', 'GET'],
    ['PUT', '/v2/models/iris', 'GET'],
    ['PATCH', '/v2/models/iris/infer', 'POST'],
    ['GET', '/v2/models/iris/infer', 'POST'],
    ['OPTIONS', '/v2/models/iris', 'GET'],
  ])('%s %s is refused with those it has', async (method, target, allowed) => {
    const bytes = request({ method, target, token })
    const { response } = await expectRefusal(world, bytes, { reason: 'method_not_allowed' })
    expect(response.header('allow')?.split(', ')).toContain(allowed)
  })

  it('an OPTIONS preflight is never forwarded blindly', async () => {
    const lines = ['Origin: https://evil.test', 'Access-Control-Request-Method: DELETE']
    const bytes = request({ method: 'OPTIONS', lines, token })
    const { response } = await expectRefusal(world, bytes, { reason: 'method_not_allowed' })
    expect(response.headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('HEAD is judged as GET', () => {
  it('of weights it is an export', async () => {
    for (const method of ['GET', 'HEAD']) {
      const bytes = request({ method, target: WEIGHTS, host: HOSTS.registry, token })
      const { record } = await expectRefusal(world, bytes, { reason: 'no_rule' })
      expect(JSON.stringify(record['ops'])).toContain('export')
    }
  })

  it('of metadata it is a read', async () => {
    const before = world.upstream.requests.length
    await rawExchange(world.port, request({ method: 'HEAD', token }))
    expect(world.upstream.requests).toHaveLength(before + 1)
  })
})

describe('what would override the method', () => {
  it.each([
    'X-HTTP-Method-Override: DELETE',
    'x-http-method: DELETE',
    'X-Method-Override: PUT',
    'X-Original-URL: /v2/repository/models/iris/load',
    'X-Rewrite-URL: /admin',
  ])('%s is refused', async (line) => {
    const bytes = request({ lines: [line], token })
    await expectRefusal(world, bytes, { reason: 'header_invalid' }, { closes: true })
  })

  it.each(['_method=DELETE', 'a=1&_METHOD=PUT', '%5fmethod=DELETE'])(
    '?%s is refused',
    async (q) => {
      const bytes = request({ target: `/v2/models/iris?${q}`, token })
      await expectRefusal(world, bytes, { reason: 'header_invalid' })
    },
  )

  it('the User-Agent of a health check changes nothing (CVE-2026-34457)', async () => {
    for (const agent of ['GoogleHC/1.0', 'kube-probe/1.30', 'ELB-HealthChecker/2.0']) {
      const bytes = request({ lines: [`User-Agent: ${agent}`] })
      await expectRefusal(world, bytes, { reason: 'authn_missing' })
    }
  })

  it('a field _method in a body is data', async () => {
    const target = '/v2/models/iris/infer'
    await expectForwarded(world, request({ target, token, ...json({ _method: 'DELETE' }) }))
    expect(world.upstream.requests.at(-1)?.head).toMatch(/^POST /)
  })
})
