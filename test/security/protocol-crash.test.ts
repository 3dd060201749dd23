/** Nothing a peer sends or stops sending raises an unhandled error or keeps a place taken (I18). */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HOSTS, json, request, startAttackWorld } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

let world: World
let token: string
const unhandled: unknown[] = []
const onUnhandled = (error: unknown) => unhandled.push(error)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  process.on('uncaughtExceptionMonitor', onUnhandled)
  world = await startAttackWorld({
    config: { limits: { headers_timeout: '1s', body_idle_timeout: '300ms' } },
    handler: (seen, socket) => {
      if (seen.head.includes('/silent')) return undefined
      if (seen.head.includes('/endless')) {
        socket.write(
          'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n' + ' '.repeat(256) + '\r\n',
        )
        return undefined
      }
      return OK
    },
  })
  token = await world.token(['reader', 'inference'])
})
afterAll(async () => {
  process.off('unhandledRejection', onUnhandled)
  process.off('uncaughtExceptionMonitor', onUnhandled)
  await world.close()
})

/** The gateway works, and nobody is being worked on. */
async function expectUnharmed(): Promise<void> {
  await world.until(
    'no request in flight',
    async () => (await world.metric('requests_in_flight')) === 0,
  )
  expect(unhandled).toEqual([])
  const { responses } = await rawExchange(world.port, request({ token }))
  expect(responses[0]?.status).toBe(200)
}

const deadline = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 3_000).unref()
  })

/** Sends the bytes, waits for `after` and then resets the connection or closes it at once. */
async function sendAndLeave(
  bytes: string,
  how: 'reset' | 'close',
  after: (socket: Socket) => Promise<unknown> = () => Promise.resolve(),
): Promise<void> {
  const socket = connect(world.port, '127.0.0.1')
  socket.on('error', () => undefined)
  await new Promise<void>((resolve) => socket.write(Buffer.from(bytes, 'latin1'), () => resolve()))
  await Promise.race([after(socket), deadline()])
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if (how === 'reset') socket.resetAndDestroy()
  else socket.destroy()
  await closed
}

const chat = (length: number, body: string) =>
  request({
    method: 'POST',
    target: '/v1/chat/completions',
    host: HOSTS.llm,
    token,
    lines: ['Content-Type: application/json', `Content-Length: ${length}`],
    body,
  })

describe('garbage', () => {
  it('of any kind is answered with 400 or not at all', async () => {
    const samples = [
      '\0'.repeat(64),
      '\r\n'.repeat(1_000),
      '\n\n\n',
      ' ',
      'GET',
      'GET /',
      'GET / HTTP/1.1',
      '\x80\x81\x82',
      'EHLO mail\r\n',
      '{"jsonrpc":"2.0"}\r\n\r\n',
      '*1\r\n$4\r\nPING\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'SSH-2.0-OpenSSH_9\r\n',
      ...Array.from({ length: 40 }, (_, i) => randomBytes(16 + i * 8).toString('latin1')),
    ]
    const all = samples.map((bytes) =>
      rawExchange(world.port, bytes, { halfClose: true, until: () => false, timeoutMs: 3_000 }),
    )
    for (const { responses, endedBy } of await Promise.all(all)) {
      for (const { status } of responses) expect([400, 408, 431]).toContain(status)
      expect(endedBy).not.toBe('timeout')
    }
    await expectUnharmed()
  })

  it('a request with any one byte changed is answered or closed, never worse', async () => {
    const good = request({ token, lines: ['X-A: b'] })
    for (let at = 0; at < good.length; at += 7) {
      const bytes = Buffer.from(good, 'latin1')
      bytes[at] = (at * 37) % 256
      await rawExchange(world.port, bytes, { halfClose: true, timeoutMs: 1_500 })
    }
    await expectUnharmed()
  }, 30_000)
})

describe.each(['reset', 'close'] as const)('a client that leaves by %s', (how) => {
  it.each([
    ['before a byte', ''],
    ['in the request line', 'GET /v2/mod'],
    ['in the head', 'GET /v2/models/iris HTTP/1.1\r\nHost: models.te'],
    ['in a body that decides', 'POST'],
    ['behind a whole request', 'GET'],
  ])('%s', async (_, start) => {
    if (start === 'POST') await sendAndLeave(chat(500, '{"model":'), how)
    else if (start === 'GET') await sendAndLeave(request({ token }), how)
    else await sendAndLeave(start, how)
    await expectUnharmed()
  })

  it('in a body that is being forwarded', async () => {
    const lines = ['Content-Type: application/json', 'Content-Length: 100000']
    const bytes = request({
      method: 'POST',
      target: '/v2/models/iris/infer',
      token,
      lines,
      body: '{',
    })
    const connections = () => world.upstream.connections.length
    const before = world.upstream.received().length
    await sendAndLeave(bytes, how, () =>
      world.until('the upstream got the head', () => world.upstream.received().length > before),
    )
    await expectUnharmed()
    expect(connections()).toBeGreaterThan(0)
  })

  it('while the upstream is thinking', async () => {
    const before = world.upstream.requests.length
    await sendAndLeave(request({ target: '/v2/models/silent', token }), how, () =>
      world.upstream.whenRequests(before + 1),
    )
    await expectUnharmed()
    const gone = (one: { type: string; reason?: string }) =>
      one.type === 'outcome' && one.reason === 'client_gone'
    await world.whenRecord(gone)
  })

  it('while the answer is streaming', async () => {
    await sendAndLeave(
      request({ target: '/v2/models/endless', token }),
      how,
      (socket) => new Promise((resolve) => socket.once('data', resolve)),
    )
    await expectUnharmed()
  })

  it('with requests waiting behind an open response', async () => {
    const bytes = request({ target: '/v2/models/silent', token }) + request({ token }).repeat(10)
    const before = world.upstream.requests.length
    await sendAndLeave(bytes, how, () => world.upstream.whenRequests(before + 1))
    await expectUnharmed()
  })

  it('with an upgrade or a CONNECT waiting behind an open response', async () => {
    const silent = request({ target: '/v2/models/silent', token })
    const lines = ['Connection: Upgrade', 'Upgrade: websocket']
    await sendAndLeave(silent + request({ token, lines }), how)
    await sendAndLeave(silent + request({ method: 'CONNECT', target: 'a:1' }), how)
    await expectUnharmed()
  })
})

it('a client that sends a body where none is read gets its answer', async () => {
  const body = JSON.stringify({ pad: 'a'.repeat(200_000) })
  const bytes = request({ target: '/v2/models/iris/infer', ...json(body) })
  const { responses } = await rawExchange(world.port, bytes)
  expect(responses[0]?.status).toBe(401)
  await expectUnharmed()
})

it('two hundred connections that leave in every way leave nothing behind', async () => {
  const ways = [request({ token }), 'GET / HT', chat(400, '{'), request(), '\0\0\0']
  const all = Array.from({ length: 200 }, (_, i) =>
    sendAndLeave(ways[i % ways.length] ?? '', i % 2 === 0 ? 'reset' : 'close'),
  )
  await Promise.all(all)
  await expectUnharmed()
})
