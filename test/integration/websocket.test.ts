/** WebSockets on a route of the operator's own: classified, decided, recorded, tunnelled. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { rawExchange } from '../support/raw-client.ts'

const ROUTES = `pack: echo
title: A model server that talks over WebSocket
routes:
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
  - methods: [GET]
    path: /models/{model}
    action: read
    model: [{ path: model }]
`

let world: BuiltWorld
let sockets: WebSocketServer
beforeAll(async () => {
  world = await startBuiltWorld({
    rules: { 'routes/echo.yaml': ROUTES },
    upstreams: [
      { name: 'live', pack: 'echo', websocket: true },
      { name: 'plain', pack: 'echo', match: { path_prefix: '/plain' }, strip_prefix: true },
    ],
  })
  sockets = new WebSocketServer({ server: world.upstream.server })
  sockets.on('connection', (socket, request) => {
    socket.send(`hello ${request.url ?? ''}`)
    socket.on('message', (data: Buffer, binary) => {
      if (data.toString() === 'bye') socket.close(4001, 'bye')
      else socket.send(data, { binary })
    })
    socket.on('error', () => undefined)
  })
}, 30_000)
afterAll(async () => {
  for (const client of sockets.clients) client.terminate()
  sockets.close()
  await world.close()
})

const url = (path: string) => `ws://127.0.0.1:${world.dataPort}${path}`
const bearer = async (roles: readonly string[]) => ({
  authorization: `Bearer ${await world.token(roles)}`,
})

/** The answer to an upgrade that is refused. */
async function refused(path: string, headers: Record<string, string>) {
  const socket = new WebSocket(url(path), { headers })
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  socket.terminate()
  const { reason, decision_id: id } = JSON.parse(text) as Record<string, string>
  return { status: response.statusCode, reason, id, headers: response.headers }
}

describe('an upgrade of a caller who may', () => {
  it('becomes a tunnel in which messages pass both ways, and is recorded', async () => {
    const socket = new WebSocket(url('/live/llama'), { headers: await bearer(['inference']) })
    const messages: string[] = []
    const texts = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        messages.push(data.toString())
        if (messages.length === 3) resolve()
      })
    })
    await once(socket, 'open')
    socket.send('first')
    socket.send(Buffer.alloc(100_000, 'x'))
    await texts
    expect(messages.slice(0, 2)).toEqual(['hello /live/llama', 'first'])
    expect(messages[2]).toHaveLength(100_000)
    expect(await world.metric('streams_open')).toBe(1)

    const decision = await world.whenRecord(({ path }) => path === '/live/llama')
    expect(decision).toMatchObject({
      type: 'decision',
      effect: 'permit',
      sub: 'user:dev/alice',
      ops: [{ act: 'infer', res: 'model:llama' }],
    })
    socket.send('bye')
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
    expect([code, reason.toString()]).toEqual([4001, 'bye'])
    const outcome = await world.whenRecord(
      ({ type, id }) => type === 'outcome' && id === decision.id,
    )
    expect(outcome).toMatchObject({ status: 101 })
    expect(Number(outcome['bytes_out'])).toBeGreaterThan(100_000)
    expect(await world.metric('streams_open')).toBe(0)
  })

  it('reaches the upstream without the token of the caller', async () => {
    const socket = new WebSocket(url('/live/llama'), { headers: await bearer(['inference']) })
    const [, request] = (await once(sockets, 'connection')) as [unknown, IncomingMessage]
    expect(request.headers.authorization).toBeUndefined()
    expect(request.headers['x-modelgate-assertion']).toBeDefined()
    await once(socket, 'message')
    socket.terminate()
  })

  it('closes the upstream when the client goes away', async () => {
    const socket = new WebSocket(url('/live/llama'), { headers: await bearer(['inference']) })
    const [upstream] = (await once(sockets, 'connection')) as [WebSocket]
    await once(socket, 'message')
    socket.terminate()
    await once(upstream, 'close')
  })
})

describe('a gateway that is stopped', () => {
  it('cuts a WebSocket when the drain time is over, and exits', async () => {
    const drained = await startBuiltWorld({
      rules: { 'routes/echo.yaml': ROUTES },
      upstreams: [{ name: 'live', pack: 'echo', websocket: true }],
      config: { shutdown: { drain: '200ms' } },
    })
    const server = new WebSocketServer({ server: drained.upstream.server })
    server.on('connection', (socket) => socket.on('error', () => undefined))
    try {
      const headers = { authorization: `Bearer ${await drained.token(['inference'])}` }
      const socket = new WebSocket(`${drained.url}/live/llama`.replace('http', 'ws'), { headers })
      socket.on('error', () => undefined)
      await once(socket, 'open')
      const closed = once(socket, 'close')
      drained.signal('SIGTERM')
      expect((await closed)[0]).toBe(1001)
      expect(await drained.exited).toBe(0)
      const records = await drained.records()
      expect(records.at(-1)?.type).toBe('log.closed')
      expect(records.find(({ type }) => type === 'outcome')).toMatchObject({
        status: 101,
        reason: 'draining',
        ended_by: 'gateway',
      })
    } finally {
      server.close()
      await drained.close()
    }
  }, 30_000)
})

describe('an upgrade is refused in plain HTTP', () => {
  let before = 0
  beforeAll(() => {
    before = sockets.clients.size
  })
  afterAll(() => {
    expect(sockets.clients.size).toBeLessThanOrEqual(before)
  })

  it('without a token', async () => {
    const answer = await refused('/live/llama', {})
    expect(answer).toMatchObject({ status: 401, reason: 'authn_missing' })
    expect(answer.headers['www-authenticate']).toContain('Bearer')
  })

  it('without the permission', async () => {
    const answer = await refused('/live/llama', await bearer(['reader']))
    expect(answer).toMatchObject({ status: 403, reason: 'no_rule' })
    expect(await world.whenRecord(({ id }) => id === answer.id)).toMatchObject({ effect: 'deny' })
  })

  it('on a route that does not become a WebSocket', async () => {
    const answer = await refused('/models/llama', await bearer(['reader', 'inference']))
    expect(answer).toMatchObject({ status: 400, reason: 'upgrade_invalid' })
  })

  it('of an upstream for which it is not switched on', async () => {
    const answer = await refused('/plain/live/llama', await bearer(['inference']))
    expect(answer).toMatchObject({ status: 400, reason: 'upgrade_invalid' })
  })

  it('on a path that is not mapped', async () => {
    const answer = await refused('/elsewhere', await bearer(['inference']))
    expect(answer).toMatchObject({ status: 403, reason: 'unclassified' })
  })
})

describe('what is not a WebSocket', () => {
  const request = (authorization: string, lines: readonly string[]) =>
    [
      'GET /live/llama HTTP/1.1',
      'Host: gate',
      `Authorization: ${authorization}`,
      ...lines,
      '',
      '',
    ].join('\r\n')

  it.each([
    ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']],
    ['TLS', ['Connection: Upgrade', 'Upgrade: TLS/1.2']],
    ['two protocols', ['Connection: Upgrade', 'Upgrade: websocket, h2c']],
    [
      'another version',
      [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 12',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ],
    ],
  ])('is not carried: %s', async (_name, lines) => {
    const reached = world.upstream.requests.length
    const { authorization } = await bearer(['inference'])
    const { responses } = await rawExchange(world.dataPort, request(authorization, lines))
    expect(responses).toHaveLength(1)
    expect(responses[0]?.status).toBe(400)
    expect(responses[0]?.body.toString()).toContain('upgrade_invalid')
    expect(world.upstream.requests).toHaveLength(reached)
  })

  it('is not carried: a plain GET where a WebSocket belongs', async () => {
    const { authorization } = await bearer(['inference'])
    const { responses } = await rawExchange(world.dataPort, request(authorization, []))
    expect(responses[0]?.status).not.toBe(101)
  })
})
