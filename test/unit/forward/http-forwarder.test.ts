import { afterEach, describe, expect, it } from '@jest/globals'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { startForwardGate, OPEN_GUARD, type ForwardGate } from '../../support/forward-gate.ts'
import { rawExchange } from '../../support/raw-client.ts'
import {
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from '../../support/recording-upstream.ts'

let upstream: RecordingUpstream
let gate: ForwardGate

async function start(handler?: RawHandler, options: Parameters<typeof startForwardGate>[1] = {}) {
  upstream = await startRecordingUpstream(handler)
  gate = await startForwardGate(upstream.port, options)
}

afterEach(async () => {
  await gate.close()
  await upstream.close()
})

const get = (path = '/', more = '') => `GET ${path} HTTP/1.1\r\nHost: gate\r\n${more}\r\n`
const answer = (fields: string, body = '', status = '200 OK') =>
  `HTTP/1.1 ${status}\r\n${fields}\r\n${body}`

describe('createForwarder', () => {
  it('passes status, fields and body, and keeps the length', async () => {
    await start(() => answer('X-Model: a\r\nContent-Length: 5\r\n', 'hello', '201 Created'))
    const { responses } = await rawExchange(gate.port, get('/v1/x?y=%2F'))
    expect(responses[0]?.status).toBe(201)
    expect(responses[0]?.header('x-model')).toBe('a')
    expect(responses[0]?.header('content-length')).toBe('5')
    expect(responses[0]?.body.toString()).toBe('hello')
    expect(upstream.requests[0]?.head).toContain('GET /v1/x?y=%2F HTTP/1.1\r\n')
    const outcome = { status: 201, requestBytes: 0, responseBytes: 5, endedBy: 'upstream' }
    expect(await gate.result(0)).toEqual(outcome)
  })

  it('keeps every byte of a small body that leaves in one write with the head', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${every.length}\r\n\r\n`
    await start(() => Buffer.concat([Buffer.from(head), every]))
    const { responses } = await rawExchange(gate.port, get())
    expect(responses[0]?.body.equals(every)).toBe(true)
    expect(await gate.result(0)).toMatchObject({ responseBytes: every.length })
  })

  it('uses one connection for ordinary requests and a new one for each privileged', async () => {
    await start(undefined, {})
    for (const path of ['/1', '/2', '/3']) await rawExchange(gate.port, get(path))
    expect(upstream.connections.length).toBe(1)
    const privileged = await startForwardGate(upstream.port, { privilege: 'privileged' })
    for (const path of ['/4', '/5']) await rawExchange(privileged.port, get(path))
    await privileged.close()
    expect(upstream.connections.length).toBe(3)
    expect(upstream.requests[4]?.head).toContain('connection: close')
  })

  it('frames HEAD, 204 and 304 without a body', async () => {
    await start(({ head }) => {
      if (head.startsWith('HEAD')) return answer('Content-Length: 1234\r\n')
      return head.includes('/204')
        ? answer('', '', '204 No Content')
        : answer('ETag: "a"\r\nContent-Length: 77\r\n', '', '304 Not Modified')
    })
    const head = await rawExchange(gate.port, 'HEAD / HTTP/1.1\r\nHost: gate\r\n\r\n')
    expect(head.responses[0]?.header('content-length')).toBe('1234')
    const none = await rawExchange(gate.port, get('/204'))
    expect(none.responses[0]?.status).toBe(204)
    expect(none.responses[0]?.header('transfer-encoding')).toBeUndefined()
    const same = await rawExchange(gate.port, get('/304'))
    expect(same.responses[0]?.header('content-length')).toBe('77')
    expect(same.responses[0]?.body.length).toBe(0)
    expect(gate.results.map((result) => 'status' in result && result.status)).toEqual([
      200, 204, 304,
    ])
  })

  it('swallows informational answers and refuses 101', async () => {
    await start(({ head }) =>
      head.includes('/101')
        ? answer('', '', '101 Switching Protocols')
        : `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answer('Content-Length: 2\r\n', 'ok')}`,
    )
    const { responses } = await rawExchange(gate.port, get())
    expect(responses.map(({ status }) => status)).toEqual([200])
    const refused = await rawExchange(gate.port, get('/101'))
    expect(refused.responses[0]?.body.toString()).toBe('upstream_invalid')
  })

  it('regenerates the framing of a request body', async () => {
    await start()
    const chunked = 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'
    await rawExchange(gate.port, `POST /c HTTP/1.1\r\nHost: g\r\n${chunked}`)
    await rawExchange(gate.port, 'POST /l HTTP/1.1\r\nHost: g\r\nContent-Length: 003\r\n\r\nxyz')
    expect(upstream.requests[0]?.head).toContain('transfer-encoding: chunked')
    expect(upstream.requests[1]?.head).toContain('content-length: 3\r\n')
    expect(upstream.requests[1]?.body).toBe('xyz')
    expect(await gate.result(0)).toMatchObject({ requestBytes: 5 })
  })

  it('answers an HTTP/1.0 client by closing', async () => {
    await start(() => answer('Transfer-Encoding: chunked\r\n', '2\r\nok\r\n0\r\n\r\n'))
    const { raw, endedBy } = await rawExchange(gate.port, 'GET / HTTP/1.0\r\nHost: g\r\n\r\n', {
      until: () => false,
    })
    expect(endedBy).toBe('close')
    expect(raw.toString().endsWith('\r\n\r\nok')).toBe(true)
  })

  it('sends a safe request again when the pooled connection was closed under it', async () => {
    let seen = 0
    await start((request, socket) => {
      seen++
      if (request.head.includes('/second') && seen === 2) {
        socket.destroy()
        return undefined
      }
      return answer('Content-Length: 2\r\n', 'ok')
    })
    await rawExchange(gate.port, get('/first'))
    const again = await rawExchange(gate.port, get('/second'))
    expect(again.responses[0]?.status).toBe(200)
    expect(seen).toBe(3)
  })

  it('never sends a request with a body again', async () => {
    await start((_, socket) => {
      socket.destroy()
      return undefined
    })
    const post = 'POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1\r\n\r\nx'
    const { responses } = await rawExchange(gate.port, post)
    expect(responses[0]?.body.toString()).toBe('upstream_reset')
    expect(upstream.connections.length).toBe(1)
  })

  it('refuses what waits too long or beyond the queue', async () => {
    const options = { connections: 1, queueMax: 1, queueTimeoutMs: 100 }
    await start(() => undefined, options)
    const first = rawExchange(gate.port, get('/1'), { timeoutMs: 1_500 })
    await upstream.whenRequests(1)
    const second = rawExchange(gate.port, get('/2'))
    const third = rawExchange(gate.port, get('/3'))
    const [a, b] = await Promise.all([second, third])
    expect(a.responses[0]?.body.toString()).toBe('upstream_busy')
    expect(b.responses[0]?.body.toString()).toBe('upstream_busy')
    gate.cuts[0]?.(refuse('internal'))
    expect((await first).responses[0]?.body.toString()).toBe('internal')
  })

  it('lets a guard refuse the head, with nothing sent', async () => {
    const guard = { ...OPEN_GUARD, head: () => refuse('response_blocked') }
    await start(undefined, { guard: () => guard })
    const { responses } = await rawExchange(gate.port, get())
    expect(responses[0]?.status).toBe(502)
    expect(await gate.result(0)).toMatchObject({ reason: 'response_blocked' })
  })

  it('sends nothing of what the guard held and then refused', async () => {
    const hold = () => 'hold' as const
    const guard = { ...OPEN_GUARD, chunk: hold, end: () => refuse('weights_detected') }
    await start(() => answer('Content-Length: 8\r\n', 'GGUF1234'), { guard: () => guard })
    const { responses } = await rawExchange(gate.port, get())
    expect(responses[0]?.status).toBe(502)
    expect(responses[0]?.body.toString()).toBe('weights_detected')
  })

  it('delivers what the guard held and then let pass', async () => {
    const guard = { ...OPEN_GUARD, chunk: () => 'hold' as const }
    await start(() => answer('Content-Length: 2\r\n', '{}'), { guard: () => guard })
    const { responses } = await rawExchange(gate.port, get())
    expect(responses[0]?.body.toString()).toBe('{}')
  })

  it('lets a running exchange of a retired generation end, and begins no other', async () => {
    await start(() => undefined)
    const running = rawExchange(gate.port, get())
    await upstream.whenRequests(1)
    const retired = gate.retire()
    const late = await rawExchange(gate.port, get('/late'))
    expect(late.responses[0]?.body.toString()).toBe('upstream_connect')
    upstream.connections[0]?.socket.write(answer('Content-Length: 4\r\n', 'done'))
    expect((await running).responses[0]?.body.toString()).toBe('done')
    await retired
  })
})
