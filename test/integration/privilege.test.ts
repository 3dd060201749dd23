/** Privilege comes and goes, over both listeners of one gateway: who does what, and what is recorded. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { JWTPayload } from 'jose'
import { download, startRegistry, type Registry } from '../support/exports.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  WANTED,
  type Name,
} from '../support/privilege-world.ts'
import { startWorld, type World, type WorldRecord } from '../support/world.ts'

const ACCOUNT_DISABLED = 'https://schemas.openid.net/secevent/risc/event-type/account-disabled'
const SIGNAL_AUDIENCE = 'urn:modelgate:signals'
const WEIGHTS = Buffer.alloc(1_000, 7)

let registry: Registry
let world: World
beforeAll(async () => {
  registry = await startRegistry(WEIGHTS)
  const upstreams = [{ name: 'registry', pack: 'mlflow', url: registry.url }]
  const signals = { receivers: [{ issuer: 'dev', audience: SIGNAL_AUDIENCE }] }
  const config = { ...PRIVILEGE_FILES.config, signals }
  world = await startWorld({ ...PRIVILEGE_FILES, upstreams, config })
  registry.answer = (request, response) => {
    const isRead = request.url?.includes('registered-models') === true
    const [type, body] = isRead ? ['json', '{}'] : ['octet-stream', WEIGHTS]
    response.writeHead(200, { 'content-type': `application/${type}` }).end(body)
  }
}, 30_000)
afterAll(async () => {
  await world.close()
  await registry.close()
})

interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

interface Called {
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
  readonly token?: string
}

async function call(as: Name, line: string, called: Called = {}): Promise<Answered> {
  const [method = '', path = ''] = line.split(' ')
  const { body, headers, token = await tokenOf(world.issuer, as, CONTROL_AUDIENCE) } = called
  const answer = await fetch(`http://127.0.0.1:${world.controlPort}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== ''
  const json = isJson ? (JSON.parse(text) as Answered['json']) : {}
  return { status: answer.status, headers: answer.headers, text, json }
}

async function done(as: Name, line: string, called: Called = {}): Promise<Answered['json']> {
  const answer = await call(as, line, called)
  expect([line, answer.status < 300, answer.text]).toEqual([line, true, answer.text])
  return answer.json
}

async function refused(as: Name, line: string, called: Called, outcome: [number, string]) {
  const { status, json } = await call(as, line, called)
  expect([line, status, json['reason']]).toEqual([line, ...outcome])
}

const ask = async (more: object = {}) => {
  const json = await done('erin', 'POST /v1/requests', { body: { ...WANTED, ...more } })
  return { id: String(json['id']), digest: String(json['digest']) }
}

/** Somebody's read on the data listener. */
async function reads(token: Promise<string>): Promise<[number, unknown]> {
  const url = `http://127.0.0.1:${world.port}/api/2.0/mlflow/registered-models/get?name=m-1`
  const answer = await fetch(url, { headers: { authorization: `Bearer ${await token}` } })
  const text = await answer.text()
  const reason = answer.ok ? undefined : (JSON.parse(text) as { reason?: string }).reason
  return [answer.status, reason]
}

const erinReads = () => reads(tokenOf(world.issuer, 'erin', 'modelgate'))

const recorded = (wanted: Readonly<Record<string, unknown>>) =>
  world.whenRecord((one: WorldRecord) =>
    Object.entries(wanted).every(([name, value]) => one[name] === value),
  )

describe('a request', () => {
  let grant = ''

  // 265, 271
  it('is not approved by who made it, nor by what somebody else saw, and then by two', async () => {
    const { id, digest } = await ask()
    await refused('erin', `POST /v1/requests/${id}/approve`, { body: { digest } }, [
      403,
      'self_approval',
    ])
    const other = `sha256:${'0'.repeat(64)}`
    const approve = `POST /v1/requests/${id}/approve`
    await refused('olga', approve, { body: { digest: other } }, [409, 'edited'])
    expect(await done('olga', approve, { body: { digest } })).toMatchObject({ status: 'pending' })
    await refused('olga', approve, { body: { digest } }, [409, 'already_done'])
    const approved = await done('oscar', approve, { body: { digest } })
    expect(approved).toMatchObject({ status: 'approved' })
    grant = String(approved['grant'])
    for (const [sub, what] of [
      ['erin', 'requests.create'],
      ['erin', 'requests.approve'],
      ['olga', 'requests.approve'],
      ['oscar', 'requests.approve'],
    ]) {
      await recorded({ type: 'admin', effect: 'permit', sub: `user:dev/${sub}`, what })
    }
    await recorded({ type: 'access', what: 'grant.issued' })
  })

  it('becomes a grant that its holder sees, and strangers do not', async () => {
    const { items } = await done('erin', 'GET /v1/grants?status=active&mine=true')
    expect(items).toEqual([expect.objectContaining({ id: grant, holder: 'user:dev/erin' })])
    await refused('sam', 'GET /v1/grants', {}, [403, 'no_rule'])
    await recorded({ type: 'admin', effect: 'deny', sub: 'user:dev/sam', what: 'grants.list' })
    await recorded({ type: 'admin', effect: 'permit', sub: 'user:dev/erin', what: 'grants.list' })
  })

  it('is done once however often it is sent with one key', async () => {
    const headers = { 'idempotency-key': 'key-of-erin-1' }
    const first = await done('erin', 'POST /v1/requests', { body: WANTED, headers })
    const again = await done('erin', 'POST /v1/requests', { body: WANTED, headers })
    expect(again['id']).toBe(first['id'])
    const other = { body: { ...WANTED, duration: '2h' }, headers }
    await refused('erin', 'POST /v1/requests', other, [422, 'key_reused'])
  })

  it('gives what it says on the data listener, once', async () => {
    const token = await tokenOf(world.issuer, 'erin', 'modelgate')
    const first = await download(world.port, token).done
    expect([first.status, first.body.length]).toEqual([200, 1_000])
    expect((await download(world.port, token).done).status).toBe(403)
  })

  it('is not there for those who may not see it', async () => {
    const { id } = await ask({ duration: '3h' })
    await refused('sam', `GET /v1/requests/${id}`, {}, [403, 'no_rule'])
    await refused('sam', 'POST /v1/requests', { body: WANTED }, [403, 'no_rule'])
    await refused('olga', 'GET /v1/requests/req-00000000000000000000000000', {}, [404, 'not_found'])
    await refused('erin', 'GET /v1/locks', {}, [403, 'no_rule'])
  })
})

describe('a grant that is taken back', () => {
  it('is worth nothing from then on', async () => {
    const { id, digest } = await ask({ duration: '2h' })
    await done('olga', `POST /v1/requests/${id}/approve`, { body: { digest } })
    const approved = await done('oscar', `POST /v1/requests/${id}/approve`, { body: { digest } })
    const grant = String(approved['grant'])
    const body = { reason: 'not needed any more' }
    const revoked = await done('olga', `POST /v1/grants/${grant}/revoke`, { body })
    expect(revoked).toMatchObject({ status: 'revoked' })
    const token = await tokenOf(world.issuer, 'erin', 'modelgate')
    expect((await download(world.port, token).done).status).toBe(403)
    await recorded({ type: 'access', what: 'grant.revoked' })
  })
})

describe('a lock', () => {
  it('refuses on the data listener and in the control API until it is lifted', async () => {
    expect(await erinReads()).toEqual([200, undefined])
    const target = { kind: 'user', id: 'user:dev/erin' }
    const body = { target, reason: 'credentials on a paste site' }
    const answer = await call('root', 'POST /v1/locks', { body })
    const id = String(answer.json['id'])
    expect([answer.status, answer.headers.get('location')]).toEqual([201, `/v1/locks/${id}`])
    expect(await erinReads()).toEqual([403, 'locked'])
    await refused('erin', 'GET /v1/requests', {}, [403, 'locked'])
    const lifted = await done('ruth', `POST /v1/locks/${id}/lift`, { body: { reason: 'new ones' } })
    expect(lifted).toMatchObject({ status: 'lifted', lifted: { by: ['user:dev/ruth'] } })
    expect(await erinReads()).toEqual([200, undefined])
    await recorded({ type: 'admin', what: 'locks.set', sub: 'user:dev/root' })
    await recorded({ type: 'admin', what: 'locks.lift', sub: 'user:dev/ruth', of: id })
    await recorded({ type: 'lock.enforced', lock: id })
  })

  it('on one token leaves the others alone', async () => {
    const stolen = tokenOf(world.issuer, 'erin', 'modelgate', { jti: 'stolen-1' })
    expect(await reads(stolen)).toEqual([200, undefined])
    const body = { issuer: 'dev', jti: 'stolen-1', reason: 'in a public repository' }
    await done('root', 'POST /v1/tokens/revoke', { body })
    expect(await reads(stolen)).toEqual([403, 'locked'])
    expect(await erinReads()).toEqual([200, undefined])
    await recorded({ type: 'admin', what: 'tokens.revoke', sub: 'user:dev/root' })
  })

  it('is tried without locking anybody', async () => {
    const begun = await call('root', 'POST /v1/drills', { body: {} })
    expect(begun.status).toBe(202)
    const path = `GET /v1/drills/${String(begun.json['id'])}`
    await recorded({ type: 'access', what: 'drill.reported', verdict: 'passed' })
    const drill = await done('root', path)
    expect(drill).toMatchObject({ state: 'passed', missing: [], reports: [{ ok: true }] })
    await recorded({ type: 'access', what: 'drill.begun' })
  })
})

describe('a signal of the identity provider', () => {
  it('locks whom it is about, everywhere', async () => {
    const subject = { format: 'iss_sub', iss: world.issuer.issuer, sub: 'sam' }
    // Such a token does not expire.
    const told = {
      exp: undefined,
      aud: SIGNAL_AUDIENCE,
      sub_id: subject,
      events: { [ACCOUNT_DISABLED]: {} },
    }
    const body = await world.issuer.mint(told as unknown as JWTPayload, {
      lifetimeS: 60,
      typ: 'secevent+jwt',
    })
    const headers = { 'content-type': 'application/secevent+jwt' }
    const url = `http://127.0.0.1:${world.controlPort}/signals/events`
    const answer = await fetch(url, { method: 'POST', headers, body })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
    await refused('sam', 'GET /v1/grants', {}, [403, 'locked'])
    const { items } = await done('root', 'GET /v1/locks?kind=user&target=user:dev/sam')
    expect(items).toEqual([
      expect.objectContaining({
        by: 'issuer:dev',
        cause: expect.objectContaining({ kind: 'signal' }),
      }),
    ])
    const { jti } = await recorded({ type: 'access', what: 'lock.set', signal: ACCOUNT_DISABLED })
    expect(jti).toEqual(expect.any(String))
    const torn = `${body.slice(0, -8)}AAAAAAAA`
    const again = await fetch(url, { method: 'POST', headers, body: torn })
    expect([again.status, await again.json()]).toMatchObject([400, { err: 'invalid_key' }])
    await recorded({ type: 'signal.refused', err: 'invalid_key', issuer: 'dev', ip: '127.0.0.1' })
  })
})

describe('a review', () => {
  it('lists what there is, keeps and takes away, and is exported', async () => {
    const due = new Date(Date.now() + 86_400_000).toISOString()
    const body = { title: 'who exports', due_at: due, scope: { action: 'export' } }
    const started = await done('root', 'POST /v1/reviews', { body })
    const { id, lines } = started['review'] as { id: string; lines: number }
    expect(lines).toBeGreaterThan(0)
    const { items } = await done('root', `GET /v1/reviews/${id}/lines?order=oldest`)
    const rule = (items as { id: string; kind: string }[]).find(({ kind }) => kind === 'standing')
    const line = `/v1/reviews/${id}/lines/${rule?.id ?? ''}`
    const certified = await done('root', `POST ${line}/certify`, { body: { comment: 'needed' } })
    expect(certified).toMatchObject({ status: 'certified' })
    const revoked = await done('ruth', `POST ${line}/revoke`, { body: { comment: 'not so' } })
    expect(revoked).toMatchObject({ status: 'revoked', source: 'policy.csv:1' })
    const csv = await call('root', `GET /v1/reviews/${id}/export.csv`)
    expect([csv.status, csv.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
    expect(csv.text).toContain('role:exporter')
    const { items: held } = await done(
      'root',
      'GET /v1/privileges?resource=model:m-1&action=export',
    )
    expect(held).toContainEqual(expect.objectContaining({ holder: 'role:exporter', ghost: false }))
    await recorded({ type: 'admin', what: 'reviews.revoke', sub: 'user:dev/ruth' })
  })
})

describe('a reading', () => {
  // 286
  it('changes nothing, whatever it is of', async () => {
    const seq = async () => (await done('root', 'GET /v1/state'))['seq']
    const before = await seq()
    for (const area of [
      'requests',
      'grants',
      'locks',
      'drills',
      'reviews',
      'privileges',
      'replicas',
    ]) {
      await done('root', `GET /v1/${area}`)
      await recorded({ type: 'admin', effect: 'permit', what: `${area}.list` })
      expect((await call('root', `HEAD /v1/${area}`)).status).toBe(200)
    }
    expect(await seq()).toBe(before)
  })

  it('needs a token for the control API', async () => {
    const token = await tokenOf(world.issuer, 'root', 'modelgate')
    await refused('root', 'GET /v1/locks', { token }, [401, 'authn_audience'])
  })
})
