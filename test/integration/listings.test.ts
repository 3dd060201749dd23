/** What callers see of the lists of models that different systems keep, through the gateway. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import OpenAI from 'openai'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const POLICY = `p, role:reader, read, server:*, always, allow
p, role:reader, read, model:open-*, always, allow
p, role:reader, read, model:crown-jewel, business-hours-of-nobody, allow
p, role:auditor, read, server:*, always, allow
p, role:auditor, read, model:*, always, allow
`.replace('business-hours-of-nobody', 'mfa')

const SHAPES = `pack: shapes
title: The shapes of some registries
routes:
  - { methods: [GET], path: /search, action: read, listing: { items: registered_models, name: [name] } }
  - { methods: [GET], path: /_catalog, action: read, listing: { items: repositories } }
  - methods: [GET]
    path: /both
    action: read
    listing: [{ items: data, name: [id] }, { items: models, name: [name] }]
`

const NAMES = ['open-a', 'crown-jewel', 'open-b']
const named = (key: string, more: object = {}) =>
  NAMES.map((name, at) => ({ [key]: name, ...more, at }))

/** Set by a test: what the upstream answers to `/search`. */
let search: { status: number; body: string } | undefined

const ANSWERS: Readonly<Record<string, unknown>> = {
  '/v1/models': { object: 'list', data: named('id', { object: 'model', owned_by: 'vllm' }) },
  '/api/tags': {
    models: NAMES.map((name) => ({ name: `${name}:latest`, model: `${name}:latest` })),
  },
  '/v2/repository/index': named('name', { version: '1', state: 'READY', reason: '' }),
  '/search': { registered_models: named('name', { tags: [{ key: 'k' }] }), next_page_token: 't' },
  '/_catalog': { repositories: NAMES },
  '/both': { models: named('name'), object: 'list', data: named('id') },
}

function upstream(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? ''
  const text = path === '/search' ? search?.body : undefined
  const status = path === '/search' ? (search?.status ?? 200) : 200
  const type = { 'content-type': 'application/json; charset=utf-8', etag: '"all"' }
  request.resume().on('end', () => {
    response.writeHead(status, type).end(text ?? JSON.stringify(ANSWERS[path]))
  })
}

let world: BuiltWorld
beforeAll(async () => {
  const at = (name: string, pack: string) => ({
    name,
    pack,
    match: { path_prefix: `/${name}` },
    strip_prefix: true,
  })
  world = await startBuiltWorld({
    handler: upstream,
    policy: POLICY,
    issuer: { roles: ['reader', 'auditor'] },
    rules: { 'routes/shapes.yaml': SHAPES },
    upstreams: [
      at('llm', 'vllm'),
      at('ollama', 'ollama'),
      at('triton', 'triton'),
      at('shapes', 'shapes'),
    ],
  })
}, 60_000)
afterAll(() => world.close())

const client = (apiKey: string) =>
  new OpenAI({ baseURL: `${world.url}/llm/v1`, apiKey, maxRetries: 0, timeout: 10_000 })

async function get(path: string, role: string, method = 'GET') {
  const headers = {
    authorization: `Bearer ${await world.token([role])}`,
    ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
  }
  const body = method === 'POST' ? '{}' : null
  const answer = await fetch(`${world.url}${path}`, { headers, method, body })
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

describe('the openai client', () => {
  it('lists the models its caller may read, and no others', async () => {
    const models = await client(await world.token(['reader'])).models.list()
    expect(models.data.map(({ id }) => id)).toEqual(['open-a', 'open-b'])
    const all = await client(await world.token(['auditor'])).models.list()
    expect(all.data.map(({ id }) => id)).toEqual(NAMES)
  })

  it('leaves counts in the ledger and in the metrics, and no hidden name', async () => {
    const before = await world.metric('listing_hidden_total', { upstream: 'llm' })
    await client(await world.token(['reader'])).models.list()
    expect(await world.metric('listing_hidden_total', { upstream: 'llm' })).toBe(before + 1)
    const outcome = await world.whenRecord(({ type, hidden }) => type === 'outcome' && hidden === 1)
    expect(outcome).toMatchObject({ listed: 2, status: 200 })
    expect(JSON.stringify(await world.records())).not.toContain('crown-jewel')
  })
})

describe('a list', () => {
  it.each([
    ['Ollama', '/ollama/api/tags', 'GET'],
    ['V2', '/triton/v2/repository/index', 'POST'],
    ['MLflow', '/shapes/search', 'GET'],
    ['OCI', '/shapes/_catalog', 'GET'],
    ['of two lists', '/shapes/both', 'GET'],
  ])('as %s writes it', async (_name, path, method) => {
    const filtered = await get(path, 'reader', method)
    expect(filtered.status).toBe(200)
    expect(filtered.text).not.toContain('crown')
    expect(filtered.headers.get('etag')).toBeNull()
    expect(filtered.headers.get('cache-control')).toBe('no-store')
    const all = await get(path, 'auditor', method)
    expect(all.text).toBe(JSON.stringify(ANSWERS[path.replace(/^\/[a-z]+/, '')]))
    const dropped = JSON.stringify(JSON.parse(all.text), (_key, value: unknown) =>
      Array.isArray(value) ? value.filter((one) => !JSON.stringify(one).includes('crown')) : value,
    )
    expect(filtered.text).toBe(dropped)
  })

  it('has no body for HEAD', async () => {
    const { status, text, headers } = await get('/llm/v1/models', 'auditor', 'HEAD')
    expect([status, text, headers.get('content-length')]).toEqual([200, '', null])
  })

  it('that the caller may not ask for is refused whole', async () => {
    expect((await get('/llm/v1/models', 'nobody')).status).toBe(403)
  })
})

describe('an answer of a hostile or changed upstream', () => {
  it.each([
    ['with another list', { models: named('name') }],
    ['with a map in the place of the list', { registered_models: { 'crown-jewel': 1 } }],
    ['that is an array', NAMES],
  ])('%s does not pass', async (_name, body) => {
    search = { status: 200, body: JSON.stringify(body) }
    const { status, text } = await get('/shapes/search', 'reader')
    expect(status).toBe(502)
    expect(JSON.parse(text)).toMatchObject({ reason: 'response_unfilterable' })
  })

  it('that is cut off does not pass for whole', async () => {
    const head = JSON.stringify({ registered_models: named('name') }).slice(0, -40)
    search = { status: 200, body: head }
    await expect(get('/shapes/search', 'reader')).rejects.toThrow()
  })

  it.each([
    ['an empty page', 200, '{}'],
    ['a page without', 200, '{"registered_models":null,"next_page_token":""}'],
    ['an error', 404, '{"error_code":"RESOURCE_DOES_NOT_EXIST"}'],
  ])('passes when it lists nothing: %s', async (_name, status, body) => {
    search = { status, body }
    expect(await get('/shapes/search', 'reader')).toMatchObject({ status, text: body })
  })
})
