import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { partsOf, startControlApi, type TestApi } from '../../support/control-api.ts'
import { listingOf } from '../../support/privileges.ts'
import { DAY_MS } from '../../support/reviews.ts'

const POLICY = `
p, role:exporter, export, model:*, always, allow
p, role:reader,   read,   model:*, always, allow
g, group:ml,      role:exporter
g, group:all,     role:reader
g, group:ml,      role:reader
`

let api: TestApi
beforeEach(async () => {
  const listing = await listingOf({ policy: POLICY })
  api = await startControlApi(
    {
      ann: { may: ['read', 'admin'] },
      bob: { may: ['read', 'admin'], holds: ['group:ml'] },
      eve: { may: ['read'] },
      cora: { may: ['read', 'admin'], holds: ['group:comp'] },
      robot: { may: ['read', 'admin'], person: null },
    },
    (replica) => ({
      ...partsOf({ inherits: { 'group:comp': ['role:auditor'] } }),
      privileges: listing,
      run: (command) => replica.run(command),
    }),
  )
})
afterEach(() => api.close())

function start(more: object = {}, as = 'ann') {
  const due_at = new Date(api.replica.time + 7 * DAY_MS).toISOString()
  return api.call('POST /v1/reviews', { as, body: { title: 'Quarterly', due_at, ...more } })
}

async function started(more: object = {}): Promise<string> {
  const { headers } = await start(more)
  return headers.get('location') ?? ''
}

describe('reviews over the control API', () => {
  it('are started, decided line by line, closed and exported', async () => {
    const made = await start()
    expect([made.status, made.json]).toMatchObject([
      201,
      { skipped: false, review: { status: 'open', lines: 3, counts: { open: 3 } } },
    ])
    const path = made.headers.get('location') ?? ''
    const lines = await api.call(`GET ${path}/lines?order=oldest&limit=2`, { as: 'eve' })
    expect(lines.json).toMatchObject({
      items: [{ id: '1', holder: 'group:ml', status: 'open', unused: true }, { id: '2' }],
    })
    const rest = `GET ${path}/lines?order=oldest&limit=2&cursor=${String(lines.json['next'])}`
    expect((await api.call(rest, { as: 'eve' })).json).toMatchObject({ items: [{ id: '3' }] })

    const own = await api.call(`POST ${path}/lines/1/certify`, { as: 'bob', body: {} })
    expect([own.status, own.json['reason']]).toEqual([403, 'not_eligible'])
    const body = { comment: '=HYPERLINK("x")' }
    const gone = await api.call(`POST ${path}/lines/1/revoke`, { as: 'ann', body })
    expect([gone.status, gone.json]).toMatchObject([200, { id: '1', status: 'revoked' }])
    const handed = { to: 'user:dev/bob' }
    await api.call(`POST ${path}/lines/2/delegate`, { as: 'ann', body: handed })
    const early = await api.call(`POST ${path}/close`, { as: 'ann', body: {} })
    expect([early.status, early.json['reason']]).toEqual([409, 'unfinished'])
    for (const [line, as] of [
      ['2', 'bob'],
      ['3', 'ann'],
    ] as const) {
      const holder = await api.call(`POST ${path}/lines/${line}/certify`, { as, body: {} })
      expect([line, holder.status]).toEqual([line, 200])
    }
    const closed = await api.call(`POST ${path}/close`, { as: 'ann', body: {} })
    expect(closed.json).toMatchObject({ status: 'closed', counts: { certified: 2, revoked: 1 } })

    const result = await api.call(`GET ${path}/export`, { as: 'eve' })
    expect(result.json).toMatchObject({ edits: [{ source: 'policy.csv:2', whole: true }] })
    const csv = await api.call(`GET ${path}/export.csv`, { as: 'eve' })
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    expect(csv.text).toContain(`"'=HYPERLINK(""x"")"`)
    const text = await api.call(`GET ${path}/export.md`, { as: 'eve' })
    expect(text.text).toContain('## Rows to remove')
    expect(api.failures).toEqual([])
  })

  it('are decided by those who hold the role of the assignee by the rules', async () => {
    const path = await started({ assignee: 'role:auditor' })
    const call = { body: {}, as: 'ann' }
    expect((await api.call(`POST ${path}/lines/1/certify`, call)).json['reason']).toBe(
      'not_eligible',
    )
    const held = await api.call(`POST ${path}/lines/1/certify`, { ...call, as: 'cora' })
    expect([held.status, held.json['status']]).toEqual([200, 'certified'])
  })

  it.each([
    ['role:auditr', true],
    ['user:nowhere/ann', true],
    ['role:reader', false],
    ['role:asserted', false],
    ['group:unheard-of', false],
    ['user:dev/ann', false],
  ])('warn when they are left to %s: %j', async (name, isNobody) => {
    const warning = isNobody ? expect.stringContaining(`nobody has \`${name}\``) : undefined
    const made = await start({ assignee: name })
    expect([made.status, made.json['warning']]).toEqual([201, warning])
    const path = `${await started()}/lines/1/delegate`
    const handed = await api.call(`POST ${path}`, { as: 'ann', body: { to: name } })
    expect([handed.status, handed.json['warning']]).toEqual([200, warning])
  })

  it('do not begin when there is nothing to review', async () => {
    const { json } = await start({ scope: { holder: 'group:none' } })
    expect(json).toEqual({ skipped: true })
    expect(api.replica.state.reviews.size).toBe(0)
  })

  it('are for people, and for those whom the rules permit', async () => {
    expect((await start({}, 'robot')).json['reason']).toBe('person_unknown')
    expect((await start({}, 'eve')).status).toBe(403)
  })

  it.each([
    [{ title: 'a\u001b[31m' }],
    [{ due_at: 'soon' }],
    [{ due_at: '2020-01-01T00:00:00Z' }],
    [{ scope: { resource: 'model:*' } }],
    [{ assignee: 'ann' }],
    [{ unknown: 1 }],
  ])('refuse a start with %j', async (more) => {
    expect((await start(more)).status).toBe(400)
  })

  it('are started once for one key', async () => {
    const body = { title: 'Once', due_at: new Date(api.replica.time + DAY_MS).toISOString() }
    const headers = { 'idempotency-key': 'abcdefgh-1' }
    const first = await api.call('POST /v1/reviews', { as: 'ann', body, headers })
    const second = await api.call('POST /v1/reviews', { as: 'ann', body, headers })
    expect(second.json['review']).toMatchObject({
      id: (first.json['review'] as { id: string }).id,
      status: 'open',
    })
    expect(api.replica.state.reviews.size).toBe(1)
  })

  it('lapse by the clock alone', async () => {
    const path = await started()
    api.replica.time += 8 * DAY_MS
    const { json } = await api.call(`GET ${path}`, { as: 'eve' })
    expect(json).toMatchObject({ status: 'due', counts: { lapsed: 3, open: 0 } })
    const late = await api.call(`POST ${path}/lines/1/certify`, { as: 'ann', body: {} })
    expect(late.json['reason']).toBe('closed')
  })

  it('change only by POST', async () => {
    const path = await started()
    // 286
    expect((await api.call(`GET ${path}/lines/1/certify`, { as: 'ann' })).status).toBe(405)
  })
})

describe('privileges over the control API', () => {
  it('are listed page by page, however long rules are', async () => {
    const names = ['a', 'b', 'c'].map((one) => one.repeat(220))
    const rules = names.map((name) => `p, role:${name}, infer, model:${name}, always, allow\n`)
    const listing = await listingOf({ policy: rules.join('') })
    const long = await startControlApi({ eve: { may: ['read'] } }, () => ({ privileges: listing }))
    const holders: unknown[] = []
    try {
      for (let cursor = ''; ;) {
        const page = await long.call(`GET /v1/privileges?limit=1${cursor}`, { as: 'eve' })
        expect(page.status).toBe(200)
        holders.push(...(page.json['items'] as { holder: string }[]).map(({ holder }) => holder))
        const { next } = page.json as { next?: string }
        if (next === undefined) break
        cursor = `&cursor=${next}`
      }
    } finally {
      await long.close()
    }
    expect(holders.sort()).toEqual(names.map((name) => `role:${name}`))
  })

  it('say who has what', async () => {
    const { status, json } = await api.call('GET /v1/privileges?resource=model:x&action=export', {
      as: 'eve',
    })
    expect([status, json]).toMatchObject([
      200,
      { more: false, items: [{ by: 'rule', holder: 'group:ml', source: 'policy.csv:2' }] },
    ])
    const none = await api.call('GET /v1/privileges?holder=user:dev/nobody', { as: 'eve' })
    expect(none.json['items']).toEqual([])
    expect((await api.call('GET /v1/privileges?resource=*', { as: 'eve' })).status).toBe(400)
  })
})
