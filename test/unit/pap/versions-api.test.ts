/** Versions of retrainings over the control API: listed, explained, and released by somebody else. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { startControlApi, type TestApi } from '../../support/control-api.ts'

let api: TestApi
beforeEach(async () => {
  api = await startControlApi(
    {
      alice: { may: ['read', 'admin'] },
      bob: { may: ['read', 'admin'] },
      eve: { may: ['read versions'] },
      out: { may: ['read requests', 'admin requests'] },
      robot: { may: ['read', 'admin'], person: null },
    },
    () => ({}),
  )
})
afterEach(() => api.close())

const STATEMENT = '{"_type":"https://in-toto.io/Statement/v1"}'
const DIGEST = `sha256:${createHash('sha256').update(STATEMENT).digest('hex')}`

function begun(id: string, at: number, destination: string): AccessEvent {
  return {
    type: 'training.begun',
    run: {
      id,
      at,
      by: 'user:dev/alice',
      person: 'person:alice',
      destination,
      upstream: 'trainer',
      statementDigest: DIGEST,
      statement: STATEMENT,
    },
  }
}

function registered(model: string, at: number, run?: string): AccessEvent {
  const version = { model, at, by: 'user:dev/ci', ...(run === undefined ? {} : { run }) }
  return { type: 'version.registered', version }
}

/** A name with every character that is allowed in one and means something in a path. */
const MODEL = 'model:team/fraud.v2@3'
const PATH = `/v1/versions/${encodeURIComponent(MODEL)}`

function story(): void {
  api.replica.add(
    begun('d-1', 1_000, 'model:team/fraud.v2'),
    begun('d-2', 2_000, 'model:other'),
    registered(MODEL, 3_000, 'd-1'),
    registered('model:other@1', 4_000),
  )
}

const idsIn = (json: Readonly<Record<string, unknown>>) =>
  (json['items'] as readonly { id: string }[]).map(({ id }) => id)

describe('versions over the control API', () => {
  it('that nobody can name are released like others, and so is what they keep back', async () => {
    story()
    api.replica.add(registered('model:other@*', 5_000))
    const release = (id: string, as: string) =>
      api.call(`POST /v1/versions/${encodeURIComponent(id)}/release`, {
        as,
        body: { reason: 'in use since March' },
      })
    expect(await release('model:other@7', 'alice')).toMatchObject({ status: 403 })
    expect(await release('model:nothing@7', 'bob')).toMatchObject({ status: 404 })
    const named = await release('model:other@7', 'bob')
    expect(named).toMatchObject({ status: 200, json: { id: 'model:other@7', status: 'released' } })
    const rest = await release('model:other@*', 'bob')
    expect(rest).toMatchObject({ status: 200, json: { id: 'model:other@*', status: 'released' } })
  })

  it('are listed newest first, by model and by how they stand', async () => {
    story()
    const list = async (query: string) =>
      idsIn((await api.call(`GET /v1/versions${query}`, { as: 'eve' })).json)
    expect(await list('')).toEqual(['model:other@1', MODEL])
    expect(await list('?model=model:other')).toEqual(['model:other@1'])
    expect(await list('?model=model:oth')).toEqual([])
    expect(await list('?status=released')).toEqual([])
    const first = await api.call('GET /v1/versions?limit=1', { as: 'eve' })
    expect(await list(`?limit=1&cursor=${String(first.json['next'])}`)).toEqual([MODEL])
  })

  it('have pages however long their names are', async () => {
    const long = `model:${'x'.repeat(480)}`
    api.replica.add(registered(`${long}@1`, 1), registered(`${long}@2`, 2))
    const first = await api.call('GET /v1/versions?limit=1', { as: 'eve' })
    const cursor = String(first.json['next'])
    const { json } = await api.call(`GET /v1/versions?limit=1&cursor=${cursor}`, { as: 'eve' })
    expect(idsIn(json)).toEqual([`${long}@1`])
  })

  it('are shown by their encoded name', async () => {
    story()
    const { status, json } = await api.call(`GET ${PATH}`, { as: 'eve' })
    expect(status).toBe(200)
    expect(json).toEqual({
      id: MODEL,
      status: 'restricted',
      registered_at: '1970-01-01T00:00:03.000Z',
      registered_by: 'user:dev/ci',
      run: 'd-1',
    })
    expect((await api.call('GET /v1/versions/model:no@1', { as: 'eve' })).status).toBe(404)
  })

  it.each(['?status=open', '?model=fraud', '?model=model:*', '?model=model:a@1', '?x=1'])(
    'are not listed by %s',
    async (query) => {
      expect((await api.call(`GET /v1/versions${query}`, { as: 'eve' })).status).toBe(400)
    },
  )

  it('are for those whom the rules permit', async () => {
    story()
    for (const line of ['GET /v1/versions', `GET ${PATH}/provenance`, 'GET /v1/runs']) {
      expect([line, (await api.call(line, { as: 'out' })).status]).toEqual([line, 403])
    }
  })
})

describe('the provenance of a version', () => {
  it('is the statement, to the byte that its digest is of', async () => {
    story()
    const { status, headers, text } = await api.call(`GET ${PATH}/provenance`, { as: 'eve' })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^application\/vnd\.in-toto\+json/)
    expect(`sha256:${createHash('sha256').update(text).digest('hex')}`).toBe(DIGEST)
  })

  it('is none of several that it may be', async () => {
    story()
    const of = `/v1/versions/${encodeURIComponent('model:other@1')}/provenance`
    const { status, json } = await api.call(`GET ${of}`, { as: 'eve' })
    expect([status, json['reason']]).toEqual([404, 'not_found'])
  })

  it('is found from the training, too', async () => {
    story()
    const { json } = await api.call('GET /v1/runs?order=oldest', { as: 'eve' })
    expect(json['items']).toMatchObject([
      { id: 'd-1', versions: [MODEL], statement_digest: DIGEST, upstream: 'trainer' },
      { id: 'd-2', versions: [] },
    ])
    const some = await api.call('GET /v1/runs?model=model:other', { as: 'eve' })
    expect(idsIn(some.json)).toEqual(['d-2'])
  })
})

describe('a release over the control API', () => {
  const release = (as: string, more: { body?: object; headers?: Record<string, string> } = {}) =>
    api.call(`POST ${PATH}/release`, { as, body: { reason: 'evaluated' }, ...more })

  // 265, 266
  it.each([
    ['alice', 403, 'second_person'],
    ['robot', 403, 'person_unknown'],
    ['eve', 403, 'no_rule'],
  ])('is not by %s', async (as, status, why) => {
    story()
    const refused = await release(as)
    expect([refused.status, refused.json['reason'] ?? refused.json['code']]).toEqual([status, why])
    expect(api.replica.state.versions.get(MODEL)?.released).toBeUndefined()
  })

  it('is by somebody else, once, and on record before', async () => {
    story()
    const { status, json } = await release('bob')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      id: MODEL,
      status: 'released',
      released: { by: 'user:dev/bob', reason: 'evaluated' },
    })
    expect(api.noted).toMatchObject([{ what: 'versions.release', of: MODEL, sub: 'user:dev/bob' }])
    expect((await release('bob')).json['reason']).toBe('already_done')
  })

  it('is nothing that cannot be recorded', async () => {
    story()
    api.recording = false
    expect((await release('bob')).status).toBe(503)
    expect(api.replica.state.versions.get(MODEL)?.released).toBeUndefined()
  })

  it('is of what was seen, and repeated only with its key', async () => {
    story()
    const stale = await release('bob', { headers: { 'if-match': '"other"' } })
    expect(stale.status).toBe(412)
    const headers = { 'idempotency-key': 'abcdefgh-1' }
    expect((await release('bob', { headers })).status).toBe(200)
    expect((await release('bob', { headers })).status).toBe(200)
  })

  it.each([[{}], [{ reason: '' }], [{ reason: 'a\u001b[31m' }], [{ reason: 'x', by: 'user:x/y' }]])(
    'takes no %j',
    async (body) => {
      story()
      expect((await release('bob', { body })).status).toBe(400)
    },
  )
})
