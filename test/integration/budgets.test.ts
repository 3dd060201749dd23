/** Budgets over real sockets: what leaves is counted, however it is asked for. */
import { createServer, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import { startWorld, type World } from '../support/world.ts'

const ROUTES = `pack: echo
title: A server whose answers are as long as they are asked to be
routes:
  - { methods: [GET], path: '/get/{model}/{bytes}', action: infer, model: [{ path: model }] }
  - methods: [GET]
    path: '/live/{model}'
    action: infer
    model: [{ path: model }]
    upgrade: websocket
`

const MIB = 1024 * 1024

/** Each role has one budget, so that each test has its own. */
const LIMITS = `weights: { budget: none }
limits:
  download:
    for: [role:reader]
    budget: { per: subject-model, bytes: { day: 2MiB } }
  minute:
    for: [role:deployer]
    budget: { per: subject-model, requests: { minute: 3 } }
  places:
    for: [role:retrainer]
    budget: { streams: 2 }
  once:
    for: [role:admin]
    budget: { bytes: { request: 64KiB } }
  tokens:
    for: [role:inference]
    budget: { per: subject-model, tokens: { hour: 100 } }
`

const POLICY = `p, role:anyone, infer, model:*, always, allow
`

let world: World
let upstream: Server
let sockets: WebSocketServer
const held: ServerResponse[] = []

beforeAll(async () => {
  upstream = createServer((request, response) => {
    const [, , model = '', bytes = '0'] = (request.url ?? '').split('/')
    if (model.startsWith('sse')) void events(response, Number(bytes))
    else if (model === 'held') held.push(response.writeHead(200, { 'content-type': 'text/plain' }))
    else if (model.startsWith('usage')) {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ text: 'x', usage: { total_tokens: Number(bytes) } }))
    } else void drip(response, Number(bytes), model === 'long')
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  sockets = new WebSocketServer({ server: upstream })
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined)
    socket.on('message', (data: Buffer) => {
      for (let i = 0; i < Number(data.toString()); i++) socket.send(Buffer.alloc(1_024, 0x61))
    })
  })
  const { port } = upstream.address() as AddressInfo
  world = await startWorld({
    policy: POLICY,
    rules: { 'routes/echo.yaml': ROUTES, 'limits.yaml': LIMITS },
    upstreams: [{ name: 'models', pack: 'echo', url: `http://127.0.0.1:${port}`, websocket: true }],
  })
}, 30_000)
afterAll(async () => {
  for (const client of sockets.clients) client.terminate()
  sockets.close()
  await world.close()
  upstream.closeAllConnections()
  upstream.close()
})

/** Settles when more can be written, or nothing can any more. */
function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** Random letters, with or without a length announced. */
async function drip(response: ServerResponse, bytes: number, isAnnounced: boolean): Promise<void> {
  response.setHeader('content-type', 'text/plain')
  if (isAnnounced) response.setHeader('content-length', bytes)
  for (let left = bytes; left > 0 && !response.destroyed; left -= 16_384) {
    const isTaken = response.write(Buffer.alloc(Math.min(left, 16_384), 0x61 + (left % 20)))
    if (!isTaken) await room(response)
  }
  response.end()
}

async function events(response: ServerResponse, count: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let i = 0; i < count && !response.destroyed; i++) {
    if (!response.write(`data: ${'x'.repeat(8_000)}\n\n`)) {
      await room(response)
    }
  }
  response.end()
}

/** What came of a GET: the body's bytes are those that arrived, whole or not. */
async function get(path: string, role: string, more: { sub?: string; range?: string } = {}) {
  const token = await world.token([role], more.sub === undefined ? {} : { sub: more.sub })
  const response = await fetch(`http://127.0.0.1:${world.port}${path}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(more.range === undefined ? {} : { range: more.range }),
    },
  })
  let bytes = 0
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      bytes += (chunk as Uint8Array).length
      text = (text + Buffer.from(chunk as Uint8Array).toString('latin1')).slice(-4_000)
    }
  } catch {
    return { response, bytes, text, isCut: true }
  }
  return { response, bytes, text, isCut: false }
}

describe('a budget of bytes', () => {
  it('lets no more through than it says and one lease, over any number of connections', async () => {
    const all = await Promise.all(
      Array.from({ length: 12 }, () => get(`/get/many/${512 * 1024}`, 'reader')),
    )
    const through = all
      .filter(({ response }) => response.status === 200)
      .reduce((sum, { bytes }) => sum + bytes, 0)
    expect(through).toBeGreaterThan(MIB)
    expect(through).toBeLessThanOrEqual(2 * MIB * 1.05)
    const next = await get('/get/many/1000', 'reader')
    expect(next.response.status).toBe(429)
    expect(Number(next.response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(JSON.parse(next.text)).toMatchObject({
      reason: 'budget_exhausted',
      detail: expect.stringMatching(
        /^Budget download is used up: 2097152 bytes in a day \(limits\.yaml:5\)\. Try again in \d+ s/,
      ),
    })
    const id = next.response.headers.get('x-modelgate-decision-id') ?? ''
    expect(await world.record(id)).toMatchObject({
      effect: 'deny',
      stage: 'budget',
      reason: 'budget_exhausted',
      budget: { limit: 'download', unit: 'bytes', window: 'day', src: 'limits.yaml:5' },
    })
  }, 20_000)

  it('is counted piece by piece, whatever part was asked for', async () => {
    for (let i = 0; i < 4; i++) {
      await get(`/get/shards/${MIB}`, 'reader', { range: `bytes=${i * 10}-${i * 10 + 9}` })
    }
    expect((await get('/get/shards/1', 'reader')).response.status).toBe(429)
    expect(
      await world.metric('budget_used_total', { limit: 'download', unit: 'bytes' }),
    ).toBeGreaterThan(0)
  }, 20_000)

  it('refuses an answer that announces more than all of it before a byte leaves', async () => {
    const { response, text } = await get(`/get/long/${3 * MIB}`, 'reader')
    expect(response.status).toBe(429)
    expect(text).toContain('budget_exhausted')
    expect((await get('/get/long/10', 'reader')).response.status).toBe(200)
  })

  it('is one for the clients of a subject, and another for another subject', async () => {
    await get(`/get/split/${3 * MIB}`, 'reader')
    expect((await get('/get/split/1', 'reader')).response.status).toBe(429)
    expect((await get('/get/split/1', 'reader', { sub: 'bob' })).response.status).toBe(200)
  }, 20_000)

  it('ends an event stream with an event that says so', async () => {
    const { text, isCut } = await get('/get/sse/1000', 'reader')
    expect(isCut).toBe(false)
    expect(text).toContain('event: error')
    expect(text).toContain('"code":"budget_exhausted"')
    const record = await world.whenRecord(
      (one) =>
        one.type === 'outcome' && one.reason === 'budget_exhausted' && one['bytes_out'] !== 0,
    )
    expect(record).toMatchObject({ budget: { limit: 'download' } })
  }, 20_000)

  it('is a cap on one answer where it says request', async () => {
    expect((await get(`/get/long/${64 * 1024}`, 'admin')).bytes).toBe(64 * 1024)
    const { response, text } = await get(`/get/long/${64 * 1024 + 1}`, 'admin')
    expect([response.status, JSON.parse(text)]).toMatchObject([
      502,
      { reason: 'response_over_limit' },
    ])
    const cut = await get(`/get/short/${MIB}`, 'admin')
    expect([cut.isCut, cut.bytes <= 64 * 1024]).toEqual([true, true])
    expect((await get('/get/long/10', 'admin')).response.status).toBe(200)
  })

  it('closes a WebSocket with its reason', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/live/tunnel`, {
      headers: { authorization: `Bearer ${await world.token(['reader'])}` },
    })
    await once(socket, 'open')
    let bytes = 0
    socket.on('message', (data: Buffer) => (bytes += data.length))
    socket.send('4096')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    expect([code, reason.toString()]).toMatchObject([
      1008,
      expect.stringMatching(/^budget_exhausted/),
    ])
    expect(bytes).toBeLessThanOrEqual(2 * MIB * 1.05)
    expect(bytes).toBeGreaterThan(MIB)
  }, 20_000)
})

describe('other units', () => {
  it('requests: refuses the next one, with when to come back', async () => {
    for (let i = 0; i < 3; i++)
      expect((await get('/get/req/1', 'deployer')).response.status).toBe(200)
    const { response } = await get('/get/req/1', 'deployer')
    const retryAfter = Number(response.headers.get('retry-after'))
    expect([response.status, retryAfter >= 1 && retryAfter <= 65]).toEqual([429, true])
    expect(await world.metric('budget_refusals_total', { limit: 'minute', unit: 'requests' })).toBe(
      1,
    )
  })

  it('streams: as many at once as it says, and the next when one ends', async () => {
    const running = [get('/get/held/1', 'retrainer'), get('/get/held/1', 'retrainer')]
    await world.until('two to be under way', () => held.length === 2)
    const third = await get('/get/short/1', 'retrainer')
    expect([third.response.status, third.response.headers.get('retry-after')]).toEqual([429, '1'])
    for (const response of held.splice(0)) response.end('x')
    await Promise.all(running)
    expect((await get('/get/short/1', 'retrainer')).response.status).toBe(200)
  })

  it('tokens: an answer is charged when it is over, and what is too much is owed', async () => {
    expect((await get('/get/usage/90', 'inference')).response.status).toBe(200)
    expect((await get('/get/usage/300', 'inference')).response.status).toBe(200)
    await world.until('the charge to be known', async () => {
      return (await get('/get/usage/1', 'inference')).response.status === 429
    })
    const spent = await world.whenRecord((one) => {
      return JSON.stringify(one['used']) === '[{"limit":"tokens","unit":"tokens","n":300}]'
    })
    expect(spent.type).toBe('outcome')
  })

  it('tokens: an answer that reports none is charged by its length', async () => {
    await get('/get/none/4000', 'inference')
    await world.until('the charge to be known', async () => {
      return (await get('/get/none/4', 'inference')).response.status === 429
    })
  })
})
