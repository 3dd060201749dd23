/** The control API over raw sockets: who gets in, and what never does (I11, I21). */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { API_ANSWERS } from '../../gateway/settings/schemas/api.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, WORLD_POLICY, type World } from '../support/world.ts'

const AUDIENCE = 'modelgate-control'
const RULES = `${WORLD_POLICY}p, role:admin, admin, server:gate:*, always, allow
p, role:reader, read, server:gate:*, always, allow
p, role:reader, admin, server:llm, always, allow
p, role:deployer, admin, server:*, always, allow
p, role:deployer, read, *, always, allow
p, role:retrainer, admin, server:gate:lockouts, always, allow
p, role:retrainer, read, server:gate:lockouts, always, allow
`

let world: World
let admin = ''
let reader = ''
beforeAll(async () => {
  const control = { host: '127.0.0.1', port: 0, audience: AUDIENCE, hosts: ['ops.example.com'] }
  const listen = { data: { host: '127.0.0.1', port: 0 }, control }
  world = await startWorld({ policy: RULES, config: { listen } })
  admin = await world.token(['admin'], { aud: AUDIENCE })
  reader = await world.token(['reader'], { aud: AUDIENCE })
}, 30_000)
afterAll(() => world.close())

interface Call {
  readonly method?: string
  readonly path?: string
  readonly token?: string | undefined
  readonly host?: string
  /** Instead of `application/json`. */
  readonly type?: string
  readonly lines?: readonly string[]
  readonly body?: string
}

function text(call: Call): string {
  const { method = 'POST', path = '/rules/reload', host = '127.0.0.1', lines = [] } = call
  const { type = 'application/json', body = '{}' } = call
  const token = 'token' in call ? call.token : admin
  const sent = method === 'GET' ? '' : body
  return [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(method === 'GET' ? [] : [`Content-Type: ${type}`, `Content-Length: ${sent.length}`]),
    ...lines,
    '',
    sent,
  ].join('\r\n')
}

async function call(parts: Call = {}) {
  const { responses } = await rawExchange(world.controlPort, text(parts))
  const [response] = responses
  const body = response?.body.toString() ?? ''
  const json = body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {}
  return { status: response?.status, headers: response?.headers, json }
}

const changes = async () =>
  (await world.records()).filter(({ type }) => type === 'policy.changed').length

describe('the control API', () => {
  it('shows the rules in force and does what it is asked, on record', async () => {
    const { status, json } = await call({ method: 'GET', path: '/rules', token: reader })
    expect([status, json['pinned'], json['rules']]).toEqual([200, null, 13])
    const reloaded = await call()
    expect([reloaded.status, reloaded.json['revision']]).toEqual([200, json['revision']])
    const id = reloaded.json['decision_id']
    expect(await world.whenRecord((one) => one.type === 'admin' && one.id === id)).toMatchObject({
      what: 'rules.reload',
      sub: 'user:dev/alice',
      effect: 'permit',
      from: json['revision'],
    })
  })

  it('answers as it is described', async () => {
    const get = async (path: string) => (await call({ method: 'GET', path, token: reader })).json
    const names = ['rules', 'revisions', 'lockouts'] as const
    const answers = await Promise.all(
      ['/rules', '/rules/revisions', '/lockouts'].map((path) => get(path)),
    )
    const documents = [...answers, (await call()).json]
    for (const [i, name] of [...names, 'rules' as const].entries()) {
      expect([name, API_ANSWERS[name].safeParse(documents[i]).error]).toEqual([name, undefined])
    }
  })

  it('names the record of a refusal, and takes no parameters', async () => {
    const { status, json } = await call({ token: reader })
    const id = json['decision_id']
    expect([status, json['reason']]).toEqual([403, 'no_rule'])
    expect(await world.whenRecord((one) => one.type === 'admin' && one.id === id)).toMatchObject({
      effect: 'deny',
      what: 'rules.reload',
    })
    const asked = await call({ method: 'GET', path: '/rules?verbose=1', token: reader })
    expect([asked.status, asked.json['reason']]).toEqual([400, 'query_invalid'])
  })

  it('is for those whose rules name its areas, each by itself', async () => {
    const asked = async (role: string) => {
      const token = await world.token([role], { aud: AUDIENCE })
      const calls = [
        { path: '/rules/reload' },
        { method: 'GET', path: '/rules' },
        { method: 'GET', path: '/lockouts' },
        { path: '/lockouts/lift', body: '{"subject":"user:dev/nobody","reason":"a"}' },
      ]
      return Promise.all(calls.map(async (one) => (await call({ ...one, token })).status))
    }
    expect(await asked('deployer')).toEqual([403, 403, 403, 403])
    expect(await asked('retrainer')).toEqual([403, 403, 200, 404])
  })

  it.each<[string, Call, number, string]>([
    ['without a token', { token: undefined }, 401, 'authn_missing'],
    ['with a token that is none', { token: 'x' }, 401, 'authn_malformed'],
    ['of a route it does not have', { path: '/rules/x' }, 404, 'not_found'],
    ['by GET of what changes', { method: 'GET' }, 405, 'method_refused'],
    ['by DELETE', { method: 'DELETE', path: '/rules' }, 405, 'method_refused'],
    ['before a preflight', { method: 'OPTIONS' }, 405, 'method_refused'],
    [
      'from a page of another site',
      { lines: ['Origin: https://evil.example'] },
      403,
      'origin_refused',
    ],
    ['from a page without origin', { lines: ['Origin: null'] }, 403, 'origin_refused'],
    [
      'from another port of this host',
      { lines: ['Origin: http://127.0.0.1:1'] },
      403,
      'origin_refused',
    ],
    ['marked as cross-site', { lines: ['Sec-Fetch-Site: cross-site'] }, 403, 'origin_refused'],
    ['marked as same-site', { lines: ['Sec-Fetch-Site: same-site'] }, 403, 'origin_refused'],
    ['under a rebound name', { host: 'evil.example' }, 403, 'host_refused'],
    ['under a name with an address in it', { host: '127.0.0.1.evil.example' }, 403, 'host_refused'],
    ['under no name', { host: '' }, 403, 'host_refused'],
    ['with a form', { type: 'application/x-www-form-urlencoded' }, 415, 'media_type_refused'],
    ['with plain text', { type: 'text/plain' }, 415, 'media_type_refused'],
    ['with a type that only begins so', { type: 'application/jsonp' }, 415, 'media_type_refused'],
    ['with a coding', { lines: ['Content-Encoding: gzip'] }, 415, 'media_type_refused'],
    ['with what is no JSON', { body: 'a: b' }, 400, 'body_invalid'],
    ['with an unknown key', { body: '{"force":true}' }, 400, 'body_invalid'],
    ['with a list', { body: '[]' }, 400, 'body_invalid'],
    [
      'with a key twice',
      { path: '/rules/unpin', body: '{"reason":"a","reason":"b"}' },
      400,
      'body_invalid',
    ],
    [
      'with a line break in the reason',
      { path: '/rules/unpin', body: '{"reason":"a\\nb"}' },
      400,
      'body_invalid',
    ],
    ['without a reason', { path: '/rules/unpin' }, 400, 'body_invalid'],
    ['with a body past 16 KiB', { body: `{"a":"${'x'.repeat(17_000)}"}` }, 413, 'body_too_large'],
  ])('refuses a call %s, and does nothing', async (_, parts, status, reason) => {
    const before = await changes()
    const refused = await call(parts)
    expect([refused.status, refused.json['reason']]).toEqual([status, reason])
    expect(refused.headers?.get('content-type')?.[0]).toContain('application/problem+json')
    expect(refused.headers?.has('access-control-allow-origin')).toBe(false)
    expect(refused.headers?.get('cache-control')).toEqual(['no-store'])
    expect(await changes()).toBe(before)
  })

  it.each(['Authorization: Bearer x', 'Host: 127.0.0.1', 'Origin: http://127.0.0.1'])(
    'refuses %s sent twice',
    async (line) => {
      const lines = line.startsWith('Origin') ? [line, line] : [line]
      const refused = await call({ lines })
      expect(refused.status).toBe(400)
    },
  )

  it.each<Call>([
    { host: 'localhost:9090' },
    { host: '[::1]' },
    { host: 'ops.example.com' },
    { lines: ['Origin: http://127.0.0.1', 'Sec-Fetch-Site: same-origin'] },
  ])('takes a call from where operators are: %j', async (parts) => {
    expect((await call(parts)).status).toBe(200)
  })
})

describe('a token', () => {
  it.each([
    ['for callers of models', 'modelgate'],
    ['for both', ['modelgate', AUDIENCE]],
    ['for something else', 'other'],
  ])('%s is none here', async (_, aud) => {
    const token = await world.token(['admin'], { aud })
    expect(await call({ token })).toMatchObject({ status: 401, json: { reason: 'authn_audience' } })
  })

  it('for the control API is none for models', async () => {
    const { responses } = await rawExchange(
      world.port,
      `GET /v2/models/iris HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${reader}\r\n\r\n`,
    )
    expect(responses[0]?.status).toBe(401)
  })

  it('of someone the rules do not let administer changes nothing, and that is on record', async () => {
    const refused = await call({ token: reader })
    const detail = 'No rule gives you admin on server:gate:policy.'
    expect(refused).toMatchObject({ status: 403, json: { reason: 'no_rule', detail } })
    await world.whenRecord((one) => one.type === 'admin' && one.reason === 'no_rule')
    expect((await call({ token: reader, method: 'GET', path: '/rules' })).status).toBe(200)
    expect((await call({ token: admin, method: 'GET', path: '/rules' })).status).toBe(403)
  })
})

describe('a rollback through the API', () => {
  it('is enforced at once, holds against edits of the folder, and can be taken back', async () => {
    const before = (await call({ method: 'GET', path: '/rules', token: reader })).json['revision']
    const policy = join(world.rulesDir, 'policy.csv')
    const old = await readFile(policy, 'utf8')
    await writeFile(policy, `${old}p, role:reader, infer, model:*, always, allow\n`)
    await world.until('the new rules', async () => {
      return (
        (await call({ method: 'GET', path: '/rules', token: reader })).json['revision'] !== before
      )
    })
    const back = { path: '/rules/rollback', body: '{"revision":"previous","reason":"too much"}' }
    const rolled = await call(back)
    expect(rolled).toMatchObject({ status: 200, json: { revision: before } })
    expect(rolled.json['pinned']).toMatchObject({ by: 'user:dev/alice', reason: 'too much' })
    expect(await world.whenRecord(({ type }) => type === 'policy.rolled_back')).toMatchObject({
      pol: before,
      by: 'user:dev/alice',
      why: 'too much',
    })
    expect(await world.metric('policy_pinned')).toBe(1)
    expect((await call()).json['revision']).toBe(before)
    const list = await call({ method: 'GET', path: '/rules/revisions', token: reader })
    expect(list.json['history']).toMatchObject([
      { how: 'rollback' },
      { how: 'file' },
      { how: 'start' },
    ])
    const freed = await call({ path: '/rules/unpin', body: '{"reason":"mended"}' })
    expect(freed.json['revision']).not.toBe(before)
    expect(await world.metric('policy_pinned')).toBe(0)
  }, 30_000)

  it.each([
    ['{"revision":"aaaaaaaa","reason":"r"}', 422],
    ['{"revision":"../../etc","reason":"r"}', 422],
    ['{"revision":"previous"}', 400],
    ['{"revision":["previous"],"reason":"r"}', 400],
  ])('of %s is refused', async (body, status) => {
    expect((await call({ path: '/rules/rollback', body })).status).toBe(status)
    expect(await world.metric('policy_pinned')).toBe(0)
  })
})

describe('without a control audience', () => {
  it('there is no control API, and the answer says how to have one', async () => {
    const plain = await startWorld()
    try {
      for (const method of ['GET', 'POST']) {
        const { responses } = await rawExchange(plain.controlPort, text({ method }))
        expect(responses[0]?.status).toBe(404)
        expect(responses[0]?.body.toString()).toContain('listen.control.audience')
      }
    } finally {
      await plain.close()
    }
  })
})
