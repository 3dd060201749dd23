import { afterEach, describe, expect, it } from '@jest/globals'
import { startForwardGate, type ForwardGate } from '../support/forward-gate.ts'
import { rawExchange } from '../support/raw-client.ts'
import {
  OK_RESPONSE,
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from '../support/recording-upstream.ts'

let upstream: RecordingUpstream
let gate: ForwardGate

async function start(handler?: RawHandler) {
  upstream = await startRecordingUpstream(handler)
  gate = await startForwardGate(upstream.port)
}

afterEach(async () => {
  await gate.close()
  await upstream.close()
})

const GET = 'GET / HTTP/1.1\r\nHost: gate\r\n\r\n'

/** What a client gets when the upstream answers with exactly these bytes and closes. */
async function relayed(bytes: string) {
  await start((_, socket) => {
    socket.end(bytes, 'latin1')
    return undefined
  })
  return rawExchange(gate.port, GET, { until: () => false, timeoutMs: 2_000 })
}

describe('request framing', () => {
  it('does not let a chunked DELETE hide a second request (CVE-2026-29057)', async () => {
    await start()
    const hidden = 'GET /admin HTTP/1.1\r\nHost: gate\r\n\r\n'
    const size = hidden.length.toString(16)
    await rawExchange(
      gate.port,
      `DELETE /v1/x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n${size}\r\n${hidden}\r\n0\r\n\r\n`,
    )
    expect(upstream.requests.length).toBe(1)
    expect(upstream.requests[0]?.head).toMatch(/^DELETE \/v1\/x .*transfer-encoding: chunked/s)
    expect(upstream.connections.length).toBe(1)
  })

  it('closes the connection of a request whose body is odd for its method', async () => {
    await start()
    await rawExchange(gate.port, 'DELETE / HTTP/1.1\r\nHost: g\r\nContent-Length: 2\r\n\r\nab')
    await rawExchange(gate.port, GET)
    expect(upstream.connections.length).toBe(2)
  })

  it('re-frames one-byte chunks instead of relaying them (CVE-2025-23310)', async () => {
    await start()
    const chunks = '1\r\na\r\n'.repeat(5_000)
    const head = 'POST / HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n'
    await rawExchange(gate.port, `${head}${chunks}0\r\n\r\n`)
    const lines = upstream.requests[0]?.body.split('\r\n') ?? []
    expect(lines.join('')).not.toBe('')
    expect(await gate.result(0)).toMatchObject({ requestBytes: 5_000, status: 200 })
  })

  it('drops Connection tricks and hop-by-hop fields in any spelling', async () => {
    await start()
    await rawExchange(
      gate.port,
      [
        'POST / HTTP/1.1',
        'Host: gate',
        'CONNECTION: close, X-Secret, Content-Type, x-request-id',
        'x-secret: 1',
        'Content-Type: application/json',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'TE: trailers',
        'Trailer: X-T',
        'Upgrade: h2c',
        'HTTP2-Settings: AAA',
        'Proxy-Authorization: Basic x',
        'Authorization: Bearer secret',
        'Cookie: a=b',
        'X-Forwarded-For: 6.6.6.6',
        'X_Forwarded_User: root',
        'X-Modelgate-Assertion: forged',
        'X-HTTP-Method-Override: DELETE',
        'Content-Length: 2',
        '',
        '{}',
      ].join('\r\n'),
    )
    const head = upstream.requests[0]?.head.toLowerCase() ?? ''
    const names = head
      .split('\r\n')
      .slice(1, -2)
      .map((line) => line.split(':')[0])
    expect(names.sort()).toEqual(
      ['connection', 'content-length', 'content-type', 'host', 'via', 'x-forwarded-for']
        .concat('x-request-id')
        .sort(),
    )
    expect(head).toContain('x-forwarded-for: 127.0.0.1\r\n')
  })
})

describe('response framing', () => {
  it.each([
    ['an unknown transfer coding', 'Transfer-Encoding: x\r\n\r\nbody'],
    ['two transfer codings', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['length and chunks at once', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok'],
    ['two lengths', 'Content-Length: 2\r\nContent-Length: 3\r\n\r\nok'],
    ['a bare CR in a field', 'X-A: b\rSet-Cookie: c\r\nContent-Length: 2\r\n\r\nok'],
    ['a NUL in a field', 'X-A: b\0c\r\nContent-Length: 2\r\n\r\nok'],
    ['a field past 8 KiB', `X-A: ${'a'.repeat(9_000)}\r\nContent-Length: 2\r\n\r\nok`],
    [
      'a block past 16 KiB',
      `${'X-A: aaaaaaaaaaaaaaaa\r\n'.repeat(900)}Content-Length: 2\r\n\r\nok`,
    ],
    ['an unasked 100', 'Content-Length: 0\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK'],
    ['a status past 599', 'X: y\r\n\r\n', 'HTTP/1.1 999 Odd'],
  ])('refuses %s', async (_, rest, line = 'HTTP/1.1 200 OK') => {
    const { responses } = await relayed(`${line}\r\n${rest}`)
    expect(responses.map(({ status, body }) => [status, body.toString()])).toEqual([
      [502, 'upstream_invalid'],
    ])
  })

  it('does not hand a second answer to the next request', async () => {
    await start(() => `${OK_RESPONSE}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
    for (let i = 0; i < 3; i++) {
      const { responses } = await rawExchange(gate.port, GET)
      expect(responses[0]?.body.toString()).toBe('ok')
    }
    expect(upstream.connections.length).toBe(3)
  })

  it('strips hop-by-hop, steering and trailer fields of the answer', async () => {
    const { responses } = await relayed(
      [
        'HTTP/1.1 200 OK',
        'Connection: close, X-Hop, Content-Type',
        'X-Hop: 1',
        'Content-Type: text/plain',
        'Keep-Alive: timeout=99',
        'Proxy-Authenticate: Basic',
        'Alt-Svc: h3=":443"',
        'Set-Cookie: direct=1',
        'X-Accel-Redirect: /secret',
        'X-Modelgate-Decision: forged',
        'Trailer: X-Weights',
        'Transfer-Encoding: chunked',
        '',
        '2\r\nok\r\n0\r\nX-Weights: AAAA\r\n\r\n',
      ].join('\r\n'),
    )
    const [response] = responses
    expect(response?.body.toString()).toBe('ok')
    expect([...(response?.headers.keys() ?? [])].sort()).toEqual(
      ['connection', 'content-type', 'date', 'keep-alive', 'transfer-encoding'].sort(),
    )
    expect(response?.header('keep-alive')).not.toContain('99')
  })

  it('answers early when the upstream does, while the body is still coming', async () => {
    await start()
    upstream.connections.forEach(({ socket }) => socket.destroy())
    const { createServer } = await import('node:net')
    const early = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig')
      })
    })
    await new Promise<void>((resolve) => early.listen(0, '127.0.0.1', resolve))
    const { port } = early.address() as { port: number }
    const other = await startForwardGate(port)
    const head = 'POST / HTTP/1.1\r\nHost: g\r\nContent-Length: 1000000\r\n\r\n'
    const { responses } = await rawExchange(other.port, [head, 'x'.repeat(1_000)])
    expect(responses[0]?.status).toBe(413)
    expect(responses[0]?.body.toString()).toBe('big')
    expect(responses[0]?.header('connection')).toBe('close')
    await other.close()
    await new Promise((resolve) => early.close(resolve))
  })
})
