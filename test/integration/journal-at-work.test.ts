/**
 * What the journal says reaches requests and what is open, over sockets: locks, grants that are taken
 * back or run out, reviews, versions. The journal is written as another replica would write it.
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { WebSocket, WebSocketServer } from 'ws'
import type { ElevationGrant } from '../../gateway/access/elevation.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import type { ReviewCampaign } from '../../gateway/access/review.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import {
  download,
  MODEL,
  startExportWorld,
  startRegistry,
  type Registry,
} from '../support/exports.ts'
import { framed, inferRequest } from '../support/grpc-messages.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'
import { lockOf } from '../support/replicas.ts'
import { startWorld, type World } from '../support/world.ts'

/** The store is an hour ahead of the gateways: what ends by the wrong clock is noticed. */
const AHEAD_MS = 3_600_000
const storeNow = () => systemClock.now() + AHEAD_MS
const stateAhead = () => createMemoryStore({ clock: { ...systemClock, now: storeNow } })

/** Appends as another replica does, whoever else appends. */
async function tell(state: SharedStore, ...events: readonly AccessEvent[]): Promise<void> {
  const texts = events.map((event) => JSON.stringify({ v: 1, event }))
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { epoch, seq } = await state.journal.head()
    if ((await state.journal.append(texts, { epoch, seq })).appended) return
  }
  throw new Error('the journal is always busy')
}

const digits = (number: number) => String(number).padStart(26, '0')
const reasonIn = (text: string) => (JSON.parse(text) as { reason?: string }).reason
const BOB = { person: 'person:bob', id: 'user:dev/bob', holds: ['role:approver'] }

/** A grant of the model to alice, approved by bob. */
function grantOf(number: number, more: Partial<ElevationGrant> = {}): ElevationGrant {
  const digest = `sha256:${'a'.repeat(64)}`
  const [issuedAt, durationMs] = [storeNow(), 600_000]
  const requirements = [{ count: 1, from: ['role:approver'] }]
  return {
    id: `grant-${digits(number)}`,
    request: `req-${digits(number)}`,
    terms: {
      holder: 'user:dev/alice',
      actions: ['export'],
      resources: [`model:${MODEL}`],
      durationMs,
      usesMax: 1,
    },
    holder: { person: 'person:user:dev/alice', id: 'user:dev/alice', holds: ['role:exporter'] },
    digest,
    votes: [{ by: BOB, decision: 'approve', digest, filtersHeld: [], at: issuedAt }],
    demands: [{ rule: 'exports', requirements, denyBy: 'any-eligible' }],
    issuedAt,
    startsAt: issuedAt,
    expiresAt: issuedAt + durationMs,
    ...more,
  }
}

const issued = (grant: ElevationGrant): AccessEvent => ({ type: 'grant.issued', grant })
const APPROVALS = JSON.stringify({
  approvals: {
    exports: { for: { actions: ['export'] }, require: [{ count: 1, from: ['role:approver'] }] },
  },
})

describe('grants of the journal', () => {
  const state = stateAhead()
  let registry: Registry
  let world: World
  let other: World
  let token: string
  let others: string
  beforeAll(async () => {
    registry = await startRegistry(Buffer.alloc(1_000, 7))
    const more = { state, rules: { 'approvals.yaml': APPROVALS } }
    world = await startExportWorld(registry, {}, more)
    other = await startExportWorld(registry, {}, more)
    token = await world.token(['exporter'])
    others = await other.token(['exporter'])
  }, 30_000)
  afterAll(async () => {
    registry.resume()
    await world.close()
    await other.close()
    await registry.close()
  })

  const get = (number: number, of = world, by = token) =>
    download(of.port, by, { headers: { 'x-modelgate-grant': `grant-${digits(number)}` } })
  /** Waits until a gateway knows the journal to its end. */
  const known = async (of = world) => {
    const { seq } = await state.journal.head()
    await of.until('the journal', async () => (await of.metric('state_seq')) >= seq)
  }
  const give = async (grant: ElevationGrant) => {
    await tell(state, issued(grant))
    await Promise.all([known(world), known(other)])
  }

  it('lets an export pass once', async () => {
    expect((await get(1).done).status).toBe(403)
    await give(grantOf(1))
    expect(await get(1).done).toMatchObject({ status: 200, isWhole: true })
    const again = await get(1).done
    expect([again.status, reasonIn(again.body.toString())]).toEqual([403, 'grant_spent'])
  })

  // threats §2.L 374: both ask in the same moment.
  it('is used by one of two gateways', async () => {
    await give(grantOf(2))
    const both = await Promise.all([get(2).done, get(2, other, others).done])
    expect(both.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = both.find(({ status }) => status !== 200)
    expect(['grant_spent', 'grant_in_use']).toContain(reasonIn(refused?.body.toString() ?? '{}'))
  })

  it('ends what is under way when it is revoked, and is of no use then', async () => {
    await give(grantOf(3, { terms: { ...grantOf(3).terms, usesMax: 5 } }))
    registry.pauseAt = 100
    const open = get(3)
    await open.got(100)
    const deed = { by: BOB.id, reason: 'no more' }
    await tell(state, { type: 'grant.revoked', id: `grant-${digits(3)}`, ...deed })
    expect(await open.done).toMatchObject({ isWhole: false })
    const outcome = await world.whenRecord(({ reason }) => reason === 'grant_ended')
    expect(outcome).toMatchObject({ ended_by: 'gateway' })
    expect((await get(3).done).status).toBe(403)
    registry.pauseAt = Infinity
    registry.resume()
  })

  // threats §2.H 274, 275: the clocks of the gateways are an hour behind.
  it('ends by the time of the store, in the middle of a download', async () => {
    const terms = { ...grantOf(4).terms, usesMax: 5 }
    await give(grantOf(4, { terms, expiresAt: storeNow() + 1_500 }))
    registry.pauseAt = 100
    const open = get(4)
    await open.got(100)
    expect(await open.done).toMatchObject({ status: 200, isWhole: false })
    const after = await get(4).done
    expect(after.status).toBe(403)
    registry.pauseAt = Infinity
    registry.resume()
  })

  it('is of no use when its approver holds the role no longer', async () => {
    await give(grantOf(5, { terms: { ...grantOf(5).terms, usesMax: 5 } }))
    expect((await get(5).done).status).toBe(200)
    await tell(state, { type: 'person.seen', person: { ...BOB, holds: [] } })
    await known()
    const after = await get(5).done
    expect(after.status).toBe(403)
    expect(after.body.toString()).toContain('too few of those who agreed may still do so')
    await tell(state, { type: 'person.seen', person: BOB })
  })

  it('is of no use when a review took it away', async () => {
    await give(grantOf(6, { terms: { ...grantOf(6).terms, usesMax: 5 } }))
    expect((await get(6).done).status).toBe(200)
    const { id } = grantOf(6)
    const review = reviewOf('6', { kind: 'grant', holder: 'user:dev/alice', privilege: id })
    await tell(state, { type: 'review.started', review })
    await known()
    const after = await get(6).done
    expect([after.status, after.body.toString()]).toEqual([403, expect.stringContaining(review.id)])
  })
})

type Reviewed = Pick<ReviewCampaign['lines'][number], 'kind' | 'holder' | 'privilege'>

/** A review that revokes one line. */
function reviewOf(name: string, line: Reviewed): ReviewCampaign {
  const at = storeNow() - 1
  const decision = { verdict: 'revoke', by: BOB.id, at } as const
  const facts = { source: 'x', givenBy: [], actions: [], resources: [], ghost: false }
  return {
    id: `review-${digits(Number(name))}`,
    title: 'A test',
    by: BOB.id,
    startedAt: at,
    dueAt: at + AHEAD_MS,
    revision: 'r',
    scope: {},
    lineCount: 1,
    lines: [{ id: '1', ...line, ...facts, decision }],
  }
}

const ROUTES = `pack: live
title: A model server that talks over WebSocket
routes:
  - methods: [GET]
    path: /live/{model}
    action: infer
    model: [{ path: model }]
    upgrade: websocket
`
const RULE = 'p, role:reader, infer, model:*, always, allow'

describe('locks, reviews and versions', () => {
  const state = stateAhead()
  let server: Server
  let sockets: WebSocketServer
  let world: World
  beforeAll(async () => {
    server = createServer()
    sockets = new WebSocketServer({ server })
    sockets.on('connection', (socket) => socket.on('message', () => socket.send('here')))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const path = { match: { path_prefix: '/ws' }, strip_prefix: true }
    world = await startWorld({
      state,
      policy: `p, role:inference, infer, model:*, always, allow\n${RULE}\n`,
      rules: { 'routes/live.yaml': ROUTES },
      upstreams: [
        { name: 'live', pack: 'live', url, websocket: true, ...path },
        { name: 'models', pack: 'triton' },
      ],
      handler: () => 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n',
    })
  }, 30_000)
  afterAll(async () => {
    for (const client of sockets.clients) client.terminate()
    sockets.close()
    await new Promise((resolve) => server.close(resolve))
    await world.close()
  })

  const bearer = async (role: string, sub: string) => ({
    authorization: `Bearer ${await world.token([role], { sub })}`,
  })
  const ask = async (role: string, sub: string, path = '/v2/models/iris/generate_stream') =>
    fetch(`http://127.0.0.1:${world.port}${path}`, {
      method: 'POST',
      body: '{}',
      headers: { ...(await bearer(role, sub)), 'content-type': 'application/json' },
    })
  const open = async (role: string, sub: string) => {
    const reader = (await ask(role, sub)).body?.getReader()
    const read = async () => Buffer.from((await reader?.read())?.value ?? []).toString()
    expect(await read()).toBe('data: one\n\n')
    return read
  }
  const refusal = async (answer: Response) => [answer.status, reasonIn(await answer.text())]

  it('a lock ends what is open and refuses what is new', async () => {
    const read = await open('inference', 'mallory')
    const headers = await bearer('inference', 'mallory')
    const socket = new WebSocket(`ws://127.0.0.1:${world.port}/ws/live/llama`, { headers })
    await once(socket, 'open')
    socket.send('hello')
    await once(socket, 'message')
    const closed = once(socket, 'close') as Promise<[number, Buffer]>
    await open('inference', 'alice')

    await tell(state, { type: 'lock.set', lock: lockOf('mallory', { at: storeNow() }) })
    const [[code], last] = await Promise.all([closed, read()])
    expect(code).toBe(1008)
    expect(last).toMatch(/^\s*event: error\n/)
    expect(last).toContain('locked')
    expect(await refusal(await ask('inference', 'mallory'))).toEqual([403, 'locked'])
    const record = await world.whenRecord(({ type }) => type === 'lock.enforced')
    expect(record).toMatchObject({ lock: 'lock-mallory', cut: 2 })
    expect(await world.metric('streams_cut_total', { reason: 'locked' })).toBe(2)
  })

  it('a rule that a review took away permits nothing, and what is open by it ends', async () => {
    const read = await open('reader', 'carol')
    await open('inference', 'carol')
    const line = { kind: 'standing', holder: 'role:reader', privilege: RULE } as const
    await tell(state, { type: 'review.started', review: reviewOf('7', line) })
    expect(await read()).toContain('privilege_revoked')
    expect(await refusal(await ask('reader', 'carol'))).toEqual([403, 'privilege_revoked'])
    expect((await ask('inference', 'carol')).status).toBe(200)
  })

  it('a version that was not released is refused, until it is', async () => {
    const path = '/v2/models/iris/versions/9/generate_stream'
    expect((await ask('inference', 'alice', path)).status).toBe(200)
    const version = { model: 'model:iris@9', at: storeNow(), by: 'user:dev/alice' }
    await open('inference', 'alice')
    await tell(state, { type: 'version.registered', version })
    const isRefused = async () => (await ask('inference', 'alice', path)).status === 403
    await world.until('the restriction', isRefused)
    expect(await refusal(await ask('inference', 'alice', path))).toEqual([
      403,
      'version_restricted',
    ])
    const deed = { by: BOB.id, reason: 'evaluated' }
    await tell(state, { type: 'version.released', model: version.model, ...deed })
    await world.until('the release', async () => !(await isRefused()))
  })

  it('takes its part in a drill', async () => {
    const drill = {
      id: `drill-${digits(1)}`,
      by: BOB.id,
      at: storeNow(),
      expected: [],
      reports: [],
    }
    await tell(state, { type: 'drill.begun', drill })
    const reports = async () => {
      const { entries } = await state.journal.entriesAfter(0, 1_000)
      return entries.map(({ text }) => (JSON.parse(text) as { event: AccessEvent }).event)
    }
    const reported = async () => (await reports()).find(({ type }) => type === 'drill.reported')
    await world.until('the report', async () => (await reported()) !== undefined)
    expect(await reported()).toMatchObject({ id: drill.id, report: { ok: true } })
  })
})

describe('a gRPC stream', () => {
  const state = stateAhead()
  let grpc: GrpcWorld
  beforeAll(async () => {
    grpc = await startGrpcWorld({ state })
  }, 30_000)
  afterAll(() => grpc.close())

  it('ends with trailers when its caller is locked', async () => {
    const token = await grpc.world.token(['inference'], { sub: 'mallory' })
    const call = grpc.client.open(`${SERVICE}/ModelStreamInfer`, { token })
    call.stream.write(framed(inferRequest('iris')))
    await call.received(1)
    await tell(state, { type: 'lock.set', lock: lockOf('mallory', { at: storeNow() }) })
    const result = await call.result
    expect(result.grpcStatus).toBe(7)
    expect(result.grpcMessage).toContain('locked')
  })
})
