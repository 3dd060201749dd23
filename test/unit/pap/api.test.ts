import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { NO_PRIVILEGES } from '../../support/privileges.ts'
import { startControlApi, type TestApi } from '../../support/control-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startControlApi(
    { ann: { may: ['read'] }, bob: { may: ['read locks'] } },
    (replica) => ({
      revision: () => 'sha256:0',
      privileges: NO_PRIVILEGES,
      run: (command) => replica.run(command),
    }),
  )
})
beforeEach(() => {
  api.monotonic += 3_600_000
  api.replica.stalenessMs = 3
  const at = api.replica.time
  api.replica.replicas = ['r1', 'r2', 'r3'].map((id) => ({ id, seq: 0, at, name: `host ${id}` }))
})
afterAll(() => api.close())

describe('a call of the control API', () => {
  it('is answered with its document, its ETag and the id of its records', async () => {
    const { status, headers, json } = await api.call('GET /v1/state', { as: 'ann' })
    expect([status, json]).toEqual([
      200,
      {
        epoch: '0123456789abcdef0123456789abcdef',
        seq: 0,
        at: '1970-01-01T00:00:00.000Z',
        fresh: true,
        staleness_ms: 3,
        requests: { pending: 0 },
        grants: { active: 0 },
        locks: { active: 0 },
      },
    ])
    expect(headers.get('x-modelgate-decision-id')).toMatch(/^decision-/)
    expect(headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  it('is answered without a body when it is HEAD, or when nothing has changed', async () => {
    const head = await api.call('HEAD /v1/state', { as: 'ann' })
    expect([head.status, head.text]).toEqual([200, ''])
    const etag = head.headers.get('etag') ?? ''
    for (const tags of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const again = await api.call('GET /v1/state', {
        as: 'ann',
        headers: { 'if-none-match': tags },
      })
      expect([tags, again.status, again.text]).toEqual([tags, 304, ''])
    }
    const other = await api.call('GET /v1/state', {
      as: 'ann',
      headers: { 'if-none-match': '"x"' },
    })
    expect(other.status).toBe(200)
  })

  it.each([
    ['GET /v1/state', undefined, 401, 'authn_missing'],
    ['GET /v1/state', 'bob', 403, 'no_rule'],
    ['GET /v1/nothing', 'ann', 404, 'not_found'],
    ['GET /v1', 'ann', 404, 'not_found'],
    ['GET /v1/State', 'ann', 404, 'not_found'],
    ['GET /v1/state/', 'ann', 404, 'not_found'],
    ['GET /v1//state', 'ann', 404, 'not_found'],
    ['GET /v1/%73tate', 'ann', 404, 'not_found'],
    ['DELETE /v1/state', 'ann', 405, 'method_refused'],
    ['POST /v1/openapi.json', 'ann', 405, 'method_refused'],
    ['GET /v1/state?x=1', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?limit=1&limit=2', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?limit=0', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?limit=1e9', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?limit=201', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?order=__proto__', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?__proto__=x', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?cursor=x', 'ann', 400, 'query_invalid'],
    ['GET /v1/replicas?cursor=cjE.AAAA', 'ann', 400, 'cursor_invalid'],
  ])('%s as %s is refused with a stable code', async (line, as, status, reason) => {
    const refused = await api.call(line, { as })
    expect([refused.status, refused.json['reason']]).toEqual([status, reason])
    expect(refused.json['type']).toBe(`urn:modelgate:problem:${reason}`)
    expect(refused.headers.get('content-type')).toContain('application/problem+json')
    expect(refused.headers.has('allow')).toBe(status === 405)
    expect(refused.headers.has('www-authenticate')).toBe(status === 401)
  })

  it('suggests what a parameter was meant to be', async () => {
    const { json } = await api.call('GET /v1/replicas?limt=3', { as: 'ann' })
    expect(json['remedy']).toContain('limit')
  })

  it('is not answered from a state that was never read', async () => {
    api.replica.stalenessMs = Infinity
    const { status, json, headers } = await api.call('GET /v1/state', { as: 'ann' })
    expect([status, json['reason'], headers.get('retry-after')]).toEqual([
      503,
      'state_unknown',
      '5',
    ])
  })

  it('is refused for a while when there are too many of one principal, and not for longer', async () => {
    const statuses = new Set<number>()
    for (let i = 0; i < 201; i++)
      statuses.add((await api.call('HEAD /v1/state', { as: 'ann' })).status)
    expect([...statuses]).toEqual([200, 429])
    expect((await api.call('GET /v1/state', { as: 'bob' })).status).toBe(403)
    const { headers, json } = await api.call('GET /v1/state', { as: 'ann' })
    expect([headers.get('retry-after'), json['reason']]).toEqual(['1', 'rate_limited'])
    api.monotonic += 1_000
    expect((await api.call('GET /v1/state', { as: 'ann' })).status).toBe(200)
  })
})

describe('a list', () => {
  const ids = ({ json }: { json: Readonly<Record<string, unknown>> }) =>
    (json['items'] as { id: string }[]).map(({ id }) => id)

  it('comes in pages, the newest first unless said otherwise', async () => {
    const first = await api.call('GET /v1/replicas?limit=2', { as: 'ann' })
    expect(ids(first)).toEqual(['r3', 'r2'])
    const next = String(first.json['next'])
    const second = await api.call(`GET /v1/replicas?limit=2&cursor=${next}`, { as: 'ann' })
    expect([ids(second), second.json['next']]).toEqual([['r1'], undefined])
    const oldest = await api.call('GET /v1/replicas?order=oldest', { as: 'ann' })
    expect(ids(oldest)).toEqual(['r1', 'r2', 'r3'])
  })

  it('takes a cursor for the same list only', async () => {
    const first = await api.call('GET /v1/replicas?limit=2', { as: 'ann' })
    const next = String(first.json['next'])
    const [id = '', tag = ''] = next.split('.')
    const other = Buffer.from('r2x').toString('base64url')
    for (const query of [
      `cursor=${next}&order=oldest`,
      `cursor=${other}.${tag}`,
      `cursor=${id}.${id}`,
    ]) {
      const refused = await api.call(`GET /v1/replicas?${query}`, { as: 'ann' })
      expect([refused.status, refused.json['reason']]).toEqual([400, 'cursor_invalid'])
    }
  })
})
