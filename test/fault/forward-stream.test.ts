import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { refuse } from '../../gateway/domain/refusal.ts'
import { OPEN_GUARD, startForwardGate, type ForwardGate } from '../support/forward-gate.ts'
import { rawExchange } from '../support/raw-client.ts'

let server: Server | undefined
let gate: ForwardGate | undefined
const sockets = new Set<Socket>()

/** An upstream that does with each connection's first bytes what `handler` does. */
async function start(
  handler: (socket: Socket) => void,
  options: Parameters<typeof startForwardGate>[1] = {},
) {
  const upstream = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', () => handler(socket))
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  server = upstream
  gate = await startForwardGate((upstream.address() as AddressInfo).port, options)
  return gate
}

afterEach(async () => {
  await gate?.close()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve)))
})

const GET = 'GET / HTTP/1.1\r\nHost: gate\r\n\r\n'
const SSE =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const toTheEnd = { until: () => false, timeoutMs: 3_000 }

describe('the client leaves', () => {
  it('closes the upstream at once in the middle of an event stream', async () => {
    const closed: Promise<unknown>[] = []
    const started = await start((socket) => {
      closed.push(once(socket, 'close'))
      socket.write(`${SSE}9\r\ndata: 1\n\n\r\n`)
    })
    const { endedBy } = await rawExchange(started.port, GET, {
      until: (raw) => raw.includes('data: 1'),
    })
    expect(endedBy).toBe('until')
    await closed[0]
    expect(await started.result(0)).toMatchObject({ endedBy: 'client', reason: 'client_gone' })
  })

  it('cuts the request short upstream when the body breaks off', async () => {
    const closed: Promise<unknown>[] = []
    const started = await start((socket) => closed.push(once(socket, 'close')))
    const client = connect(started.port, '127.0.0.1')
    client.write('POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 100\r\n\r\nhalf')
    await new Promise((resolve) => server?.once('connection', resolve))
    client.destroy()
    const outcome = await started.result(0)
    await closed[0]
    expect(['client_gone', 'request_body_aborted']).toContain(outcome.reason)
  })
})

describe('the upstream dies', () => {
  const truncations: readonly (readonly [string, string])[] = [
    ['a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'],
    ['a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['within a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf'],
    ['an event stream', `${SSE}4\r\nhalf\r\n`],
    [
      'a length and Connection: close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhalf',
    ],
    [
      'chunks and Connection: close',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    ],
  ]
  it.each(truncations)('shows the client a break: %s', async (_, bytes) => {
    const started = await start((socket) => {
      socket.write(bytes)
      setImmediate(() => socket.end())
    })
    const { responses, raw } = await rawExchange(started.port, GET, toTheEnd)
    expect(responses).toEqual([])
    expect(raw.toString()).not.toContain('\r\n0\r\n')
    expect(await started.result(0)).toMatchObject({ endedBy: 'upstream', reason: 'upstream_reset' })
  })

  it('does not take a reset for the end of a body without a length', async () => {
    const started = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf', () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      )
    })
    const { raw } = await rawExchange(started.port, GET, toTheEnd)
    expect(raw.toString()).toContain('half')
    expect(raw.toString()).not.toContain('\r\n0\r\n')
    expect(await started.result(0)).toMatchObject({ reason: 'upstream_reset' })
  })

  it('resets an HTTP/1.0 client, which has no other way to tell', async () => {
    const started = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      )
    })
    const { endedBy } = await rawExchange(
      started.port,
      'GET / HTTP/1.0\r\nHost: g\r\n\r\n',
      toTheEnd,
    )
    expect(endedBy).toBe('reset')
  })

  it.each([
    ['nothing listens', 'upstream_connect', undefined],
    ['it closes without a word', 'upstream_reset', (socket: Socket) => socket.end()],
    ['it says nothing', 'upstream_timeout', () => undefined],
    ['it talks nonsense', 'upstream_invalid', (socket: Socket) => socket.end('SSH-2.0-x\r\n')],
  ] as const)('refuses when %s', async (_, reason, handler) => {
    const started = await start(handler ?? (() => undefined), { headersTimeoutMs: 150 })
    if (handler === undefined) await new Promise((resolve) => server?.close(resolve))
    const { responses } = await rawExchange(started.port, GET)
    expect(responses[0]?.body.toString()).toBe(reason)
  })

  it('breaks off when it falls silent', async () => {
    const started = await start(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
      { idleTimeoutMs: 150 },
    )
    const { responses } = await rawExchange(started.port, GET, toTheEnd)
    expect(responses).toEqual([])
    expect(await started.result(0)).toMatchObject({ reason: 'upstream_timeout' })
  })
})

describe('the exchange is cut', () => {
  it('says why in an event stream, then ends it', async () => {
    const closed: Promise<unknown>[] = []
    const started = await start((socket) => {
      closed.push(once(socket, 'close'))
      socket.write(`${SSE}9\r\ndata: 1\n\n\r\n`)
    })
    const { responses } = await rawExchange(started.port, GET, {
      until: (raw) => {
        if (raw.includes('data: 1')) started.cuts[0]?.(refuse('denied_by_rule'))
        return raw.includes('\r\n0\r\n\r\n')
      },
    })
    expect(responses[0]?.body.toString()).toMatch(
      /^data: 1\n\n\n\nevent: error\ndata: \{"error":\{.*"code":"denied_by_rule"\}\}\n\n$/,
    )
    await closed[0]
    expect(await started.result(0)).toMatchObject({ endedBy: 'gateway', reason: 'denied_by_rule' })
  })

  it('breaks any other answer off when the guard refuses a chunk', async () => {
    let chunks = 0
    const guard = {
      ...OPEN_GUARD,
      chunk: () => (++chunks > 1 ? refuse('weights_detected') : undefined),
    }
    const started = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst')
        setTimeout(() => socket.write('GGUF!'), 20)
      },
      { guard: () => guard },
    )
    const { raw, responses } = await rawExchange(started.port, GET, toTheEnd)
    expect(responses).toEqual([])
    expect(raw.toString()).toMatch(/first$/)
    expect(await started.result(0)).toMatchObject({
      endedBy: 'gateway',
      reason: 'weights_detected',
    })
  })
})
