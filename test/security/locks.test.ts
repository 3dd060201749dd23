/** Locks over sockets: whom each kind is on, whom it is not, and ids that try to be more than ids. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { NO_ACCESS } from '../../gateway/access/no-access.ts'
import type { AccessView } from '../../gateway/access/view.ts'
import type { LockTarget } from '../../gateway/access/lock.ts'
import { liftLock } from '../../gateway/access/locks/lift-lock.ts'
import { setLock, type LockAsk } from '../../gateway/access/locks/set-lock.ts'
import { createLockIndex } from '../../gateway/access/locks/lock-index.ts'
import { createAccessView } from '../../gateway/assembly/replica/access-view.ts'
import type { Operation } from '../../gateway/domain/vocabulary.ts'
import { askFor, LOCKED_AT, MALLORY } from '../support/locks.ts'
import { createMemoryReplica, type MemoryReplica } from '../support/memory-replica.ts'
import { entryOf, PERMIT, READ, startPipeline, type TestPipeline } from '../support/pipeline.ts'
import { rawExchange } from '../support/raw-client.ts'

/** Who calls, from where, for what; tests change it. */
interface Call {
  readonly subject: typeof MALLORY
  readonly client: string
  readonly device: string | undefined
  readonly operation: Operation
  readonly upgrade: boolean
}

const CALL: Call = {
  subject: MALLORY,
  client: '10.1.2.3',
  device: 'laptop-7',
  operation: { action: 'infer', resource: { kind: 'model', name: 'fraud', version: '3' } },
  upgrade: false,
}

let replica: MemoryReplica
let view: AccessView
let call = CALL
let upgrades = 0
let pipeline: TestPipeline

beforeAll(async () => {
  pipeline = await startPipeline({
    access: { ...NO_ACCESS, lockOn: (facts) => view.lockOn(facts) },
    runtime: {
      authenticator: { authenticate: () => call.subject },
      clientAddress: () => ({ ip: call.client, source: 'peer' }),
      environment: ({ now, client }) => ({
        now,
        client,
        ...(call.device === undefined ? {} : { devices: [call.device] }),
      }),
      upgrades: {
        upgrade: () => {
          upgrades += 1
          return Promise.reject(new Error('not here'))
        },
      },
      upstreams: {
        select: (_, target) => ({
          target,
          entry: entryOf({
            name: 'llm',
            websocket: true,
            classifier: {
              classify: () => ({ ...READ, operations: [call.operation], upgrade: call.upgrade }),
            },
          }),
        }),
      },
      policy: {
        decisionPoint: { revision: PERMIT.revision, decide: () => PERMIT },
        resources: { attributesOf: () => undefined },
        // `role:trainer` by way of a group.
        holdingsOf: ({ id, groups, roles }) =>
          new Set([id, ...groups, ...roles, 'role:anyone', 'role:trainer']),
      },
    },
  })
})
afterAll(() => pipeline.close())
beforeEach(() => {
  replica = createMemoryReplica(LOCKED_AT)
  view = createAccessView({
    replica: viewable(replica),
    locks: createLockIndex(replica.state.locks),
    grants: { find: () => ({}) },
    reviews: { revokedBy: () => undefined },
    versions: { isRestricted: () => false },
    seen: () => undefined,
  })
  call = CALL
})

/** What the view asks of a replica. */
function viewable(of: MemoryReplica) {
  return {
    get state() {
      return of.state
    },
    fresh: true,
    stalenessMs: 0,
    now: () => of.now(),
    onApplied: of.onApplied.bind(of),
    used: () => undefined,
    regression: undefined,
  }
}

const lock = (target: LockTarget, more: Partial<LockAsk> = {}) =>
  replica.run(setLock(askFor(target, more)))
/** The reason of the refusal, or the status. */
async function asked(): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${pipeline.port}/m`)
  const text = await answer.text()
  return answer.status === 200 ? 200 : (JSON.parse(text) as { reason: string }).reason
}

const named = (name: string, version?: string): Operation => ({
  action: 'infer',
  resource: { kind: 'model', name, ...(version === undefined ? {} : { version }) },
})
const as = (more: Partial<typeof MALLORY>): Partial<Call> => ({ subject: { ...MALLORY, ...more } })

/** Each target, a call that is under it, and one that differs by as little as can be. */
const TARGETS: readonly [LockTarget, on: Partial<Call>, off: Partial<Call>][] = [
  [{ kind: 'user', id: MALLORY.id }, {}, as({ id: 'user:corp/mallor' })],
  [{ kind: 'group', id: 'group:science' }, {}, as({ groups: ['group:Science'] })],
  [{ kind: 'role', id: 'role:reader' }, {}, as({ roles: ['role:read'] })],
  [
    { kind: 'person', id: 'person:e-7' },
    as({ id: 'user:partner/m', issuerName: 'partner' }),
    as({ person: 'person:e-70' }),
  ],
  [{ kind: 'device', id: 'laptop-7' }, {}, { device: undefined }],
  [{ kind: 'token', issuer: 'corp', id: 'jti-1' }, {}, as({ tokenId: 'jti-2' })],
  [{ kind: 'token', issuer: 'corp', id: 'jti-1' }, {}, as({ issuerName: 'partner' })],
  [
    { kind: 'session', issuer: 'corp', id: 'sid-1' },
    as({ tokenId: 'new' }),
    as({ sessionId: 's' }),
  ],
  [
    { kind: 'issued-before', subject: MALLORY.id, before: LOCKED_AT },
    as({ issuedAt: LOCKED_AT - 1 }),
    as({ issuedAt: LOCKED_AT }),
  ],
  [{ kind: 'network', cidr: '10.1.2.0/24' }, {}, { client: '10.1.3.3' }],
  [{ kind: 'network', cidr: '10.1.2.3' }, {}, { client: '10.1.2.4' }],
  [
    { kind: 'network', cidr: '2001:db8::/32' },
    { client: '2001:db8::9' },
    { client: '2001:db9::9' },
  ],
  [
    { kind: 'network', cidr: '10.1.2.0/24' },
    { client: '::ffff:10.1.2.3' },
    { client: '::10.1.2.3' },
  ],
  [{ kind: 'model', id: 'model:fraud' }, {}, { operation: named('fraud-2') }],
  [{ kind: 'version', id: 'model:fraud@3' }, {}, { operation: named('fraud', '4') }],
  // The upstream could choose this version.
  [
    { kind: 'version', id: 'model:fraud@3' },
    { operation: named('fraud') },
    { operation: named('fraud-2') },
  ],
]

describe('a lock over HTTP', () => {
  it.each(TARGETS)(
    'on %j refuses what is under it and nothing else (%#)',
    async (target, on, off) => {
      await lock(target)
      call = { ...CALL, ...on }
      expect(await asked()).toBe('locked')
      call = { ...CALL, ...off }
      expect(await asked()).toBe(200)
    },
  )

  it.each<[LockTarget]>([
    [{ kind: 'role', id: 'role:trainer' }],
    [{ kind: 'upstream', id: 'llm' }],
    [{ kind: 'all' }],
  ])('on %j refuses who holds it by way of others, and everybody', async (target) => {
    expect(await asked()).toBe(200)
    await lock(target)
    expect(await asked()).toBe('locked')
  })

  it('of one action leaves the others', async () => {
    await lock({ kind: 'user', id: MALLORY.id }, { actions: ['export', 'deploy'] })
    expect(await asked()).toBe(200)
    call = { ...CALL, operation: { ...CALL.operation, action: 'deploy' } }
    expect(await asked()).toBe('locked')
  })

  it('ends with its time to the millisecond, and when it is lifted', async () => {
    const id = 'lock-00000000000000000000000009'
    await lock({ kind: 'all' }, { ttlMs: 1_000 })
    await lock({ kind: 'device', id: 'laptop-7' }, { id })
    call = { ...CALL, device: undefined }
    replica.time = LOCKED_AT + 999
    expect(await asked()).toBe('locked')
    replica.time = LOCKED_AT + 1_000
    expect(await asked()).toBe(200)
    call = CALL
    expect(await asked()).toBe('locked')
    const olga = {
      by: 'user:corp/olga',
      person: 'person:olga',
      holds: [],
      holdingsOf: () => new Set<string>(),
    }
    const by = { ...olga, reason: 'over', secondPerson: false }
    await replica.run(liftLock({ id, ...by }))
    expect(await asked()).toBe(200)
  })
})

// threats §2.L 371
describe('ids that try to be more than ids', () => {
  const text = (id: string): LockTarget => ({ kind: 'user', id: `user:corp/${id}` })

  it.each(['a:b', '*', 'a*', '{tag}', "' OR 1=1", 'ü', '%0a', 'x'.repeat(2_038)])(
    'of form %# are that id and no other',
    async (sub) => {
      expect(await lock(text(sub))).toHaveProperty('done')
      expect(await asked()).toBe(200)
      call = { ...CALL, ...as({ id: `user:corp/${sub}` }) }
      expect(await asked()).toBe('locked')
    },
  )

  it.each(['a\nb', 'a\r\nSET x 1', 'a\u0000', 'a\u2028b', '\ud800', ' a ', 'x'.repeat(2_039)])(
    'of form %# are refused',
    async (sub) => {
      expect(await lock(text(sub))).toMatchObject({ declined: 'invalid' })
      expect(replica.state.locks.size).toBe(0)
    },
  )

  it('of a token do not reach into the name of an issuer', async () => {
    await lock({ kind: 'token', issuer: 'corp', id: 'partner jti-1' })
    call = { ...CALL, ...as({ issuerName: 'corp partner', tokenId: 'jti-1' }) }
    expect(await asked()).toBe(200)
    call = { ...CALL, ...as({ issuerName: 'partner', tokenId: 'jti-1' }) }
    expect(await asked()).toBe(200)
    call = { ...CALL, ...as({ issuerName: 'corp', tokenId: 'partner jti-1' }) }
    expect(await asked()).toBe('locked')
    expect(await lock({ kind: 'token', issuer: 'corp partner', id: 'x' })).toHaveProperty(
      'declined',
    )
  })
})

describe('an upgrade', () => {
  const bytes = [
    'GET /m HTTP/1.1',
    'Host: a',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '\r\n',
  ].join('\r\n')

  it.each<[LockTarget]>([
    [{ kind: 'token', issuer: 'corp', id: 'jti-1' }],
    [{ kind: 'network', cidr: '10.0.0.0/8' }],
    [{ kind: 'version', id: 'model:fraud@3' }],
  ])('under a lock on %j never reaches the upstream', async (target) => {
    call = { ...CALL, upgrade: true }
    const before = upgrades
    await lock(target)
    const { responses } = await rawExchange(pipeline.port, bytes)
    expect(responses[0]?.status).toBe(403)
    expect(responses[0]?.body.toString()).toContain('"locked"')
    expect(upgrades).toBe(before)
  })
})
