/** Upstreams that are down, slow or dying, and clients that leave. */
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { startHttpUpstream } from '../support/http-upstream.ts'
import { until } from '../support/world-files.ts'

/** Requests as the upstream sees them, with the responses the test holds. */
const held: { request: IncomingMessage; response: ServerResponse }[] = []

/** `/…/ready` begins a body and leaves the rest to the test; others are never answered. */
function moody(request: IncomingMessage, response: ServerResponse): void {
  held.push({ request, response })
  if (request.url?.endsWith('/ready') !== true) return
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '1000' })
  response.write('begun')
}

let world: BuiltWorld
let closedPort: number
beforeAll(async () => {
  const gone = await startHttpUpstream()
  await gone.close()
  closedPort = gone.port
  world = await startBuiltWorld({
    handler: moody,
    upstreams: [
      { name: 'models', pack: 'kserve', timeouts: { headers: '300ms', idle: '1s' } },
      {
        name: 'down',
        url: gone.url,
        pack: 'kserve',
        match: { path_prefix: '/down' },
        strip_prefix: true,
      },
    ],
  })
}, 30_000)
afterAll(() => world.close())

async function get(path: string) {
  const headers = { authorization: `Bearer ${await world.token(['reader'])}` }
  return fetch(world.url + path, { headers })
}

/** The decision id and the reason of a refusal. */
async function refusal(response: Response) {
  const { reason, decision_id: id } = (await response.json()) as Record<string, string>
  return { status: response.status, reason, id: id ?? '' }
}

const outcome = (id: unknown) =>
  world.whenRecord((record) => record.type === 'outcome' && record.id === id)

/** A response of which the head and the first bytes have come. */
async function begun() {
  const authorization = `Bearer ${await world.token(['reader'])}`
  const request = httpRequest(`${world.url}/v2/models/iris/ready`, {
    agent: false,
    headers: { authorization },
  })
  request.on('error', () => undefined).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  const broken = new Promise<boolean>((resolve) => {
    response.on('error', () => undefined)
    response.once('close', () => resolve(!response.complete))
  })
  response.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await until('the first bytes', () => text === 'begun')
  const permits = (await world.records()).filter(({ effect }) => effect === 'permit')
  return { request, response, broken, id: permits.at(-1)?.id, upstream: held.at(-1) }
}

describe('an upstream', () => {
  it('that is down is a 502, recorded and counted', async () => {
    const answer = await refusal(await get('/down/v2/models/iris'))
    expect(answer).toMatchObject({ status: 502, reason: 'upstream_connect' })
    expect(await outcome(answer.id)).toMatchObject({ reason: 'upstream_connect' })
    const labels = { upstream: 'down', reason: 'upstream_connect' }
    expect(await world.metric('upstream_errors_total', labels)).toBe(1)
  })

  it('that comes up is reached by the next request', async () => {
    const upstream = await startHttpUpstream(undefined, closedPort)
    try {
      expect((await get('/down/v2/models/iris')).status).toBe(200)
    } finally {
      await upstream.close()
    }
  })

  it('that does not answer in time is a 504', async () => {
    const answer = await refusal(await get('/v2/models/iris'))
    expect(answer).toMatchObject({ status: 504, reason: 'upstream_timeout' })
    expect(await outcome(answer.id)).toMatchObject({ reason: 'upstream_timeout' })
  })

  it('that dies within a body breaks the transfer off: never a clean end', async () => {
    const { broken, id, upstream } = await begun()
    upstream?.response.destroy()
    expect(await broken).toBe(true)
    expect(await outcome(id)).toMatchObject({
      status: 200,
      bytes_out: 5,
      ended_by: 'upstream',
      reason: 'upstream_reset',
    })
  })

  it('that falls silent within a body is given up', async () => {
    const { broken, id } = await begun()
    expect(await broken).toBe(true)
    expect(await outcome(id)).toMatchObject({ bytes_out: 5, reason: 'upstream_timeout' })
  })
})

describe('a client that leaves', () => {
  it('within a body takes the request to the upstream with it', async () => {
    const { request, id, upstream } = await begun()
    const closed = new Promise((resolve) => upstream?.response.once('close', resolve))
    request.destroy()
    await closed
    expect(await outcome(id)).toMatchObject({
      bytes_out: 5,
      ended_by: 'client',
      reason: 'client_gone',
    })
  })

  it('within its own upload does so as well', async () => {
    const authorization = `Bearer ${await world.token(['inference'])}`
    const before = held.length
    const request = httpRequest(`${world.url}/v2/models/iris/infer`, {
      method: 'POST',
      agent: false,
      headers: { authorization, 'content-type': 'application/json', 'content-length': '100000' },
    })
    request.on('error', () => undefined).write('{"inputs":[')
    await until('the upload at the upstream', () => held.length > before)
    const upstream = held.at(-1)
    const closed = new Promise((resolve) => upstream?.response.once('close', resolve))
    request.destroy()
    await closed
    const decision = await world.whenRecord(({ path }) => path === '/v2/models/iris/infer')
    expect(await outcome(decision.id)).toMatchObject({ ended_by: 'client' })
  })

  it('leaves nothing in flight', async () => {
    await until('the end of every request', async () => {
      return (await world.metric('requests_in_flight')) === 0
    })
  })
})
