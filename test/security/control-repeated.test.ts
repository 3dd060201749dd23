/** Calls of the control API that come again, and calls about what somebody saw before. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { partsOf, startControlApi, type ApiCalled, type TestApi } from '../support/control-api.ts'
import { rule } from '../support/elevation.ts'

const APPROVER = { may: ['read'], holds: ['role:approver'] }
const CALLERS = {
  alice: { may: ['read'] },
  bob: APPROVER,
  carol: APPROVER,
  mallory: { may: ['read'] },
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
  const { status, json } = await api.call('POST /v1/requests', { as, body })
  expect(status).toBe(201)
  return json as { id: string; digest: string }
}

async function refused(line: string, called: ApiCalled, status: number, reason: string) {
  const before = api.replica.state
  const answer = await api.call(line, called)
  expect([line, answer.status, answer.json['reason']]).toEqual([line, status, reason])
  expect(api.replica.state).toBe(before)
  return answer
}

// 374
describe('a call with an Idempotency-Key', () => {
  const keyed = (key: string) => ({ 'idempotency-key': key })

  it('is done once, whatever became of the first answer', async () => {
    const headers = keyed('"7d4e8c1a-retry"')
    api.replica.failing = 'after'
    const lost = await api.call('POST /v1/requests', { as: 'alice', body: REQUEST, headers })
    expect([lost.status, lost.json['reason']]).toEqual([503, 'store_unavailable'])
    const count = api.replica.state.requests.size
    const again = await api.call('POST /v1/requests', { as: 'alice', body: REQUEST, headers })
    const third = await api.call('POST /v1/requests', { as: 'alice', body: REQUEST, headers })
    expect([again.status, third.json['id']]).toEqual([201, again.json['id']])
    expect(api.replica.state.requests.size).toBe(count)
  })

  it('is done once when it comes many times at once', async () => {
    const headers = keyed('at-the-same-time')
    const count = api.replica.state.requests.size
    const calls = Array.from({ length: 8 }, () =>
      api.call('POST /v1/requests', { as: 'bob', body: REQUEST, headers }),
    )
    const ids = new Set((await Promise.all(calls)).map(({ json }) => json['id']))
    expect([ids.size, api.replica.state.requests.size]).toEqual([1, count + 1])
  })

  it('is refused for another call, and is another caller’s business no more', async () => {
    const headers = keyed('one-key-one-call')
    await api.call('POST /v1/requests', { as: 'carol', body: REQUEST, headers })
    const body = { ...REQUEST, duration: '2h' }
    await refused('POST /v1/requests', { as: 'carol', body, headers }, 422, 'key_reused')
    const other = await api.call('POST /v1/requests', { as: 'bob', body, headers })
    expect(other.status).toBe(201)
    await refused(
      'POST /v1/requests',
      { as: 'bob', body, headers: keyed('x y') },
      400,
      'key_invalid',
    )
  })
})

describe('a repetition by somebody who is not who they were', () => {
  const repeated = async (as: string, line: string, body: object) => {
    const called = { as, body, headers: { 'idempotency-key': `again-${as}-${line.length}` } }
    expect((await api.call(line, called)).status).toBe(line.endsWith('s') ? 201 : 200)
    return called
  }
  afterEach(() => {
    Object.assign(CALLERS, { bob: APPROVER, root: { may: ['read', 'admin'] } })
    Object.assign(CALLERS, { alice: { may: ['read'] } })
  })

  it('is refused once their role is gone, whatever they did when they had it', async () => {
    const { id, digest } = await made()
    const line = `POST /v1/requests/${id}/approve`
    const called = await repeated('bob', line, { digest })
    expect((await api.call(line, called)).status).toBe(200)
    Object.assign(CALLERS, { bob: { may: ['read'] } })
    await refused(line, called, 404, 'not_found')
  })

  it('is refused once the rules do not let them call', async () => {
    const line = 'POST /v1/locks'
    const lock = { target: { kind: 'user', id: 'user:dev/x' }, reason: 'trial', ttl: '1h' }
    const called = await repeated('root', line, lock)
    Object.assign(CALLERS, { root: { may: ['read'] } })
    await refused(line, called, 403, 'no_rule')
  })

  it('is refused to whoever was locked out since', async () => {
    const { id } = await made()
    const line = `POST /v1/requests/${id}/cancel`
    const called = await repeated('alice', line, { reason: 'not needed' })
    const target = { kind: 'user', id: 'user:dev/alice' }
    const lock = { target, reason: 'trial', ttl: '1h' }
    const set = await api.call('POST /v1/locks', { as: 'root', body: lock })
    await refused(line, called, 403, 'not_eligible')
    const lift = `POST /v1/locks/${String(set.json['id'])}/lift`
    for (const as of ['root', 'root2']) await api.call(lift, { as, body: { reason: 'over' } })
    expect((await api.call(line, called)).status).toBe(200)
  })

  // The replica that lets the call in may not know of the lock yet.
  it.each(['POST /v1/locks', 'POST /v1/drills'])('does nothing by %s, nor anew', async (line) => {
    const lock = { target: { kind: 'user', id: 'user:dev/x' }, reason: 'trial', ttl: '1h' }
    const body = line.endsWith('locks') ? lock : {}
    const own = { ...lock, target: { kind: 'role', id: 'role:admin' } }
    Object.assign(CALLERS, { root2: { may: ['read', 'admin'], holds: ['role:admin'] } })
    const called = { as: 'root2', body, headers: { 'idempotency-key': `again-${line.length}` } }
    expect((await api.call(line, called)).status).toBeLessThan(300)
    const set = await api.call('POST /v1/locks', { as: 'root', body: own })
    await refused(line, called, 403, 'not_eligible')
    await refused(line, { as: 'root2', body }, 403, 'not_eligible')
    const lift = `POST /v1/locks/${String(set.json['id'])}/lift`
    for (const as of ['root', 'bob']) {
      Object.assign(CALLERS, { bob: { may: ['read', 'admin'] } })
      await api.call(lift, { as, body: { reason: 'over' } })
    }
    expect((await api.call(line, called)).status).toBeLessThan(300)
  })

  it('is another call when the account has become somebody else’s', async () => {
    const line = 'POST /v1/requests'
    const called = await repeated('alice', line, REQUEST)
    const first = (await api.call(line, called)).json['id']
    Object.assign(CALLERS, { alice: { may: ['read'], person: 'alicia' } })
    const second = await api.call(line, called)
    expect(second.status).toBe(201)
    expect(second.json['id']).not.toBe(first)
  })

  it('does not tell by If-Match what is there', async () => {
    const { id } = await made()
    const headers = { 'if-match': '*' }
    const body = { reason: 'no' }
    const of = (what: string) => `POST /v1/requests/${what}/cancel`
    const hidden = await refused(of(id), { as: 'mallory', body, headers }, 404, 'not_found')
    const none = `req-${'0'.repeat(26)}`
    const absent = await refused(of(none), { as: 'mallory', body, headers }, 404, 'not_found')
    expect(absent.json['detail']).toBe(hidden.json['detail'])
  })
})

describe('a call with If-Match', () => {
  it('is done on what the caller saw, and on nothing else', async () => {
    const { id, digest } = await made()
    const path = `/v1/requests/${id}`
    const etag = (await api.call(`GET ${path}`, { as: 'bob' })).headers.get('etag') ?? ''
    await api.call(`POST ${path}/approve`, { as: 'carol', body: { digest } })
    const called = { as: 'bob', body: { digest }, headers: { 'if-match': etag } }
    await refused(`POST ${path}/approve`, called, 412, 'precondition_failed')
    const now = (await api.call(`GET ${path}`, { as: 'bob' })).headers.get('etag') ?? ''
    const done = await api.call(`POST ${path}/approve`, { ...called, headers: { 'if-match': now } })
    expect([done.status, done.json['status']]).toEqual([200, 'approved'])
    const bad = { ...called, headers: { 'if-match': 'x' } }
    await refused(`POST ${path}/approve`, bad, 400, 'precondition_invalid')
  })
})
