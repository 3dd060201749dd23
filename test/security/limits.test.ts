/** Every read is bounded in bytes, count and time (I17). */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  json,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

let world: World
let token: string
let held: (() => void)[] = []
beforeAll(async () => {
  world = await startAttackWorld({
    config: {
      limits: {
        headers_timeout: '300ms',
        body_idle_timeout: '200ms',
        concurrent_requests: 2,
        peek_bytes: '1KiB',
        body_bytes: '64KiB',
      },
    },
    handler: (seen, socket) => {
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      if (!seen.head.includes('/held')) return answer
      held.push(() => socket.write(answer))
      return undefined
    },
  })
  token = await world.token(['reader', 'inference'])
})
afterAll(() => world.close())

describe('headers', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: 1`)

  it.each([101, 1_100, 2_500])(
    '%i fields are refused, none of them cut off unseen',
    async (count) => {
      // Node keeps the first thousand: an Authorization at the end would be gone without a trace.
      const lines = [...many(count), `Authorization: Bearer ${token}`]
      await expectRefusal(
        world,
        request({ lines }),
        { reason: 'headers_too_large' },
        { closes: true },
      )
    },
  )

  it('a hundred fields are carried', async () => {
    await expectForwarded(world, request({ token, lines: many(98) }))
  })

  it.each([
    ['one value of 16 KiB', [`X-A: ${'a'.repeat(16_385)}`]],
    ['16 KiB in all', Array.from({ length: 20 }, (_, i) => `X-${i}: ${'a'.repeat(900)}`)],
    ['a name of 16 KiB', [`X-${'a'.repeat(16_385)}: 1`]],
  ])('%s', async (_, lines) => {
    const bytes = request({ token, lines })
    await expectRefusal(world, bytes, { reason: 'headers_too_large' }, { closes: true })
  })

  it('an endless request line is refused while it is sent', async () => {
    const { responses, endedBy } = await rawExchange(world.port, `GET /${'a'.repeat(40_000)}`, {
      until: () => false,
    })
    expect([414, 431]).toContain(responses[0]?.status)
    expect(['close', 'reset']).toContain(endedBy)
  })
})

describe('time', () => {
  it.each([
    ['a head that never ends', 'GET /v2/models/iris HTTP/1.1\r\nHost: models.test\r\nX-A: '],
    ['nothing at all', ''],
  ])('%s is given up', async (_, bytes) => {
    const before = await world.metric('refusals_total', { reason: 'request_timeout' })
    const { responses, endedBy, elapsedMs } = await rawExchange(world.port, [bytes], {
      until: () => false,
    })
    expect(responses[0]?.status).toBe(408)
    expect(endedBy).toBe('close')
    expect(elapsedMs).toBeLessThan(3_000)
    const id = responses[0]?.header('x-modelgate-decision-id')
    await world.whenRecord((one) => one.id === id && one.reason === 'request_timeout')
    expect(await world.metric('refusals_total', { reason: 'request_timeout' })).toBe(before + 1)
  })

  it('a body that stops where it decides is given up', async () => {
    const lines = ['Content-Type: application/json', 'Content-Length: 100']
    const bytes = request({
      method: 'POST',
      target: '/v1/completions',
      host: HOSTS.llm,
      token,
      lines,
      body: '{',
    })
    const refused = { reason: 'request_timeout', stage: 'classify' } as const
    await expectRefusal(world, bytes, refused)
  })

  it('a body that drips is given up as well: each pause is short, the whole is not', async () => {
    const lines = ['Content-Type: application/json', 'Content-Length: 1000']
    const head = request({
      method: 'POST',
      target: '/v1/completions',
      host: HOSTS.llm,
      token,
      lines,
      body: '{',
    })
    const socket = connect(world.port, '127.0.0.1')
    const drip = setInterval(() => socket.write(' '), 50)
    try {
      const answered = new Promise<string>((resolve, reject) => {
        socket.once('data', (data) => resolve(data.toString('latin1')))
        socket.once('close', () => reject(new Error('closed without an answer')))
        socket.setTimeout(4_000, () => socket.destroy())
      })
      socket.on('error', () => undefined).write(head)
      expect(await answered).toMatch(/^HTTP\/1\.1 408 /)
    } finally {
      clearInterval(drip)
      socket.destroy()
    }
  })
})

describe('bodies', () => {
  it('a body past what may be read of it is refused where it decides', async () => {
    const body = JSON.stringify({ pad: 'a'.repeat(2_000), model: 'iris' })
    const bytes = request({ target: '/v1/completions', host: HOSTS.llm, token, ...json(body) })
    await expectRefusal(world, bytes, { reason: 'body_over_peek' })
  })

  it('a declared length past the bound is refused before a byte of it is read', async () => {
    const lines = ['Content-Type: application/json', 'Content-Length: 65537']
    const bytes = request({ method: 'POST', target: '/v2/models/iris/infer', token, lines })
    await expectRefusal(world, bytes, { reason: 'body_too_large' })
  })

  it('a chunked body past the bound is not passed on whole', async () => {
    const chunk = `4000\r\n${' '.repeat(0x4000)}\r\n`
    const lines = ['Content-Type: application/json', 'Transfer-Encoding: chunked']
    const body = `${chunk.repeat(6)}0\r\n\r\n`
    const before = world.upstream.requests.length
    const bytes = request({ method: 'POST', target: '/v2/models/iris/infer', token, lines, body })
    const { responses } = await rawExchange(world.port, bytes)
    expect(responses[0]?.status).toBe(413)
    expect(world.upstream.requests).toHaveLength(before)
  })
})

it('requests past the number in flight are refused, and served again once there is room', async () => {
  held = []
  const one = request({ target: '/v2/models/held', token })
  const busy = [rawExchange(world.port, one), rawExchange(world.port, one)]
  await world.until('two held requests', () => held.length === 2)
  const refused = { reason: 'overloaded' } as const
  const { response } = await expectRefusal(world, request({ token }), refused, { closes: true })
  expect(response.header('retry-after')).toBe('1')
  for (const release of held) release()
  const done = await Promise.all(busy)
  expect(done.map(({ responses }) => responses[0]?.status)).toEqual([200, 200])
  await expectForwarded(world, request({ token }))
})
