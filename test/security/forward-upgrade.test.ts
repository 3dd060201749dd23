import { afterEach, describe, expect, it } from '@jest/globals'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { refuse } from '../../gateway/domain/refusal.ts'
import { startForwardGate, type ForwardGate } from '../support/forward-gate.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startRecordingUpstream, type RawHandler } from '../support/recording-upstream.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function gateTo(port: number, options: Parameters<typeof startForwardGate>[1] = {}) {
  const gate = await startForwardGate(port, options)
  closers.push(() => gate.close())
  return gate
}

async function rawUpstream(handler: RawHandler, options = {}): Promise<ForwardGate> {
  const upstream = await startRecordingUpstream(handler)
  closers.push(() => upstream.close())
  return gateTo(upstream.port, options)
}

/** A gate in front of an echoing `ws` server, which would compress if it were asked to. */
async function echo(options = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true })
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    socket.on('error', () => undefined)
  })
  await once(server, 'listening')
  closers.push(
    () =>
      new Promise((resolve) => {
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      }),
  )
  const gate = await gateTo((server.address() as AddressInfo).port, options)
  return { gate, server }
}

async function open(gate: ForwardGate): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${gate.port}/v1/realtime?a=//b`)
  socket.on('error', () => undefined)
  await once(socket, 'open')
  return socket
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const handshake = (more = '') =>
  `GET /ws HTTP/1.1\r\nHost: gate\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n${more}\r\n`
const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

describe('a WebSocket tunnel', () => {
  it('carries messages both ways, counted and not compressed', async () => {
    const { gate, server } = await echo()
    let path: string | undefined
    server.once('connection', (_, request) => (path = request.url))
    const socket = await open(gate)
    expect(socket.extensions).toBe('')
    const big = Buffer.alloc(300_000, 7)
    socket.send(big)
    const [data] = (await once(socket, 'message')) as [Buffer]
    expect(data.equals(big)).toBe(true)
    socket.close(1000)
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1000)
    expect(path).toBe('/v1/realtime?a=//b')
    const outcome = await gate.result(0)
    expect(outcome).toMatchObject({ status: 101 })
    expect('responseBytes' in outcome && outcome.responseBytes).toBeGreaterThan(300_000)
    expect('requestBytes' in outcome && outcome.requestBytes).toBeGreaterThan(300_000)
  })

  it('is closed with 1008 when it is cut from outside', async () => {
    const { gate, server } = await echo()
    const upstreamClosed = new Promise<number>((resolve) => {
      server.once('connection', (one) => one.once('close', resolve))
    })
    const socket = await open(gate)
    gate.cuts[0]?.(refuse('denied_by_rule'))
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1008)
    expect(await upstreamClosed).toBe(1008)
    expect(await gate.result(0)).toMatchObject({ endedBy: 'gateway', reason: 'denied_by_rule' })
  })

  it('closes the upstream when the client vanishes', async () => {
    const { gate, server } = await echo()
    const upstreamClosed = new Promise((resolve) => {
      server.once('connection', (one) => one.once('close', resolve))
    })
    const socket = await open(gate)
    socket.terminate()
    await upstreamClosed
    expect(await gate.result(0)).toMatchObject({ status: 101, endedBy: 'client' })
  })

  it('closes the client when the upstream vanishes', async () => {
    const { gate, server } = await echo()
    server.once('connection', (one) => setImmediate(() => one.terminate()))
    const socket = await open(gate)
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1006)
    expect(await gate.result(0)).toMatchObject({ endedBy: 'upstream' })
  })

  it('is closed when nothing moves', async () => {
    const { gate } = await echo({ wsIdleTimeoutMs: 100 })
    const socket = await open(gate)
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1001)
    expect(await gate.result(0)).toMatchObject({ reason: 'upstream_timeout' })
  })

  it.each([
    ['an unmasked frame', [0x81, 0x01, 0x41]],
    ['a reserved bit', [0xc1, 0x81, 0, 0, 0, 0, 0x41]],
    ['a fragmented control frame', [0x09, 0x80, 0, 0, 0, 0]],
    ['a frame of 1 GiB', [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]],
  ])('is closed on %s', async (_, frame) => {
    const { gate } = await echo()
    const { raw } = await rawExchange(gate.port, [handshake(), Buffer.from(frame)], {
      until: (bytes) => bytes.includes(Buffer.from([0x88, 0x02])),
    })
    expect(raw.subarray(-4).equals(Buffer.from([0x88, 0x02, 0x03, 0xea]))).toBe(true)
    expect(await gate.result(0)).toMatchObject({ endedBy: 'client', reason: 'upgrade_invalid' })
  })
})

describe('a handshake the upstream does not accept', () => {
  it.each([
    ['no accept', SWITCH],
    ['a wrong accept', `${SWITCH}Sec-WebSocket-Accept: AAAA\r\n`],
    ['another protocol', SWITCH.replace('websocket', 'h2c') + ACCEPT],
    [
      'an extension nobody offered',
      `${SWITCH}${ACCEPT}Sec-WebSocket-Extensions: permessage-deflate\r\n`,
    ],
    ['a subprotocol nobody offered', `${SWITCH}${ACCEPT}Sec-WebSocket-Protocol: other\r\n`],
  ])('opens no tunnel on 101 with %s', async (_, head) => {
    const gate = await rawUpstream(() => `${head}\r\nsecret`)
    const { raw } = await rawExchange(gate.port, handshake(), { until: () => false })
    expect(raw.toString()).toBe('HTTP/1.1 502 Refused\r\n\r\n')
    expect(await gate.result(0)).toMatchObject({ reason: 'upstream_invalid' })
  })

  it('relays a bare status otherwise, and closes both sides (WebSocket smuggling)', async () => {
    let requests = 0
    const gate = await rawUpstream(() => {
      requests++
      return 'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nLocation: /x\r\nContent-Length: 6\r\n\r\nsecret'
    })
    const { raw, endedBy } = await rawExchange(
      gate.port,
      [handshake(), 'GET /admin HTTP/1.1\r\nHost: gate\r\n\r\n'],
      { until: () => false },
    )
    expect(raw.toString()).toBe(
      'HTTP/1.1 426 Upgrade Required\r\nsec-websocket-version: 13\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
    )
    expect(['close', 'reset']).toContain(endedBy)
    expect(requests).toBe(1)
    expect(await gate.result(0)).toMatchObject({ status: 426 })
  })

  it('refuses a handshake of another version before it reaches the upstream', async () => {
    const gate = await rawUpstream(() => undefined)
    await rawExchange(gate.port, handshake().replace('13', '777'), { until: () => false })
    expect(await gate.result(0)).toMatchObject({ reason: 'upgrade_invalid' })
  })

  it('refuses when the upstream is down or silent', async () => {
    const silent = await rawUpstream(() => undefined, { headersTimeoutMs: 100 })
    await rawExchange(silent.port, handshake(), { until: () => false })
    expect(await silent.result(0)).toMatchObject({ reason: 'upstream_timeout' })
    const upstream = await startRecordingUpstream()
    await upstream.close()
    const down = await gateTo(upstream.port)
    await rawExchange(down.port, handshake(), { until: () => false })
    expect(await down.result(0)).toMatchObject({ reason: 'upstream_connect' })
  })

  it('sends no extension, no caller credential and exactly its own upgrade fields', async () => {
    const upstream = await startRecordingUpstream(() => `${SWITCH}${ACCEPT}\r\n`)
    closers.push(() => upstream.close())
    const gate = await gateTo(upstream.port)
    const more =
      'Sec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n'
    await rawExchange(gate.port, handshake(more), { until: (raw) => raw.includes('\r\n\r\n') })
    const head = upstream.requests[0]?.head.toLowerCase() ?? ''
    expect(head).not.toMatch(/extensions|authorization|cookie/)
    expect(head).toContain(`host: 127.0.0.1:${upstream.port}\r\n`)
    expect(head.match(/^connection:.*$/gm)).toEqual(['connection: upgrade'])
  })
})
