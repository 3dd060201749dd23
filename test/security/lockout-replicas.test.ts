/** A caller who is kept out by one replica is kept out by all of them, within a second. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from '../support/attack.ts'
import { framed, inferRequest } from '../support/grpc-messages.ts'
import { OIP_PACK, SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startRecordingUpstream, type RecordingUpstream } from '../support/recording-upstream.ts'
import { until } from '../support/world-files.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const LIVE_PACK = `pack: live
title: A server of streams
routes:
  - { methods: [POST], path: "/models/{model}/stream", action: infer, model: [{ path: model }], body: json }
  - { methods: [GET], path: "/models/{model}/live", action: infer, model: [{ path: model }], upgrade: websocket }
  - { methods: [GET], path: "/models/{model}/weights", action: export, model: [{ path: model }] }
`
const LIMITS = `limits:
  attack:
    for: [role:inference]
    actions: [infer]
    detect: { window: 1h, logits: { share: 100%, of: 3 } }
    on_incident: { lock: 10m }
`
const STREAM =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n'
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

let dir = ''
let redis: TestRedis
let http: RecordingUpstream
let one: GrpcWorld
let two: GrpcWorld
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-lockout-'))
  redis = await startRedis()
  const urlFile = join(dir, 'redis.url')
  await writeFile(urlFile, redis.url, { mode: 0o600 })
  http = await startRecordingUpstream(({ raw }) => {
    if (raw.includes('/stream')) return `${STREAM}9\r\ndata: 1\n\n\r\n`
    return raw.toLowerCase().includes('upgrade: websocket') ? SWITCHING : OK
  })
  const start = () =>
    startGrpcWorld({
      upstreams: [
        { name: 'calls', pack: 'oip', protocol: 'grpc' },
        { name: 'live', pack: 'live', url: http.url, websocket: true },
      ],
      rules: { 'routes/oip.yaml': OIP_PACK, 'routes/live.yaml': LIVE_PACK, 'limits.yaml': LIMITS },
      config: {
        listen: {
          data: { host: '127.0.0.1', port: 0 },
          control: { host: '127.0.0.1', port: 0 },
          grpc: { host: '127.0.0.1', port: 0 },
        },
        store: { kind: 'redis', url_file: urlFile, when_stale: 'continue' },
      },
    })
  ;[one, two] = await Promise.all([start(), start()])
}, 60_000)
afterAll(async () => {
  await Promise.all([one.close(), two.close()])
  await http.close()
  await redis.close()
  await rm(dir, { recursive: true, force: true })
})

const json = ['Content-Type: application/json']
const post = (token: string, target: string, body: string) =>
  request({ method: 'POST', target, host: 'a.test', token, body, lines: json })

describe('streams on another replica', () => {
  it('end within a second: events, a WebSocket, a gRPC call', async () => {
    const there = await two.world.token(['inference'])
    const events = rawExchange(two.world.port, post(there, '/models/iris/stream', '{}'), {
      until: (raw) => raw.includes('\r\n0\r\n\r\n'),
      timeoutMs: 10_000,
    })
    const socket = rawExchange(
      two.world.port,
      request({
        target: '/models/iris/live',
        host: 'a.test',
        token: there,
        lines: [
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ],
      }),
      { until: () => false, timeoutMs: 10_000 },
    )
    const call = two.client.open(`${SERVICE}/ModelStreamInfer`, { token: there })
    call.stream.write(framed(inferRequest('iris')))
    await two.world.until('three streams', async () => {
      return (await two.world.metric('requests_in_flight')) === 3
    })

    const here = await one.world.token(['inference'])
    const asking = '{"prompt":"x","logprobs":true}'
    const statuses: (number | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const answer = await rawExchange(one.world.port, post(here, '/models/iris/stream', asking), {
        until: (raw) => raw.includes('data: 1') || raw.includes('reason'),
      })
      statuses.push(Number(answer.raw.toString('latin1', 9, 12)))
    }
    const lockedMs = performance.now()
    expect(statuses).toEqual([200, 200, 403, 403])

    const [sse, frames, ended] = await Promise.all([events, socket, call.result])
    expect(performance.now() - lockedMs).toBeLessThan(1_500)
    expect(sse.raw.toString()).toContain('locked_out')
    // Policy violation (RFC 6455 §7.4.1).
    expect(frames.raw.includes(Buffer.from([0x03, 0xf0]))).toBe(true)
    expect(ended.grpcStatus).toBe(7)
    const again = await rawExchange(two.world.port, post(there, '/models/iris/stream', '{}'))
    expect(again.responses[0]?.body.toString()).toContain('locked_out')
  }, 30_000)
})

describe('a store that is away', () => {
  it('stops what is privileged after five seconds, and nothing else under when_stale: continue', async () => {
    const token = await two.world.token(['inference', 'exporter'], { sub: 'carol' })
    const weights = request({ target: '/models/iris/weights', host: 'a.test', token })
    const infer = post(token, '/models/iris/stream', '{}')
    redis.signal('SIGSTOP')
    try {
      await until(
        'the list to be old',
        async () => {
          const { responses } = await rawExchange(two.world.port, weights)
          return responses[0]?.body.toString().includes('state_unavailable') === true
        },
        10_000,
      )
      const { raw } = await rawExchange(two.world.port, infer, {
        until: (bytes) => bytes.includes('data: 1') || bytes.includes('reason'),
      })
      expect(raw.toString()).toMatch(/^HTTP\/1\.1 200 /)
    } finally {
      redis.signal('SIGCONT')
    }
    await two.world.until('the list', async () => {
      const { responses } = await rawExchange(two.world.port, weights)
      return responses[0]?.status === 200
    })
  }, 30_000)
})
