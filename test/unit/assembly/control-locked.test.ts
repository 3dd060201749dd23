/** Callers of the control API that a lock is on, and locks that nobody could lift if they counted. */
import { describe, expect, it } from '@jest/globals'
import type { LockTarget } from '../../../gateway/access/lock.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import type { LockFacts } from '../../../gateway/access/view.ts'
import { createControlCallers } from '../../../gateway/assembly/control-callers.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { LOCKED_AT, lockMap, lockOf, MALLORY } from '../../support/locks.ts'
import { runtimeOf } from '../../support/pipeline.ts'

/** The control API with this lock, and what Mallory is told by it. */
function under(target: LockTarget, actions?: readonly ['admin']) {
  const more = actions === undefined ? {} : { actions }
  const index = createLockIndex(lockMap(lockOf(target, more)))
  const records: LedgerRecord[] = []
  const runtime = runtimeOf([], {
    environment: ({ now, client }) => ({ now, client }),
  })
  const control = createControlCallers({
    services: {
      clock: { now: () => LOCKED_AT, monotonicMs: () => 0 },
      access: { ...NO_ACCESS, lockOn: (facts: LockFacts) => index.find(facts, LOCKED_AT) },
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
      authorization: 'Bearer x',
      action,
      server: 'modelgate',
      what: action === 'read' ? 'rules.read' : 'rules.reload',
      peer: '10.1.2.3',
      isReading: action === 'read',
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

  it.each<[LockTarget]>([
    [{ kind: 'all' }],
    [{ kind: 'network', cidr: '10.0.0.0/8' }],
    [{ kind: 'upstream', id: 'llm' }],
    [{ kind: 'model', id: 'model:fraud' }],
  ])('gets in under a lock on %j, for somebody has to lift it', async (target) => {
    const { ask } = under(target)
    for (const action of ['read', 'admin'] as const) {
      expect(await ask(action)).toMatchObject({ subject: { id: MALLORY.id } })
    }
  })

  it('under a lock of one action has the others', async () => {
    const { ask } = under({ kind: 'user', id: MALLORY.id }, ['admin'])
    expect(await ask('read')).toMatchObject({ subject: { id: MALLORY.id } })
    expect(await ask('admin')).toMatchObject({ reason: 'locked' })
  })
})
