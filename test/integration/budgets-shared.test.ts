/** Budgets of two gateways over one Redis, after a restart, without the store, and of gRPC calls. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { field, framed, inferRequest } from '../support/grpc-messages.ts'
import { ANSWER_HEAD, onMessages } from '../support/grpc-upstream.ts'
import { SERVICE, startGrpcWorld } from '../support/grpc-world.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { startWorld, type World } from '../support/world.ts'

const ROUTES = `pack: echo
title: A server whose answers are as long as they are asked to be
routes:
  - { methods: [GET], path: '/get/{model}/{bytes}', action: infer, model: [{ path: model }] }
`

const POLICY = `p, role:anyone, infer, model:*, always, allow
`

const MAX = 1024 * 1024
const LEASE = Math.floor(MAX * 0.05)

const LIMITS = `weights: { budget: none }
limits:
  bytes:
    for: [role:reader]
    budget: { per: subject-model, bytes: { day: 1MiB } }
  requests:
    for: [role:inference]
    budget: { per: subject-model, requests: { day: 40 } }
`

let dir: string
let upstream: Server
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-budgets-'))
  upstream = createServer((request, response) => {
    const bytes = Number((request.url ?? '').split('/')[3])
    response.writeHead(200, { 'content-type': 'text/plain' })
    for (let left = bytes; left > 0; left -= 8_192) {
      response.write(Buffer.alloc(Math.min(left, 8_192), 0x61 + (left % 20)))
    }
    response.end()
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
})
afterAll(async () => {
  upstream.closeAllConnections()
  upstream.close()
  await rm(dir, { recursive: true, force: true })
})

function gateway(store: object, budgets: object = {}): Promise<World> {
  const { port } = upstream.address() as AddressInfo
  return startWorld({
    policy: POLICY,
    rules: { 'routes/echo.yaml': ROUTES, 'limits.yaml': LIMITS },
    upstreams: [{ name: 'models', pack: 'echo', url: `http://127.0.0.1:${port}` }],
    config: { store, budgets },
  })
}

async function get(world: World, path: string, role: string) {
  const response = await fetch(`http://127.0.0.1:${world.port}${path}`, {
    headers: { authorization: `Bearer ${await world.token([role])}` },
  })
  let bytes = 0
  let text = ''
  try {
    for await (const chunk of response.body ?? []) {
      bytes += (chunk as Uint8Array).length
      text = Buffer.from(chunk as Uint8Array).toString('latin1')
    }
  } catch {
    // A cut answer counts with what arrived.
  }
  return { status: response.status, bytes: response.status === 200 ? bytes : 0, text }
}

describe('two gateways over one Redis', () => {
  let redis: TestRedis
  let worlds: [World, World]
  beforeAll(async () => {
    redis = await startRedis()
    const file = join(dir, 'redis-url')
    await writeFile(file, redis.url)
    const store = { kind: 'redis', url_file: file }
    worlds = [await gateway(store), await gateway(store)]
  }, 30_000)
  afterAll(async () => {
    for (const world of worlds) await world.close()
    await redis.close()
  })

  it('let through what the budget says and at most one lease of each', async () => {
    let through = 0
    for (let round = 0; round < 6; round++) {
      const all = await Promise.all(
        worlds.flatMap((world) => [
          get(world, `/get/shared/${100 * 1024}`, 'reader'),
          get(world, `/get/shared/${100 * 1024}`, 'reader'),
        ]),
      )
      through += all.reduce((sum, { bytes }) => sum + bytes, 0)
    }
    expect(through).toBeGreaterThan(MAX - 3 * LEASE)
    expect(through).toBeLessThanOrEqual(MAX + 2 * LEASE)
    for (const world of worlds)
      expect((await get(world, '/get/shared/1', 'reader')).status).toBe(429)
  }, 30_000)

  it('count requests together', async () => {
    const all = await Promise.all(
      Array.from({ length: 80 }, (_, i) =>
        get(i % 2 === 0 ? worlds[0] : worlds[1], '/get/req/1', 'inference'),
      ),
    )
    const permitted = all.filter(({ status }) => status === 200).length
    expect(permitted).toBeGreaterThanOrEqual(36)
    expect(permitted).toBeLessThanOrEqual(44)
    expect(all.filter(({ status }) => status !== 200).map(({ status }) => status)).not.toContain(
      503,
    )
  }, 30_000)

  it('refuse with 503 what is beyond the credit while the store does not answer', async () => {
    redis.signal('SIGSTOP')
    try {
      const [world] = worlds
      const statuses: number[] = []
      for (let i = 0; i < 4; i++)
        statuses.push((await get(world, '/get/away/1', 'inference')).status)
      expect(statuses).toEqual([200, 200, 503, 503])
      expect(await world.metric('budget_alone')).toBe(1)
      expect(world.logText()).toContain('the store does not answer')
    } finally {
      redis.signal('SIGCONT')
    }
  }, 30_000)
})

describe('a gateway', () => {
  it('knows after a restart what was used before', async () => {
    const store = { kind: 'embedded', dir: join(dir, 'store') }
    const before = await gateway(store)
    for (let i = 0; i < 12; i++) await get(before, `/get/kept/${100 * 1024}`, 'reader')
    expect((await get(before, '/get/kept/1', 'reader')).status).toBe(429)
    await before.close()
    const after = await gateway(store)
    try {
      const through = []
      for (let i = 0; i < 4; i++)
        through.push(await get(after, `/get/kept/${100 * 1024}`, 'reader'))
      expect(through.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(2 * LEASE)
      expect(through.at(-1)?.status).toBe(429)
    } finally {
      await after.close()
    }
  }, 30_000)
})

describe('a gRPC call', () => {
  it('ends with RESOURCE_EXHAUSTED when its bytes are used up', async () => {
    const grpc = await startGrpcWorld({
      rules: {
        'limits.yaml': 'limits: { calls: { budget: { bytes: { day: 256KiB }, streams: 4 } } }',
      },
      calls(stream, call) {
        onMessages(stream, call, () => undefined)
        stream.respond(ANSWER_HEAD, { waitForTrailers: true })
        stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
        stream.on('error', () => undefined)
        for (let i = 0; i < 64; i++) stream.write(framed(field(1, 'x'.repeat(8_000))))
        stream.end()
        return true
      },
    })
    try {
      const token = await grpc.world.token(['inference', 'reader'])
      const call = () =>
        grpc.client.call(`${SERVICE}/ModelInfer`, { token, messages: [inferRequest('iris')] })
      const first = await call()
      expect(first.trailers['grpc-status']).toBe('8')
      expect(String(first.trailers['grpc-message'])).toContain('budget_exhausted')
      const refused = await call()
      expect({ ...refused.headers, ...refused.trailers }).toMatchObject({ 'grpc-status': '8' })
    } finally {
      await grpc.close()
    }
  }, 30_000)
})
