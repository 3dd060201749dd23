/** Callers of the control API that a lock is on, and locks that nobody could lift if they counted. */
import { describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../../gateway/access/lock.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import type { LockFacts } from '../../../gateway/access/view.ts'
import { createControlCallers } from '../../../gateway/assembly/control-callers.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { createAddressResolver } from '../../../gateway/pip/client-address.ts'
import { createPostureReader } from '../../../gateway/pip/device-posture.ts'
import { createEnvironmentGatherer } from '../../../gateway/pip/environment.ts'
import { LOCKED_AT, lockMap, lockOf, MALLORY } from '../../support/locks.ts'
import { runtimeOf } from '../../support/pipeline.ts'

interface Under {
  readonly actions?: readonly ['admin']
  /** Of the TCP peer; proxies are trusted in 10.0.0.0/8 and on this machine. */
  readonly peer?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether what is known of the journal is new enough. */
  readonly fresh?: boolean
}

/** The control API with this lock, and what Mallory is told by it. */
function under(
  target: LockTarget,
  { actions, peer = '10.1.2.3', headers = {}, fresh = true }: Under = {},
) {
  const more = actions === undefined ? {} : { actions }
  const index = createLockIndex(lockMap(lockOf(target, more)))
  const records: LedgerRecord[] = []
  const trustedProxies = ['10.0.0.0/8', '127.0.0.0/8']
  const runtime = runtimeOf([], {
    clientAddress: createAddressResolver({ trustedProxies, headerKind: 'x-forwarded-for' }),
    environment: createEnvironmentGatherer({
      readPosture: createPostureReader({ trustedProxies }),
      postureAgeMaxMs: 60_000,
    }),
  })
  const control = createControlCallers({
    services: {
      clock: { now: () => LOCKED_AT, monotonicMs: () => 0 },
      access: { ...NO_ACCESS, fresh, lockOn: (facts: LockFacts) => index.find(facts, LOCKED_AT) },
      lockouts: { find: () => undefined },
      ledger: {
        healthy: true,
        append: (record: LedgerRecord) => (records.push(record), Promise.resolve()),
      },
      log: { error: () => undefined },
      metrics: { auditError: () => undefined },
      // The parts that a call is authorised with; the others are not asked.
    } as never,
    runtime: () => runtime,
    authenticator: () => ({ authenticate: () => MALLORY }),
  })
  const ask = (action: 'read' | 'admin') =>
    control.authorize({
      id: 'call-1',
      authorization: 'Bearer x',
      action,
      server: 'gate:policy',
      what: action === 'read' ? 'rules.read' : 'rules.reload',
      peer,
      rawHeaders: Object.entries(headers).flat(),
      isReading: action === 'read',
      needsFresh: action === 'admin',
    })
  return { ask, records }
}

describe('a caller of the control API', () => {
  it.each<[LockTarget]>([
    [{ kind: 'user', id: MALLORY.id }],
    [{ kind: 'group', id: 'group:science' }],
    [{ kind: 'role', id: 'role:anyone' }],
    [{ kind: 'person', id: 'person:e-7' }],
    [{ kind: 'token', issuer: 'corp', id: 'jti-1' }],
    [{ kind: 'session', issuer: 'corp', id: 'sid-1' }],
    [{ kind: 'issued-before', subject: MALLORY.id, before: LOCKED_AT }],
  ])('under a lock on %j gets nothing, and the record names the lock', async (target) => {
    const { ask, records } = under(target)
    for (const action of ['read', 'admin'] as const) {
      const refusal = await ask(action)
      expect(isRefusal(refusal) && refusal.reason).toBe('locked')
      expect(JSON.stringify(refusal)).not.toContain('leaked')
    }
    expect(records.map(({ type, fields }) => [type, fields['effect'], fields['lock']])).toEqual(
      Array.from({ length: 2 }, () => ['admin', 'deny', lockOf(target).id]),
    )
  })

  it('changes no rules while a lock may be on them that is not known here', async () => {
    const { ask } = under({ kind: 'user', id: 'user:corp/other' }, { fresh: false })
    expect(await ask('admin')).toMatchObject({ reason: 'state_unavailable' })
    expect(await ask('read')).not.toMatchObject({ reason: 'state_unavailable' })
  })

  const laptop: LockTarget = { kind: 'device', id: 'laptop-7' }
  const laptop70: LockTarget = { kind: 'device', id: 'laptop-70' }
  const outside: LockTarget = { kind: 'network', cidr: '203.0.113.0/24' }
  const old = Math.floor(LOCKED_AT / 1_000) - 3_600
  const posture = { 'X-Device-Posture': 'id="laptop-7"' }

  it.each<[LockTarget, Under]>([
    [laptop, { headers: posture }],
    [laptop, { headers: { 'X-Device-Posture': `id="laptop-7", assessed_at=${old}` } }],
    [outside, { headers: { 'X-Forwarded-For': '198.51.100.1, 203.0.113.9' } }],
    [outside, { peer: '127.0.0.1', headers: { 'X-Forwarded-For': '203.0.113.9' } }],
    [{ kind: 'network', cidr: '10.0.0.0/8' }, {}],
    [{ kind: 'network', cidr: '127.0.0.0/8' }, { headers: { 'X-Forwarded-For': '127.0.0.1' } }],
  ])('is refused by %j where a trusted hop says so: %j', async (target, call) => {
    const { ask, records } = under(target, call)
    for (const action of ['read', 'admin'] as const) {
      expect(await ask(action)).toMatchObject({ reason: 'locked' })
    }
    expect(records.map(({ fields }) => fields['lock'])).toEqual([
      lockOf(target).id,
      lockOf(target).id,
    ])
  })

  it.each<[LockTarget, Under]>([
    [laptop, { peer: '198.51.100.1', headers: posture }],
    [laptop, { headers: { 'X-Device-Posture': 'id="laptop-70"' } }],
    [outside, { peer: '198.51.100.1', headers: { 'X-Forwarded-For': '203.0.113.9' } }],
    [outside, { headers: { 'X-Forwarded-For': '203.0.113.9, 198.51.100.1' } }],
  ])('is not under %j by what nobody vouches for: %j', async (target, call) => {
    expect(await under(target, call).ask('read')).toMatchObject({ subject: { id: MALLORY.id } })
  })

  it('is let in by the TCP peer, whatever a header says of where the caller is', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', ...posture }
    const caller = await under(laptop70, { headers }).ask('admin')
    expect(caller).toHaveProperty('environment', {
      now: LOCKED_AT,
      client: { ip: '10.1.2.3', source: 'peer' },
    })
  })

  it.each<[NonNullable<Under['headers']>, string]>([
    [{ 'X-Device-Posture': 'x' }, 'forwarded_invalid'],
    [{ 'X-Forwarded-For': 'x' }, 'forwarded_invalid'],
    [{ X_Device_Posture: 'id="a"' }, 'header_invalid'],
  ])('with %j, which a trusted hop never sends, is refused', async (headers, reason) => {
    expect(await under(laptop, { headers }).ask('admin')).toMatchObject({ reason })
  })

  it.each<[LockTarget]>([
    [{ kind: 'network', cidr: '127.0.0.0/8' }],
    [{ kind: 'network', cidr: '126.0.0.0/7' }],
  ])('on the machine itself gets in under a lock on %j, to lift it', async (target) => {
    for (const peer of ['127.0.0.1', '::ffff:127.0.0.1']) {
      const caller = await under(target, { peer }).ask('admin')
      expect(caller).toMatchObject({ subject: { id: MALLORY.id } })
    }
  })

  it.each<[LockTarget]>([
    [{ kind: 'all' }],
    [{ kind: 'upstream', id: 'llm' }],
    [{ kind: 'model', id: 'model:fraud' }],
    [{ kind: 'version', id: 'model:fraud@3' }],
  ])('gets in under a lock on %j, for somebody has to lift it', async (target) => {
    const { ask } = under(target)
    for (const action of ['read', 'admin'] as const) {
      expect(await ask(action)).toMatchObject({ subject: { id: MALLORY.id } })
    }
  })

  it('under a lock of one action has the others', async () => {
    const { ask } = under({ kind: 'user', id: MALLORY.id }, { actions: ['admin'] })
    expect(await ask('read')).toMatchObject({ subject: { id: MALLORY.id } })
    expect(await ask('admin')).toMatchObject({ reason: 'locked' })
  })
})
