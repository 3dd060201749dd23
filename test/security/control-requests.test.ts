/** Requests, grants and locks over the control API: who may do what to whose, and what changes nothing. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { API_ROUTES } from '../../gateway/pap/v1/routes.ts'
import { partsOf, startControlApi, type ApiCalled, type TestApi } from '../support/control-api.ts'
import { rule } from '../support/elevation.ts'

const APPROVER = { may: ['read'], holds: ['role:approver'] }
const CALLERS = {
  alice: { may: ['read'] },
  // Another account of the same person.
  alice2: { may: ['read'], holds: ['role:approver'], person: 'alice' },
  bob: APPROVER,
  bob2: { ...APPROVER, person: 'bob' },
  carol: APPROVER,
  mallory: { may: ['read'] },
  nobody: { may: ['read'], holds: ['role:approver'], person: null },
  root: { may: ['read', 'admin'] },
  root2: { may: ['read', 'admin'] },
}

const REQUEST = {
  actions: ['export'],
  resources: ['model:fraud'],
  duration: '1h',
  justification: 'The audit asks for it.',
}

let api: TestApi
beforeAll(async () => {
  api = await startControlApi(CALLERS, () => partsOf({ rules: { r: rule() }, twoToLift: true }))
})
beforeEach(() => {
  api.monotonic += 3_600_000
})
afterAll(() => api.close())

async function made(as = 'alice', body: object = REQUEST) {
  const { status, json, headers } = await api.call('POST /v1/requests', { as, body })
  expect(status).toBe(201)
  const { id, digest } = json as { id: string; digest: string }
  expect(headers.get('location')).toBe(`/v1/requests/${id}`)
  return { id, digest, json }
}

async function refused(line: string, called: ApiCalled, status: number, reason: string) {
  const before = api.replica.state
  const answer = await api.call(line, called)
  expect([line, answer.status, answer.json['reason']]).toEqual([line, status, reason])
  expect(api.replica.state).toBe(before)
  return answer
}

describe('a request over the API', () => {
  it('is approved by two others on its digest, and gives a grant that its holder sees', async () => {
    const { id, digest } = await made()
    const shown = await api.call(`GET /v1/requests/${id}`, { as: 'bob' })
    const canonical = String(shown.json['canonical'])
    // An approver can compute what is signed from what is shown.
    expect(`sha256:${createHash('sha256').update(canonical).digest('hex')}`).toBe(digest)
    const first = await api.call(`POST /v1/requests/${id}/approve`, { as: 'bob', body: { digest } })
    expect([first.status, first.json['status']]).toEqual([200, 'pending'])
    const narrowing = { duration: '30m', uses_max: 1 }
    const body = { digest, comment: 'fine', narrowing }
    const second = await api.call(`POST /v1/requests/${id}/approve`, { as: 'carol', body })
    expect(second.json).toMatchObject({ status: 'approved', grant: id.replace('req-', 'grant-') })
    const grant = await api.call(`GET /v1/grants/${String(second.json['grant'])}`, { as: 'alice' })
    expect(grant.json).toMatchObject({
      status: 'active',
      holder: 'user:dev/alice',
      terms: { duration_ms: 1_800_000, uses_max: 1 },
    })
    const revoked = await api.call(`POST /v1/grants/${String(second.json['grant'])}/revoke`, {
      as: 'carol',
      body: { reason: 'no longer needed' },
    })
    expect(revoked.json).toMatchObject({ status: 'revoked' })
  })

  // 265, 266, 268
  it.each([
    ['alice', 403, 'self_approval'],
    ['alice2', 403, 'self_approval'],
    ['nobody', 403, 'person_unknown'],
    ['mallory', 404, 'not_found'],
    ['root', 403, 'not_eligible'],
  ])('is not approved by %s', async (as, status, reason) => {
    const { id, digest } = await made()
    await refused(`POST /v1/requests/${id}/approve`, { as, body: { digest } }, status, reason)
  })

  // 268
  it('counts one person once, whatever the account', async () => {
    const { id, digest } = await made()
    await api.call(`POST /v1/requests/${id}/approve`, { as: 'bob', body: { digest } })
    for (const as of ['bob', 'bob2']) {
      const line = `POST /v1/requests/${id}/approve`
      await refused(line, { as, body: { digest } }, 409, 'already_done')
    }
  })

  // 269, 271
  it('is not approved as it was before it was edited, or after it ended', async () => {
    const { id, digest } = await made()
    const edit = { ...REQUEST, duration: '2h' }
    const edited = await api.call(`PUT /v1/requests/${id}`, { as: 'alice', body: edit })
    expect(edited.json).toMatchObject({ version: 2, votes: [] })
    const approve = `POST /v1/requests/${id}/approve`
    await refused(approve, { as: 'bob', body: { digest } }, 409, 'edited')
    const body = { reason: 'not needed' }
    await refused(`POST /v1/requests/${id}/cancel`, { as: 'bob', body }, 404, 'not_found')
    const cancelled = await api.call(`POST /v1/requests/${id}/cancel`, { as: 'alice', body })
    expect(cancelled.json).toMatchObject({ status: 'cancelled', closed: body })
    const now = String(edited.json['digest'])
    await refused(approve, { as: 'bob', body: { digest: now } }, 409, 'closed')
  })

  // 325
  it.each([
    { id: 'req-1' },
    { by: 'user:dev/root' },
    { holder: 'user:dev/root' },
    { votes: [] },
    { approvedBy: ['bob'] },
    { created_at: '2020-01-01T00:00:00Z' },
    { status: 'approved' },
    { version: 7 },
    { __proto__x: 1 },
  ])('takes nothing that callers cannot say: %j', async (more) => {
    const body = { ...REQUEST, ...more }
    const before = api.noted.length
    await refused('POST /v1/requests', { as: 'alice', body }, 400, 'body_invalid')
    expect(api.noted).toHaveLength(before)
  })

  it('says what a field was meant to be', async () => {
    const { justification, ...rest } = REQUEST
    const body = { ...rest, justifcation: justification }
    const { json } = await api.call('POST /v1/requests', { as: 'alice', body })
    expect(`${String(json['detail'])} ${String(json['remedy'])}`).toContain('justification')
  })

  it('is there for its maker, for approvers and for administrators, and for nobody else', async () => {
    const { id } = await made()
    for (const as of ['alice', 'bob', 'root']) {
      expect((await api.call(`GET /v1/requests/${id}`, { as })).status).toBe(200)
      const list = await api.call('GET /v1/requests?limit=200', { as })
      expect(list.text).toContain(id)
    }
    await refused(`GET /v1/requests/${id}`, { as: 'mallory' }, 404, 'not_found')
    expect((await api.call('GET /v1/requests', { as: 'mallory' })).json['items']).toEqual([])
    const none = await api.call('GET /v1/requests?mine=false', { as: 'alice' })
    expect(none.json['items']).toEqual([])
    const other = await api.call('GET /v1/requests?model=other', { as: 'alice' })
    expect(other.json['items']).toEqual([])
  })

  // 280: texts of strangers are strings of JSON, and nothing else anywhere.
  it('gives free text back as it is, in a document that no browser renders', async () => {
    const justification = '=HYPERLINK("x")<script>alert(1)</script>\nline'
    const { json } = await made('alice', { ...REQUEST, justification })
    expect(json['reasons']).toEqual({ justification })
    const body = { ...REQUEST, justification: 'a\u001b[31mred' }
    await refused('POST /v1/requests', { as: 'alice', body }, 400, 'body_invalid')
    const turned = { ...REQUEST, justification: 'a\u202Eb' }
    await refused('POST /v1/requests', { as: 'alice', body: turned }, 400, 'body_invalid')
  })
})

// 286, 317
describe('what changes nothing', () => {
  const paths = API_ROUTES.map(({ path }) =>
    path.replace('{id}', `req-${'0'.repeat(26)}`).replaceAll(/\{[a-z]+\}/g, 'x'),
  )

  it.each([...new Set(paths)])('a GET or HEAD of %s', async (path) => {
    const before = api.replica.state
    for (const method of ['GET', 'HEAD']) await api.call(`${method} ${path}`, { as: 'root' })
    expect(api.replica.state).toBe(before)
    expect(api.failures).toEqual([])
  })

  const CHANGES = API_ROUTES.filter(({ method }) => method !== 'GET')
  const FOREIGN: readonly [string, Record<string, string>, number][] = [
    ['another site', { origin: 'https://evil.example' }, 403],
    ['no origin at all', { origin: 'null' }, 403],
    ['what a browser marks', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', { 'content-type': 'text/plain' }, 415],
  ]
  it.each(CHANGES.map((route) => [`${route.method} ${route.path}`] as const))(
    '%s from elsewhere, in another form, or unrecorded',
    async (line) => {
      const at = line.replaceAll(/\{[a-z]+\}/g, 'x')
      const before = [api.replica.state, api.noted.length]
      for (const [, headers, status] of FOREIGN) {
        const answer = await api.call(at, { as: 'root', body: {}, headers })
        expect(answer.status).toBe(status)
        expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      }
      for (const method of ['DELETE', 'PATCH', 'OPTIONS']) {
        const answer = await api.call(`${method} ${at.split(' ')[1] ?? ''}`, { as: 'root' })
        expect(answer.status).toBe(405)
      }
      expect([api.replica.state, api.noted.length]).toEqual(before)
    },
  )

  it('a call that cannot be recorded', async () => {
    api.recording = false
    await refused('POST /v1/requests', { as: 'alice', body: REQUEST }, 503, 'audit_unavailable')
    api.recording = true
  })

  it('a call of somebody whom the rules do not let', async () => {
    const body = { target: { kind: 'all' }, reason: 'x' }
    await refused('POST /v1/locks', { as: 'mallory', body }, 403, 'no_rule')
    await refused('GET /v1/locks', { as: 'mallory' }, 403, 'no_rule')
    await refused('POST /v1/drills', { as: 'mallory', body: {} }, 403, 'no_rule')
  })
})

describe('locks over the API', () => {
  it('are set, seen, and lifted by two', async () => {
    const target = { kind: 'user', id: 'user:dev/mallory' }
    const body = { target, ttl: '1h', actions: ['export'], reason: 'lost laptop' }
    const set = await api.call('POST /v1/locks', { as: 'root', body })
    expect([set.status, set.json['status']]).toEqual([201, 'active'])
    const id = String(set.json['id'])
    const found = await api.call('GET /v1/locks?kind=user&status=active', { as: 'root' })
    expect(found.text).toContain(id)
    const why = { reason: 'found again' }
    const lift = `POST /v1/locks/${id}/lift`
    const asked = await api.call(lift, { as: 'root', body: why })
    expect([asked.json['status'], asked.json['lift_asked']]).toMatchObject([
      'active',
      { by: 'user:dev/root' },
    ])
    await refused(lift, { as: 'root', body: why }, 403, 'second_person')
    const lifted = await api.call(lift, { as: 'root2', body: why })
    expect(lifted.json).toMatchObject({ status: 'lifted' })
    await refused(lift, { as: 'root2', body: why }, 409, 'already_done')
  })

  it.each([
    [
      { issuer: 'dev', jti: 'j1' },
      { kind: 'token', issuer: 'dev', id: 'j1' },
    ],
    [
      { issuer: 'dev', session: 's1' },
      { kind: 'session', issuer: 'dev', id: 's1' },
    ],
    [
      { subject: 'user:dev/alice', before: '2026-11-22T11:00:00Z' },
      { kind: 'issued-before', subject: 'user:dev/alice', before: '2026-11-22T11:00:00.000Z' },
    ],
  ])('come of a revocation of %j', async (what, target) => {
    const body = { ...what, reason: 'leaked' }
    const { status, json } = await api.call('POST /v1/tokens/revoke', { as: 'root', body })
    expect([status, json['target']]).toEqual([201, target])
  })

  it.each([{}, { jti: 'x' }, { issuer: 'dev' }, { subject: 'user:dev/a', jti: 'x' }])(
    'do not come of %j',
    async (what) => {
      const body = { ...what, reason: 'leaked' }
      await refused('POST /v1/tokens/revoke', { as: 'root', body }, 400, 'body_invalid')
    },
  )

  it('are tried by a drill that waits for every replica', async () => {
    api.replica.replicas = [{ id: 'r1', name: 'host:1', seq: 1, at: api.replica.time }]
    const begun = await api.call('POST /v1/drills', { as: 'root', body: {} })
    expect([begun.status, begun.json]).toMatchObject([
      202,
      { state: 'running', missing: [{ id: 'r1', name: 'host:1' }], reports: [] },
    ])
    const shown = await api.call(`GET ${begun.headers.get('location') ?? ''}`, { as: 'root' })
    expect(shown.json).toEqual(begun.json)
  })
})
