/** A gateway that tells a receiver on this machine what happens: signed, until it is taken. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { until } from '../support/world-files.ts'
import { startWorld, type World } from '../support/world.ts'

const SECRET = Buffer.alloc(32, 9)
const HEADER = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly status: number
}

let dir: string
let receiver: Server
let world: World
let shiftMs = 0
const received: Received[] = []
const statuses: number[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-webhooks-'))
  const secretFile = join(dir, 'secret')
  await writeFile(secretFile, `whsec_${SECRET.toString('base64')}\n`)
  await chmod(secretFile, 0o600)
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const status = statuses.shift() ?? 204
      received.push({ headers: request.headers, body, status })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const { port } = receiver.address() as AddressInfo
  const webhook = {
    ...{ name: 'soc', url: `http://127.0.0.1:${port}/hook`, secret_file: secretFile },
    ...{ allow_loopback: true, events: ['incident.*', 'decision.refused'] },
  }
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(HEADER.length))
  const weights = Buffer.concat([length, Buffer.from(HEADER), Buffer.alloc(4)])
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${weights.length}`
  world = await startWorld({
    config: { webhooks: [webhook] },
    handler: () => Buffer.concat([Buffer.from(`${head}\r\n\r\n`), weights]),
    clock: { now: () => Date.now() + shiftMs, monotonicMs: () => performance.now() },
  })
}, 30_000)
afterAll(async () => {
  await world.close()
  receiver.closeAllConnections()
  receiver.close()
  await rm(dir, { recursive: true, force: true })
})

async function infer(roles: readonly string[]): Promise<Response> {
  const token = await world.token(roles)
  const url = `http://127.0.0.1:${world.port}/v2/models/fraud/infer`
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return fetch(url, { method: 'POST', headers, body: '{"inputs":[]}' })
}

/** As a receiver checks it, by what Standard Webhooks 1.0.0 says alone. */
function isSigned({ headers, body }: Received): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const mac = createHmac('sha256', SECRET).update(signed).digest()
  const [scheme, signature = ''] = String(headers['webhook-signature']).split(',')
  const given = Buffer.from(signature, 'base64')
  return scheme === 'v1' && given.length === mac.length && timingSafeEqual(given, mac)
}

const ofType = (type: string): readonly Received[] =>
  received.filter(({ body }) => (JSON.parse(body) as { type: string }).type === type)

describe('a receiver of webhooks', () => {
  it('hears of an incident, signed, again with the same id after a failure of its own', async () => {
    statuses.push(500)
    const answer = await infer(['inference']).catch(() => undefined)
    await answer?.arrayBuffer().catch(() => undefined)
    await until(
      'it was taken',
      () => ofType('incident.raised').some(({ status }) => status === 204),
      30_000,
    )
    const [first, second] = ofType('incident.raised')
    if (first === undefined || second === undefined) throw new Error('told once')
    expect([first.status, second.status]).toEqual([500, 204])
    expect([isSigned(first), isSigned(second)]).toEqual([true, true])
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
    expect(second.body).toBe(first.body)
    const { data } = JSON.parse(second.body) as { data: Record<string, unknown> }
    const record = await world.whenRecord(({ type }) => type === 'incident')
    expect(data).toMatchObject({
      ...{ kind: 'weights', found: 'safetensors', sub: 'user:dev/alice', upstream: 'models' },
      ...{ action: 'infer', resource: 'model:fraud', decision: record.id, count: 1 },
    })
    expect(second.body).not.toContain('data_offsets')
  }, 60_000)

  it('hears of refusals, those that are alike once with their number', async () => {
    for (let i = 0; i < 3; i++) expect((await infer(['reader'])).status).toBe(403)
    shiftMs += 11_000
    await until('it was told', () => ofType('decision.refused').length > 0, 30_000)
    const [told] = ofType('decision.refused')
    if (told === undefined) throw new Error('not told')
    expect(isSigned(told)).toBe(true)
    const { data } = JSON.parse(told.body) as { data: Record<string, unknown> }
    expect(data).toMatchObject({ kind: 'refused', count: 3, sub: 'user:dev/alice' })
    const delivered = () => world.metric('webhook_deliveries_total', { result: 'delivered' })
    await world.until('both are counted', async () => (await delivered()) === 2)
  }, 60_000)
})
