/** Scripts that take models apart, over sockets: found, written down, and kept out at every door. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from '../support/attack.ts'
import { inProcess } from '../support/cli.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, WORLD_POLICY, type World } from '../support/world.ts'
import type { WorldRecord } from '../support/world-files.ts'

const CONTROL = 'modelgate-control'
const LIMITS = `limits:
  attack:
    for: [role:inference]
    apart: [[top_logprobs, n]]
    detect:
      window: 1h
      logits: { share: 50%, of: 20 }
      vectors: 100
      sweep: { share: 80%, of: 30 }
    on_incident: { lock: 10m }
  report:
    for: [role:reader]
    detect: { window: 1h, logits: { share: 50%, of: 5 } }
`
const POLICY = `${WORLD_POLICY}p, role:reader, infer, model:*, always, allow
p, role:admin, read, server:gate:lockouts, always, allow
p, role:admin, admin, server:gate:lockouts, always, allow
`
const STREAM =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'

let world: World
beforeAll(async () => {
  const control = { host: '127.0.0.1', port: 0, audience: CONTROL }
  world = await startWorld({
    policy: POLICY,
    rules: { 'limits.yaml': LIMITS },
    upstreams: [{ name: 'llm', pack: 'vllm' }],
    config: { listen: { data: { host: '127.0.0.1', port: 0 }, control } },
    handler: ({ raw }) => {
      if (raw.includes('"stream":true')) return `${STREAM}9\r\ndata: 1\n\n\r\n`
      return 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
    },
  })
}, 30_000)
afterAll(() => world.close())

const bodyOf = (body: object) => JSON.stringify({ model: 'm', ...body })
const says = (content: string, more: object = {}) => ({
  messages: [{ role: 'user', content }],
  ...more,
})

/** One request of `sub`; status, reason and detail. */
async function send(
  sub: string,
  call: { path?: string; body?: object; roles?: string[]; method?: string },
) {
  const { path = '/v1/chat/completions', body = says('x y z'), roles = ['inference'] } = call
  const { method = 'POST' } = call
  const token = await world.token(roles, { sub })
  const lines = ['Content-Type: application/json']
  const sent = method === 'GET' ? {} : { body: bodyOf(body), lines }
  const bytes = request({ method, target: path, host: 'a.test', token, ...sent })
  const { responses } = await rawExchange(world.port, bytes)
  const text = responses[0]?.body.toString() ?? ''
  const { reason, detail } = toldIn(text)
  return { status: responses[0]?.status, reason, detail }
}

/** The reason in a problem document, or in the shape of OpenAI. */
function toldIn(text: string) {
  interface Told {
    readonly reason?: string
    readonly detail?: string
    readonly error?: { readonly code?: string; readonly message?: string }
  }
  const told = (text.startsWith('{') ? JSON.parse(text) : {}) as Told
  const { code, message = '' } = typeof told.error === 'object' ? told.error : {}
  return { reason: told.reason ?? code, detail: told.detail ?? message }
}

/** Sends until something is refused; how many, and by what. */
async function attack(sub: string, bodies: Iterable<object>, path?: string) {
  let at = 0
  for (const body of bodies) {
    at += 1
    const { status, reason } = await send(sub, { body, ...(path === undefined ? {} : { path }) })
    if (status !== 200) return { at, reason }
  }
  return { at, reason: undefined }
}

function* numbered(make: (i: number) => object): Generator<object> {
  for (let i = 0; i < 200; i++) yield make(i)
}

describe('an attack script', () => {
  it('that biases one token at a time and reads the probabilities is stopped', async () => {
    const bodies = numbered((i) =>
      says('Say one word.', { logit_bias: { [i]: 100 }, logprobs: true, top_logprobs: 5 }),
    )
    expect(await attack('carlini', bodies)).toEqual({ at: 20, reason: 'extraction_suspected' })
    const incident = await world.whenRecord(
      ({ type, sub }) => type === 'incident' && sub === 'user:dev/carlini',
    )
    expect(incident).toMatchObject({
      kind: 'extraction',
      found: 'logits',
      evidence: { seen: [{ rule: 'logits', limit: 'attack', requests: 20, count: 20 }] },
    })
    expect(JSON.stringify(incident)).not.toContain('one word')
    expect(String(incident['locked_until'])).toMatch(/^\d{4}-/)
  })

  it('that sweeps a question, or floods embeddings, is stopped', async () => {
    const sweep = numbered((i) => says(`Rate the number ${i} from bad to good`))
    expect(await attack('sweeper', sweep)).toEqual({ at: 30, reason: 'extraction_suspected' })
    const flood = numbered((i) => ({ input: Array.from({ length: 16 }, (_, k) => `${i} ${k}`) }))
    expect(await attack('embedder', flood, '/v1/embeddings')).toEqual({
      at: 7,
      reason: 'extraction_suspected',
    })
    expect(await world.metric('extraction_suspected_total', { rule: 'sweep' })).toBe(1)
    expect(await world.metric('extraction_suspected_total', { rule: 'vectors' })).toBe(1)
    expect(await world.metric('incidents_total', { kind: 'extraction' })).toBe(3)
  })

  it('is only told of where nobody is kept out', async () => {
    const bodies = [1, 2, 3, 4, 5, 6].map(() => says('a b c', { logprobs: true }))
    for (const body of bodies) {
      expect((await send('watched', { body, roles: ['reader'] })).status).toBe(200)
    }
    const incident = await world.whenRecord(
      ({ type, sub }) => type === 'incident' && sub === 'user:dev/watched',
    )
    expect(incident['locked_until']).toBeUndefined()
  })

  it('finds parameters that must stay apart refused', async () => {
    const body = says('x', { n: 2, logprobs: true, top_logprobs: 5 })
    expect(await send('apart', { body })).toMatchObject({
      status: 403,
      reason: 'parameter_refused',
    })
  })
})

/** One call of the control API. */
async function control(sub: string, method: string, path: string, body?: object) {
  const token = await world.token(['admin'], { sub, aud: CONTROL })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const url = `http://127.0.0.1:${world.controlPort}${path}`
  const answer = await fetch(url, { method, headers, ...init })
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
}

describe('whoever is kept out', () => {
  it('finds every door closed, and open streams ended, until somebody opens them', async () => {
    const token = await world.token(['inference'], { sub: 'mallory' })
    const body = bodyOf(says('a long story', { stream: true }))
    const lines = ['Content-Type: application/json']
    const target = '/v1/chat/completions'
    const stream = rawExchange(
      world.port,
      request({ method: 'POST', target, host: 'a.test', token, body, lines }),
      { until: (raw) => raw.includes('\r\n0\r\n\r\n') || raw.includes('problem+json') },
    )
    await world.until('the stream', async () => (await world.metric('requests_in_flight')) === 1)
    const flood = numbered((i) => ({ input: Array.from({ length: 32 }, (_, k) => `${i} ${k}`) }))
    expect((await attack('mallory', flood, '/v1/embeddings')).reason).toBe('extraction_suspected')
    const ended = await stream
    expect(ended.raw.toString()).toContain('locked_out')
    expect(ended.endedBy).toBe('until')

    for (const door of [
      {},
      { path: '/v1/embeddings', body: { input: 'x' } },
      { path: '/v1/models', method: 'GET', roles: ['reader'] },
      { path: '/v1/completions', body: { prompt: 'x' }, roles: ['reader', 'exporter', 'deployer'] },
    ]) {
      const { status, reason, detail } = await send('mallory', door)
      expect([status, reason]).toEqual([403, 'locked_out'])
      expect(detail).toMatch(/until \d{4}-.*decision [0-9a-f-]+/)
    }
    expect((await control('mallory', 'GET', '/lockouts')).json).toMatchObject({
      reason: 'locked_out',
    })

    const subject = 'user:dev/mallory'
    const incident = await world.whenRecord(
      (one) => one.type === 'incident' && one['sub'] === subject,
    )
    await world.whenRecord((one) => one.type === 'outcome' && one['lock'] === incident.id)
    const asked = ['audit', 'query', '--lock', incident.id ?? '', '--format', 'json']
    const answer = await inProcess([...asked, '--dir', 'audit'], { cwd: world.dir })
    const stopped = JSON.parse(answer.stdout) as WorldRecord[]
    expect(stopped.map(({ type, reason }) => `${type} ${reason ?? ''}`).sort()).toEqual([
      'admin locked_out',
      ...Array.from({ length: 4 }, () => 'decision locked_out'),
      'outcome locked_out',
    ])
    const shown = await control('olga', 'GET', '/lockouts')
    expect(shown.json['lockouts']).toContainEqual(expect.objectContaining({ subject }))
    const lift = { subject, reason: 'it was a benchmark' }
    expect((await control('olga', 'POST', '/lockouts/lift', lift)).status).toBe(200)
    expect(await control('olga', 'POST', '/lockouts/lift', lift)).toMatchObject({
      status: 404,
      json: { reason: 'lockout_unknown' },
    })
    expect((await send('mallory', {})).status).toBe(200)
    const record = await world.whenRecord((one) => one['of'] === subject)
    expect(record).toMatchObject({ type: 'admin', what: 'lockouts.lift', sub: 'user:dev/olga' })
  }, 20_000)
})
