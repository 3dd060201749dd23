/** Answers whose fields are tagged, over sockets: what leaves, and what comes back under a grant. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DATA_KEY } from '../support/classes.ts'
import { startWorld, type World } from '../support/world.ts'

const POLICY = `p, role:reader, data:read, dataset:*, always, allow
p, role:reader, read, model:*, always, allow
p, role:reader, read, server:*, always, allow
p, role:inference, data:read, dataset:*, always, allow
`
const RESOURCES = `datasets:
  people: { fields: { email: contact, $..ssn: national-id, age: age } }
  other: { fields: { email: contact } }
models:
  runs: { fields: { email: contact } }
`
const LIMITS = `limits:
  analysts:
    for: [role:reader]
    actions: [data:read, read]
    response:
      classes: { contact: tokenise, national-id: remove, age: { generalise: decade } }
  strict:
    for: [role:inference]
    actions: [data:read]
    response: { classes: { contact: mask } }
`
const GRANTS = `grants:
  look:
    to: [role:exporter]
    actions: ['data:read']
    resources: [dataset:people]
    expires: 2096-01-01T00:00:00Z
  twice:
    to: [role:deployer]
    actions: ['data:read']
    resources: [dataset:people]
    uses: 2
    expires: 2096-01-01T00:00:00Z
`
const ROUTES = `pack: data
title: Data
routes:
  - { methods: [GET], path: '/data/{name}', action: 'data:read', resource: dataset, model: [{ path: name }] }
  - { methods: [GET], path: '/runs/{name}', action: read, model: [{ path: name }] }
`

/** What the upstream answers next. */
let answer = { type: 'application/json', body: '{}', status: 200 }

let world: World
let keyDir: string
beforeAll(async () => {
  keyDir = await mkdtemp(join(tmpdir(), 'modelgate-key-'))
  const keyFile = join(keyDir, 'tokens.key')
  await writeFile(keyFile, DATA_KEY, { mode: 0o600 })
  world = await startWorld({
    policy: POLICY,
    rules: {
      'resources.yaml': RESOURCES,
      'limits.yaml': LIMITS,
      'grants.yaml': GRANTS,
      'routes/data.yaml': ROUTES,
    },
    upstreams: [{ name: 'models', pack: 'data' }],
    config: { data_tokens: { key_file: keyFile } },
    handler: () => {
      const { type, body, status } = answer
      const length = String(Buffer.byteLength(body))
      return `HTTP/1.1 ${status} OK\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\netag: "x"\r\n\r\n${body}`
    },
  })
}, 30_000)
afterAll(async () => {
  await world.close()
  await rm(keyDir, { recursive: true, force: true })
})

async function get(path: string, roles = ['reader'], method = 'GET') {
  const headers = { authorization: `Bearer ${await world.token(roles)}` }
  const response = await fetch(`http://127.0.0.1:${world.port}${path}`, { method, headers })
  const text = await response.text().catch(() => 'cut')
  return { status: response.status, headers: response.headers, text }
}

async function reveal(body: unknown, roles = ['reader', 'exporter'], more: RequestInit = {}) {
  const headers = {
    authorization: `Bearer ${await world.token(roles)}`,
    'content-type': 'application/json',
  }
  const url = `http://127.0.0.1:${world.port}/.modelgate/v1/reveal`
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(url, { method: 'POST', headers, body: text, ...more })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  }
}

const FEAST = {
  metadata: { feature_names: ['people:email', 'age', 'n'] },
  results: [{ values: ['a@b', 'a@b'] }, { values: [47, 52] }, { values: [1, 2] }],
}

async function tokenOf(email: string): Promise<string> {
  answer = { type: 'application/json', body: JSON.stringify({ email }), status: 200 }
  return (JSON.parse((await get('/data/people')).text) as { email: string }).email
}

describe('an answer with tagged fields', () => {
  it('of a feature store leaves treated, and is counted and recorded', async () => {
    answer = { type: 'application/json', body: JSON.stringify(FEAST), status: 200 }
    const { text, headers, status } = await get('/data/people')
    expect(status).toBe(200)
    expect(text).not.toContain('a@b')
    const { results } = JSON.parse(text) as typeof FEAST
    expect(results[0]?.values[0]).toMatch(/^mgt1\./)
    expect(results[0]?.values[0]).toBe(results[0]?.values[1])
    expect(results.slice(1)).toEqual([{ values: [40, 50] }, { values: [1, 2] }])
    expect(headers.get('x-modelgate-redacted')).toBe('age, contact, national-id')
    expect(headers.get('etag')).toBeNull()
    const id = headers.get('x-modelgate-decision-id')
    const outcome = await world.whenRecord((one) => one.type === 'outcome' && one.id === id)
    expect(outcome['treated']).toEqual({ tokenise: 2, generalise: 2 })
    expect(await world.metric('fields_treated_total', { treatment: 'tokenise' })).toBeGreaterThan(1)
    const counted = { type: 'response.classes', result: 'changed' }
    expect(await world.metric('obligations_total', counted)).toBeGreaterThan(0)
  })

  it.each<[string, string, string, string]>([
    [
      'MLflow',
      'application/json',
      '{"runs":[{"data":{"params":[{"key":"email","value":"a@b"}]}}]}',
      '/runs/runs',
    ],
    [
      'NDJSON',
      'application/x-ndjson',
      '{"email":"a@b"}\n{"email":"a@b","ssn":"a@b"}\n',
      '/data/people',
    ],
    [
      'events',
      'text/event-stream',
      'data: {"email":"a@b"}\n\ndata: {"x":[{"ssn":"a@b"}]}\n\n',
      '/data/people',
    ],
    ['CSV', 'text/csv; charset=utf-8', 'id,email,ssn\n1,a@b,a@b\n', '/data/people'],
    ['an error', 'application/json', '{"detail":{"em\\u0061il":"a@b"}}', '/data/people'],
  ])('leaves treated: %s', async (what, type, body, path) => {
    answer = { type, body, status: what === 'an error' ? 422 : 200 }
    const { text, status } = await get(path)
    expect(status).toBe(answer.status)
    expect(text).not.toContain('a@b')
    if (what !== 'an error') expect(text).toContain(body.includes('email') ? 'mgt1.' : 'x')
  })

  it.each([
    ['application/vnd.apache.parquet', 'PAR1'],
    ['application/octet-stream', 'xxxx'],
    ['text/plain', 'a@b'],
    ['application/json', '{"email":"a@b"'],
    ['text/csv', 'a,b\n1,a@b\n'],
  ])('is refused when it cannot be read: %s', async (type, body) => {
    answer = { type, body, status: 200 }
    const { text, status } = await get('/data/people')
    expect(status === 502 || text === 'cut').toBe(true)
    expect(text).not.toContain('a@b')
  })

  it('is left alone where nothing is tagged, and to HEAD', async () => {
    answer = { type: 'application/json', body: '{"email":"a@b"}', status: 200 }
    expect((await get('/data/untagged')).text).toBe('{"email":"a@b"}')
    expect((await get('/data/people', ['reader'], 'HEAD')).status).toBe(200)
  })

  it('is treated as the strictest limit says', async () => {
    answer = { type: 'application/json', body: '{"email":"a@b"}', status: 200 }
    expect((await get('/data/people', ['reader', 'inference'])).text).toBe('{"email":"***"}')
  })
})

describe('POST /.modelgate/v1/reveal', () => {
  it('gives values back under a grant, and is recorded without them', async () => {
    const token = await tokenOf('alice@example.org')
    const { status, body, headers } = await reveal({ dataset: 'people', tokens: [token, token] })
    expect([status, body]).toEqual([200, { values: ['alice@example.org', 'alice@example.org'] }])
    expect(headers.get('cache-control')).toBe('no-store')
    const id = headers.get('x-modelgate-decision-id') ?? ''
    const decision = await world.record(id)
    expect(decision).toMatchObject({ effect: 'permit', env: { grant: { id: 'look' } } })
    const outcome = await world.whenRecord((one) => one.type === 'outcome' && one.id === id)
    expect(outcome).toMatchObject({ status: 200, revealed: 2 })
    expect(await world.ledgerText()).not.toContain('alice@example.org')
  })

  it('refuses without a grant, in the decision record too', async () => {
    const token = await tokenOf('a@b')
    const { status, body, headers } = await reveal({ dataset: 'people', tokens: [token] }, [
      'reader',
    ])
    expect([status, body['reason']]).toEqual([403, 'condition_failed'])
    expect(body['detail']).toContain('grant')
    const decision = await world.record(headers.get('x-modelgate-decision-id') ?? '')
    expect(decision).toMatchObject({ effect: 'deny', reason: 'condition_failed', stage: 'decide' })
    const other = await reveal({ dataset: 'other', tokens: [token] })
    expect(other.status).toBe(403)
    const stranger = await reveal({ dataset: 'people', tokens: [token] }, ['exporter'])
    expect([stranger.status, stranger.body['reason']]).toEqual([403, 'no_rule'])
  })

  it('names what is no token of that dataset by its place alone', async () => {
    const token = await tokenOf('a@b')
    answer = { type: 'application/json', body: '{"email":"a@b"}', status: 200 }
    const foreign = (JSON.parse((await get('/data/other')).text) as { email: string }).email
    const forged = token.slice(0, -2) + (token.endsWith('AA') ? 'BB' : 'AA')
    const { body } = await reveal({ dataset: 'people', tokens: [foreign, token, forged, 'x'] })
    expect(body).toEqual({ values: [null, 'a@b', null, null], refused: [0, 2, 3] })
  })

  it('is one use of a grant that has so many, whatever it asks for', async () => {
    const token = await tokenOf('a@b')
    const asked = { dataset: 'people', tokens: [token] }
    const roles = ['reader', 'deployer']
    expect((await reveal(asked, roles)).status).toBe(200)
    expect((await reveal({ dataset: 'people', tokens: ['x'] }, roles)).status).toBe(200)
    const third = await reveal(asked, roles)
    expect([third.status, third.body['reason']]).toEqual([403, 'grant_spent'])
  })

  it('gives nothing that a limit masks for this caller', async () => {
    const token = await tokenOf('a@b')
    const roles = ['reader', 'exporter', 'inference']
    const { body } = await reveal({ dataset: 'people', tokens: [token] }, roles)
    expect(body).toEqual({ values: [null], refused: [0] })
  })

  it.each<[string, unknown, number]>([
    ['no object', '[]', 400],
    ['another key', { dataset: 'people', tokens: ['x'], more: 1 }, 400],
    ['a key twice', '{"dataset":"people","tokens":["x"],"tokens":["y"]}', 400],
    ['no tokens', { dataset: 'people', tokens: [] }, 400],
    ['too many tokens', { dataset: 'people', tokens: Array(1001).fill('x') }, 400],
    ['a malformed name', { dataset: '../people', tokens: ['x'] }, 400],
    ['a name that is a number', { dataset: 1, tokens: ['x'] }, 400],
  ])('refuses a body with %s', async (_, body, status) => {
    expect((await reveal(body)).status).toBe(status)
  })

  it('is never forwarded, and nothing else below its prefix is', async () => {
    const before = world.upstream.received().length
    expect((await get('/.modelgate/v1/reveal')).status).toBe(405)
    expect((await get('/.modelgate/v1/reveal?x=1')).status).toBe(403)
    expect((await get('/.modelgate/v1/other')).status).toBe(403)
    expect((await get('/.modelgate')).status).toBe(403)
    const anonymous = await fetch(`http://127.0.0.1:${world.port}/.modelgate/v1/reveal`, {
      method: 'POST',
      body: '{}',
    })
    expect(anonymous.status).toBe(401)
    expect(world.upstream.received().length).toBe(before)
  })
})
