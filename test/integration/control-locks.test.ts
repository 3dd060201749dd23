/** Every kind of lock against callers of the control API, over its own socket; nobody is left outside. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../gateway/access/lock.ts'
import {
  CONTROL_AUDIENCE,
  PRIVILEGE_FILES,
  tokenOf,
  type Name,
} from '../support/privilege-world.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    ...PRIVILEGE_FILES,
    policy: `${PRIVILEGE_FILES.policy}p, role:member, read, server:gate:policy, always, allow\n`,
    config: { ...PRIVILEGE_FILES.config, trusted_proxies: ['127.0.0.0/8'] },
    issuer: { ...PRIVILEGE_FILES.issuer, person_claim: 'employee', groups_claims: ['groups'] },
    upstreams: [{ name: 'registry', pack: 'mlflow' }],
  })
}, 30_000)
afterAll(() => world.close())

/** What a proxy on this machine says of erin, and what her token says. */
const FROM = { 'x-forwarded-for': '203.0.113.9' }
const CLAIMS = { sid: 'sid-1', jti: 'jti-1', employee: 'e-7', groups: ['science'] }

interface Called {
  readonly as?: Name
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
}

async function call(line: string, { as = 'erin', headers = FROM, body }: Called = {}) {
  const [method = '', path = ''] = line.split(' ')
  const claims = as === 'erin' ? CLAIMS : {}
  const token = await tokenOf(world.issuer, as, CONTROL_AUDIENCE, { employee: as, ...claims })
  const sent = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${world.controlPort}${path}`, {
    ...sent,
    headers: { authorization: `Bearer ${token}`, ...type, ...headers },
  })
  const json = (await answer.json()) as { readonly id?: string; readonly reason?: string }
  return { status: answer.status, json }
}

/** Reading on both APIs of the listener: what she is told. */
async function readings(headers: Called['headers'] = FROM): Promise<unknown[]> {
  const told = [await call('GET /v1/requests', { headers }), await call('GET /rules', { headers })]
  return told.map(({ status, json }) => (status === 200 ? 200 : json.reason))
}

/** As bodies have it: times as text. */
function written(target: LockTarget): object {
  if (target.kind !== 'issued-before') return target
  return { ...target, before: new Date(target.before).toISOString() }
}

/** Sets a lock as root, from the machine itself; lifts it after `use`. */
async function under(target: LockTarget, use: () => Promise<void>): Promise<void> {
  const as = 'root'
  const body = { target: written(target), reason: 'for the test' }
  const set = await call('POST /v1/locks', { as, headers: {}, body })
  expect([target.kind, set.status]).toEqual([target.kind, 201])
  try {
    await use()
  } finally {
    const lift = { as, headers: {}, body: { reason: 'done' } } as const
    const lifted = await call(`POST /v1/locks/${set.json.id}/lift`, lift)
    expect([target.kind, lifted.status]).toEqual([target.kind, 200])
  }
}

const posture = (text: string) => ({ ...FROM, 'x-device-posture': text })

const HOLDING: readonly [LockTarget, Called['headers']][] = [
  [{ kind: 'user', id: 'user:dev/erin' }, FROM],
  [{ kind: 'group', id: 'group:science' }, FROM],
  [{ kind: 'role', id: 'role:exporter' }, FROM],
  [{ kind: 'person', id: 'person:e-7' }, FROM],
  [{ kind: 'token', issuer: 'dev', id: 'jti-1' }, FROM],
  [{ kind: 'session', issuer: 'dev', id: 'sid-1' }, FROM],
  [{ kind: 'issued-before', subject: 'user:dev/erin', before: Date.now() + 240_000 }, FROM],
  [{ kind: 'device', id: 'laptop-7' }, posture('id="laptop-7", compliant')],
  // Assessed in 1971: an old posture still says which device it is.
  [{ kind: 'device', id: 'laptop-7' }, posture('id="laptop-7", assessed_at=40000000')],
  [{ kind: 'network', cidr: '203.0.113.0/24' }, FROM],
]

const APART: readonly [LockTarget][] = [
  [{ kind: 'all' }],
  [{ kind: 'role', id: 'role:anyone' }],
  [{ kind: 'upstream', id: 'registry' }],
  [{ kind: 'model', id: 'model:m-1' }],
  [{ kind: 'version', id: 'model:m-1@1' }],
]

describe('a lock, for callers of the control API', () => {
  it.each(HOLDING)('on %j holds, on record, until it is lifted', async (target, headers) => {
    expect(await readings(headers)).toEqual([200, 200])
    await under(target, async () => {
      expect(await readings(headers)).toEqual(['locked', 'locked'])
    })
    expect(await readings(headers)).toEqual([200, 200])
    await world.whenRecord(
      ({ type, sub, reason, lock }) =>
        type === 'admin' && sub === 'user:dev/erin' && reason === 'locked' && lock !== undefined,
    )
  })

  // threats §2.H 266
  it('knows the person of an account that only ever read something here', async () => {
    const reader = { as: 'olga', headers: {} } as const
    expect((await call('GET /v1/requests', reader)).status).toBe(200)
    const isOlga = (one: Readonly<Record<string, unknown>>) =>
      one['what'] === 'person.seen' && one['of'] === 'user:dev/olga'
    await world.whenRecord(isOlga)
    expect((await call('GET /v1/grants', reader)).status).toBe(200)
    expect((await world.records()).filter(isOlga)).toHaveLength(1)
  })

  it.each(APART)('on %j does not hold: somebody has to lift it', async (target) => {
    await under(target, async () => expect(await readings()).toEqual([200, 200]))
  })

  it('on a network is lifted from the machine itself', async () => {
    await under({ kind: 'network', cidr: '128.0.0.0/1' }, async () => {
      expect(await readings()).toEqual(['locked', 'locked'])
      expect(await readings({})).toEqual([200, 200])
    })
  })
})
