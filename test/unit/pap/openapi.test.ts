import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiFile } from '../../../gateway/pap/v1/openapi-file.ts'
import { API_ROUTES, DESCRIBED_ROUTES } from '../../../gateway/pap/v1/routes.ts'
import { partsOf, startControlApi, type TestApi } from '../../support/control-api.ts'
import { rule } from '../../support/elevation.ts'
import { listingOf } from '../../support/privileges.ts'

interface Described {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, object>> }
}
type Check = (operationId: string, path: string, body?: object) => Promise<{ id: string }>

async function checkReviews(check: Check): Promise<void> {
  const due_at = '2026-12-22T12:00:00Z'
  const started = await check('reviews.start', '/v1/reviews', { title: 'Q4', due_at })
  const { id } = (started as unknown as { review: { id: string } }).review
  const path = `/v1/reviews/${id}`
  await check('reviews.list', '/v1/reviews')
  await check('reviews.show', path)
  await check('reviews.lines', `${path}/lines`)
  await check('reviews.delegate', `${path}/lines/1/delegate`, { to: 'user:dev/root' })
  await check('reviews.revoke', `${path}/lines/1/revoke`, { comment: 'unused' })
  await check('reviews.certify', `${path}/lines/2/certify`, {})
  await check('reviews.close', `${path}/close`, {})
  await check('reviews.export', `${path}/export`)
}

interface Operation {
  readonly operationId: string
  readonly responses: Readonly<Record<string, object>>
  readonly parameters?: readonly { readonly name?: string; readonly in?: string }[]
}

const file = openApiFile()
const described = JSON.parse(file.text) as Described

/** Validates against one schema of the description. */
function problemsOf(name: string, document: unknown): unknown {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'openapi', components: described.components })
  const validate = ajv.compile({ $ref: `openapi#/components/schemas/${name}` })
  return validate(document) ? [] : validate.errors
}

let api: TestApi
beforeAll(async () => {
  const callers = {
    root: { may: ['read', 'admin'] },
    bob: { may: ['read'], holds: ['role:approver'] },
  }
  const privileges = await listingOf({
    policy: 'p, role:r, read, model:*, always, allow\ng, group:ml, role:r\ng, group:all, role:r\n',
  })
  api = await startControlApi(callers, () => ({ ...partsOf({ rules: { r: rule() } }), privileges }))
  api.replica.replicas = [{ id: 'r1', name: 'host:1', seq: 0, at: api.replica.time }]
})
afterAll(() => api.close())

describe('the description of the control API', () => {
  it('is the file of the documentation (npm run generate), and is served to whoever asks', async () => {
    expect(readFileSync(file.path, 'utf8')).toBe(file.text)
    const served = await api.call('GET /v1/openapi.json')
    expect([served.status, served.text]).toEqual([200, file.text])
  })

  it('has every route of the table, and no other', () => {
    const rows = DESCRIBED_ROUTES.map(({ method, path, operationId }) => [
      path,
      method,
      operationId,
    ])
    const listed = Object.entries(described.paths).flatMap(([path, at]) =>
      Object.entries(at).map(([method, { operationId }]) => [
        path,
        method.toUpperCase(),
        operationId,
      ]),
    )
    expect(listed.sort()).toEqual(rows.sort())
    const ids = new Set(DESCRIBED_ROUTES.map(({ operationId }) => operationId))
    expect(ids.size).toBe(DESCRIBED_ROUTES.length)
    expect(described.openapi).toBe('3.1.0')
  })

  it('names every part of a path, and points only to what is there', () => {
    for (const [path, at] of Object.entries(described.paths)) {
      const parts = [...path.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name)
      for (const { parameters = [] } of Object.values(at)) {
        const named = parameters.filter((one) => one.in === 'path').map(({ name }) => name)
        expect([path, named]).toEqual([path, parts])
      }
    }
    const refs = [...file.text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, ref = '']) => ref)
    expect(refs.length).toBeGreaterThan(API_ROUTES.length)
    for (const ref of refs) {
      const target = ref.split('/').reduce<unknown>((at, key) => (at as Members)[key], described)
      expect([ref, typeof target]).toEqual([ref, 'object'])
    }
  })

  it('has schemas of JSON Schema 2020-12 alone', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false })
    for (const [name, schema] of Object.entries(described.components.schemas)) {
      expect([name, ajv.validateSchema(schema)]).toEqual([name, true])
    }
  })

  it('says what is answered, by every route', async () => {
    const seen = new Set<string>()
    const check = async (operationId: string, path: string, body?: object, as = 'root') => {
      const route = API_ROUTES.find((one) => one.operationId === operationId)
      if (route === undefined) throw new Error(operationId)
      const { status, json } = await api.call(`${route.method} ${path}`, { as, body })
      const wanted = route.method === 'GET' ? 200 : (route.status ?? 200)
      expect([operationId, status]).toEqual([operationId, wanted])
      expect([operationId, problemsOf(`answer.${route.answer as string}`, json)]).toEqual([
        operationId,
        [],
      ])
      seen.add(operationId)
      return json as { id: string; digest: string }
    }
    const request = {
      actions: ['retrain'],
      resources: ['model:fraud'],
      duration: '1h',
      starts_at: '2026-11-22T12:30:00+01:00',
      uses_max: 1,
      bytes_max: 1_000,
      training: {
        datasets: [{ name: 'claims', digest: `sha256:${'0'.repeat(64)}` }],
        base: 'model:fraud@1',
        destination: 'model:fraud',
      },
      networks: ['10.0.0.0/8'],
      devices: ['laptop-1'],
      justification: 'why',
      ticket: 'ML-1',
      risk_assessment: 'low',
      criteria: { drift: 'measured' },
    }
    const reason = { reason: 'why' }
    const asked = await check('requests.create', '/v1/requests', request)
    const { id, digest } = await check('requests.edit', `/v1/requests/${asked.id}`, request)
    await check('requests.approve', `/v1/requests/${id}/approve`, { digest, comment: 'ok' }, 'bob')
    await check('requests.show', `/v1/requests/${id}`)
    await check('requests.cancel', `/v1/requests/${id}/cancel`, reason)
    const other = await check('requests.create', '/v1/requests', request)
    const word = { digest: other.digest, comment: 'no' }
    await check('requests.deny', `/v1/requests/${other.id}/deny`, word, 'bob')
    await check('requests.list', '/v1/requests')
    const body = { target: { kind: 'all' }, ttl: '1h', reason: 'drill' }
    const lock = await check('locks.set', '/v1/locks', body)
    await check('locks.show', `/v1/locks/${lock.id}`)
    await check('locks.lift', `/v1/locks/${lock.id}/lift`, reason)
    const token = { subject: 'user:dev/x', ...reason }
    await check('tokens.revoke', '/v1/tokens/revoke', token)
    const misspelt = { target: { kind: 'upstream', id: 'lmm' }, ...reason }
    const warned = await check('locks.set', '/v1/locks', misspelt)
    expect(warned).toHaveProperty('warning', expect.stringContaining('no upstream `lmm`'))
    await check('locks.list', '/v1/locks')
    const drill = await check('drills.begin', '/v1/drills', {})
    await check('drills.show', `/v1/drills/${drill.id}`)
    await check('drills.list', '/v1/drills')
    await check('state.show', '/v1/state')
    await check('replicas.list', '/v1/replicas')
    await check('grants.list', '/v1/grants')
    await checkReviews(check)
    await check('privileges.list', '/v1/privileges')
    // Those of one grant or version are answered alike, and tried where these are; texts have no schema.
    const isTried = ({ answer, area }: (typeof API_ROUTES)[number]) =>
      typeof answer === 'object' || answer === 'grant' || area === 'versions'
    const rest = API_ROUTES.filter((route) => !seen.has(route.operationId) && !isTried(route))
    expect(rest.map(({ operationId }) => operationId)).toEqual([])
  })

  it('says what a problem is', async () => {
    for (const line of ['GET /v1/nothing', 'GET /v1/requests/x', 'POST /v1/requests']) {
      const { json } = await api.call(line, { as: 'root' })
      expect([line, problemsOf('problem', json)]).toEqual([line, []])
    }
  })
})

type Members = Readonly<Record<string, unknown>>
