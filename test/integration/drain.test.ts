/** SIGTERM: unready first, nothing cut that may still end, nothing lost. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { rawExchange } from '../support/raw-client.ts'
import { until } from '../support/world-files.ts'

/** The response of the upstream to a stream, held open by the test. */
let held: ServerResponse | undefined

function streaming(request: IncomingMessage, response: ServerResponse): void {
  if (request.url?.endsWith('/generate_stream') !== true) return void response.end('ok')
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
  held = response
}

const start = (shutdown: object) =>
  startBuiltWorld({
    handler: streaming,
    upstreams: [{ name: 'models', pack: 'triton' }],
    config: { shutdown },
  })

/** Opens a stream and resolves with its first event; `whole` resolves when it has ended. */
async function openStream(world: BuiltWorld) {
  const authorization = `Bearer ${await world.token(['inference'])}`
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(
      `${world.url}/v2/models/iris/generate_stream`,
      {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        agent: false,
      },
      resolve,
    )
      .on('error', reject)
      .end('{}')
  })
  let text = ''
  response.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const whole = new Promise<{ text: string; aborted: boolean }>((resolve) => {
    response.on('error', () => undefined)
    response.once('close', () => resolve({ text, aborted: !response.complete }))
  })
  await until('the first event', () => text !== '')
  return { whole }
}

/** The status of a new request on a new connection; 0 when the connection is refused. */
async function newRequest(world: BuiltWorld): Promise<number> {
  const bytes = 'GET /v2 HTTP/1.1\r\nHost: gate\r\n\r\n'
  const { responses } = await rawExchange(world.dataPort, bytes).catch(() => ({ responses: [] }))
  return responses[0]?.status ?? 0
}

// 337
describe('SIGTERM with a stream open', () => {
  let world: BuiltWorld
  beforeAll(async () => {
    world = await start({ drain: '20s' })
  }, 30_000)
  afterAll(() => world.close())

  it('turns new requests away, lets the stream end, and then exits with 0', async () => {
    const { whole } = await openStream(world)
    world.signal('SIGTERM')
    await until('unreadiness', async () => {
      const ready = await fetch(`${world.controlUrl}/readyz`)
      return ready.status === 503 && (await ready.text()).includes('draining')
    })
    expect((await fetch(`${world.controlUrl}/healthz`)).status).toBe(200)
    expect([0, 503]).toContain(await newRequest(world))
    // A second signal of an impatient supervisor changes nothing.
    world.signal('SIGTERM')
    held?.end('data: two\n\n')
    expect(await whole).toEqual({ text: 'data: one\n\ndata: two\n\n', aborted: false })
    expect(await world.exited).toBe(0)
    expect(world.stderr()).toBe('')
    const records = await world.records()
    expect(records.at(-1)?.type).toBe('log.closed')
    expect(records).toContainEqual(
      expect.objectContaining({
        type: 'outcome',
        status: 200,
        bytes_out: 22,
        ended_by: 'upstream',
      }),
    )
  }, 30_000)
})

describe('SIGTERM with a stream that does not end', () => {
  it('cuts it when the drain time is over, and records that', async () => {
    const world = await start({ drain: '300ms' })
    try {
      const { whole } = await openStream(world)
      world.signal('SIGTERM')
      const { text } = await whole
      expect(text).toContain('data: one\n\n')
      expect(text).toContain('draining')
      expect(await world.exited).toBe(0)
      expect(world.logText()).toContain('requests were cut when the drain time was over')
      const records = await world.records()
      expect(records.at(-1)?.type).toBe('log.closed')
      const [decision] = records.filter(({ effect }) => effect === 'permit')
      expect(
        records.find(({ type, id }) => type === 'outcome' && id === decision?.id),
      ).toMatchObject({
        ended_by: 'gateway',
        reason: 'draining',
      })
    } finally {
      await world.close()
    }
  }, 30_000)
})

describe('SIGTERM with a delay', () => {
  it('serves on while load balancers look elsewhere', async () => {
    const world = await start({ drain: '1s', delay: '2s' })
    try {
      world.signal('SIGTERM')
      await until('unreadiness', async () => {
        return (await fetch(`${world.controlUrl}/readyz`)).status === 503
      })
      const headers = { authorization: `Bearer ${await world.token(['reader'])}` }
      expect((await fetch(`${world.url}/v2/models/iris`, { headers })).status).toBe(200)
      expect(await world.exited).toBe(0)
      expect((await world.records()).at(-1)?.type).toBe('log.closed')
    } finally {
      await world.close()
    }
  }, 30_000)
})

describe('SIGINT', () => {
  it('does not wait for connections on which nothing is asked', async () => {
    const world = await start({ drain: '20s' })
    const idle = connect({ port: world.dataPort, host: '127.0.0.1' })
    const slow = connect({ port: world.dataPort, host: '127.0.0.1' })
    try {
      await once(idle, 'connect')
      slow.on('error', () => undefined).write('GET /v2 HTTP/1.1\r\nHo')
      const headers = { authorization: `Bearer ${await world.token(['reader'])}` }
      await (await fetch(`${world.url}/v2/models/iris`, { headers })).text()
      const startedAt = performance.now()
      world.signal('SIGINT')
      expect(await world.exited).toBe(0)
      expect(performance.now() - startedAt).toBeLessThan(5_000)
      expect((await world.records()).at(-1)?.type).toBe('log.closed')
    } finally {
      idle.destroy()
      slow.destroy()
      await world.close()
    }
  }, 30_000)
})
