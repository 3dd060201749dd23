/** One connection, one order: nothing hides a request behind another (I1, I15, I23). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { expectRefusal, HOSTS, json, request, startAttackWorld } from '../support/attack.ts'
import { afterResponses, rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld({
    // Models named slow are answered late, so that what comes behind has to wait.
    handler: (seen, socket) => {
      if (!seen.head.includes('/slow')) return OK
      setTimeout(() => socket.write(OK), 50)
      return undefined
    },
  })
  token = await world.token(['reader', 'inference', 'deployer'])
})
afterAll(() => world.close())

const get = (model: string, as?: string) => request({ target: `/v2/models/${model}`, token: as })
const paths = (from: number) =>
  world.upstream.requests.slice(from).map(({ head }) => head.split(' ')[1])
const statuses = (responses: readonly { status: number }[]) => responses.map((one) => one.status)

describe('pipelined requests', () => {
  it('are answered in order, each decided on its own, the records in that order', async () => {
    const before = world.upstream.requests.length
    const known = (await world.records()).length
    const bytes = get('slow', token) + get('denied') + get('third', token)
    const { responses } = await rawExchange(world.port, bytes, { until: afterResponses(3) })
    expect(statuses(responses)).toEqual([200, 401, 200])
    expect(paths(before)).toEqual(['/v2/models/slow', '/v2/models/third'])
    await world.record(responses[1]?.header('x-modelgate-decision-id') ?? '')
    await world.until('three decisions', async () => {
      const decisions = (await world.records()).slice(known).filter((r) => r.type === 'decision')
      return decisions.map((r) => r.effect).join() === 'permit,deny,permit'
    })
  })

  it('wait at most sixteen at a time: one connection cannot take every slot', async () => {
    const before = world.upstream.requests.length
    const bytes = get('slow', token) + get('next', token).repeat(60)
    const { responses, endedBy } = await rawExchange(world.port, bytes, { until: () => false })
    expect(responses).toEqual([])
    expect(['close', 'reset']).toContain(endedBy)
    await world.whenRecord((one) => one['code'] === 'ERR_PIPELINE_TOO_LONG')
    expect(world.upstream.requests.length).toBeLessThanOrEqual(before + 1)
  })

  it('a malformed one is answered after the answers before it', async () => {
    const bytes = `${get('slow', token)}GET /v2 models HTTP/1.1\r\n\r\n`
    const { responses, endedBy } = await rawExchange(world.port, bytes, { until: () => false })
    expect(statuses(responses)).toEqual([200, 400])
    expect(endedBy).toBe('close')
  })

  it.each([
    ['an upgrade', 'GET', '/v2/models/iris'],
    ['a CONNECT', 'CONNECT', 'models.test:443'],
  ])('%s behind an open response ends the connection', async (_, method, target) => {
    const lines = method === 'GET' ? ['Connection: Upgrade', 'Upgrade: websocket'] : []
    const count = () => world.metric('refusals_total', { reason: 'upgrade_invalid' })
    const before = await count()
    const bytes = get('slow', token) + request({ method, target, token, lines })
    const { responses } = await rawExchange(world.port, bytes, { until: () => false })
    expect(responses).toEqual([])
    await world.whenRecord((one) => one['code'] === 'ERR_UPGRADE_PIPELINED')
    expect(await count()).toBe(before + 1)
  })
})

describe('bytes behind a body', () => {
  it('within the length are the body, even when they look like a request', async () => {
    const hidden = get('hidden', token)
    const bytes = request({ ...json(hidden), target: '/v2/models/iris/infer' })
    const refused = { reason: 'authn_missing' } as const
    await expectRefusal(world, bytes, refused)
    const { responses, endedBy } = await rawExchange(world.port, bytes, {
      until: () => false,
      timeoutMs: 300,
    })
    expect(statuses(responses)).toEqual([401])
    expect(['timeout', 'close']).toContain(endedBy)
  })

  it('past the length are a request that is decided on its own', async () => {
    const before = world.upstream.requests.length
    const first = request({ ...json('{}'), target: '/v2/models/iris/infer', token })
    const { responses } = await rawExchange(world.port, first + get('other'), {
      until: afterResponses(2),
    })
    expect(statuses(responses)).toEqual([200, 401])
    expect(paths(before)).toEqual(['/v2/models/iris/infer'])
  })

  it('a body shorter than its length reaches no upstream that it decides about', async () => {
    const lines = ['Content-Type: application/json', 'Content-Length: 400']
    const bytes = request({
      method: 'POST',
      target: '/v1/completions',
      host: HOSTS.llm,
      token,
      lines,
      body: '{"model":"iris"}',
    })
    const received = world.upstream.received().length
    await rawExchange(world.port, bytes, { halfClose: true, until: () => false })
    await world.whenRecord(({ reason }) => reason === 'request_body_aborted')
    expect(world.upstream.received()).toHaveLength(received)
  })
})

describe('two framings for two readers', () => {
  const target = '/v2/models/iris/infer'
  const smuggled = get('smuggled', 'x')

  it.each([
    ['CL.TE', `0\r\n\r\n${smuggled}`, ['Content-Length: 60', 'Transfer-Encoding: chunked']],
    [
      'TE.CL',
      `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      ['Content-Length: 4', 'Transfer-Encoding: chunked'],
    ],
    ['TE.TE', `0\r\n\r\n${smuggled}`, ['Transfer-Encoding: chunked', 'Transfer-Encoding: x']],
    ['TE.0', `0\r\n\r\n${smuggled}`, ['Transfer-Encoding: x, chunked']],
    ['CL.CL', smuggled, ['Content-Length: 0', 'Content-Length: 60']],
  ])('%s reaches no upstream', async (_, body, lines) => {
    const bytes = request({ method: 'POST', target, token, lines, body })
    await expectRefusal(world, bytes, { reason: 'framing_invalid' }, { closes: true })
  })

  it('a chunked DELETE reaches no upstream (CVE-2026-29057)', async () => {
    const bytes = request({
      method: 'DELETE',
      target: '/models/iris',
      host: HOSTS.both,
      token,
      lines: ['Transfer-Encoding: chunked'],
      body: `0\r\n\r\n${smuggled}`,
    })
    await expectRefusal(world, bytes, { reason: 'framing_invalid' }, { closes: true })
  })

  it('chunk data that looks like a request stays data', async () => {
    const before = world.upstream.requests.length
    const body = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
    const lines = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
    const bytes = request({ method: 'POST', target, token, lines, body })
    const { responses } = await rawExchange(world.port, bytes)
    expect(statuses(responses)).toEqual([200])
    expect(paths(before)).toEqual([target])
  })
})
