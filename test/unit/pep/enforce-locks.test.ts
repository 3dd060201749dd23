import { describe, expect, it } from '@jest/globals'
import type { Lock } from '../../../gateway/access/lock.ts'
import type { Applied } from '../../../gateway/access/replica.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import type { FindLock } from '../../../gateway/pep/streams/cut-locked.ts'
import { createLockEnforcer } from '../../../gateway/pep/watching/enforce-locks.ts'
import { factsOf, LOCKED_AT, lockId, lockMap, lockOf, MALLORY } from '../../support/locks.ts'

const LOCK = lockOf({ kind: 'user', id: MALLORY.id })

/** A change from the locks of before to those of after. */
function change(before: readonly Lock[], after: readonly Lock[]): Applied {
  const state = emptyState('e')
  const [from, to] = [lockMap(...before), lockMap(...after)]
  return { before: { ...state, locks: from }, after: { ...state, locks: to }, events: [] }
}

/** An enforcer made at `since`, over one exchange that {@link MALLORY} has open. */
function enforcer(given: { since?: number; now?: number; ledgerFails?: boolean } = {}) {
  const records: LedgerRecord[] = []
  const asked: FindLock[] = []
  const logged: string[] = []
  let now = given.since ?? LOCKED_AT - 1
  const metrics = createMetrics({
    buildInfo: { version: '0', nodeVersion: 'v20' },
    upstreams: [],
    issuers: [],
  })
  const log = (_: object, message: string) => void logged.push(message)
  const logger = { debug: log, info: log, warn: log, error: log, child: () => logger }
  const enforce = createLockEnforcer({
    services: {
      metrics,
      log: logger,
      ledger: {
        healthy: true,
        append(record, durability) {
          if (given.ledgerFails === true) return Promise.reject(new Error('full'))
          records.push({ ...record, fields: { ...record.fields, durability } })
          return Promise.resolve()
        },
      },
    },
    flights: {
      cutLocked(find) {
        asked.push(find)
        now += 30
        const lock = find(factsOf())
        return Promise.resolve(new Map(lock === undefined ? [] : [[lock.id, 1]]))
      },
    },
    now: () => now,
  })
  now = given.now ?? LOCKED_AT + 12
  return { enforce, records, asked, logged, metrics }
}

describe('a new lock', () => {
  it('ends what it is on, and says how many and after how long, on disk', async () => {
    const { enforce, records, metrics } = enforcer()
    await enforce(change([], [LOCK]))
    expect(records).toEqual([
      {
        type: 'lock.enforced',
        fields: { lock: LOCK.id, kind: 'user', cut: 1, ms: 42, durability: 'disk' },
      },
    ])
    const text = (await metrics.expose()).text
    expect(text).toMatch(/lock_enforcement_seconds_sum\{kind="refusal"\} 0\.012/)
    expect(text).toMatch(/lock_enforcement_seconds_sum\{kind="stream"\} 0\.042/)
  })

  it('that is on nobody here is measured for requests alone', async () => {
    const { enforce, records, metrics } = enforcer()
    await enforce(change([], [lockOf({ kind: 'user', id: 'user:corp/eve' })]))
    expect(records[0]?.fields).toMatchObject({ cut: 0, ms: 42 })
    expect((await metrics.expose()).text).toMatch(
      /lock_enforcement_seconds_count\{kind="stream"\} 0/,
    )
  })

  it('that was set before this process was there is enforced and not measured', async () => {
    const { enforce, records, asked } = enforcer({ since: LOCKED_AT + 1 })
    await enforce(change([], [LOCK]))
    expect(asked[0]?.(factsOf())?.id).toBe(LOCK.id)
    expect(records).toEqual([])
  })

  it('never took less than nothing, whatever the clocks say', async () => {
    const { enforce, records } = enforcer({ now: LOCKED_AT - 60 })
    await enforce(change([], [LOCK]))
    expect(records[0]?.fields['ms']).toBe(0)
  })

  it('holds when it cannot be recorded, which is told and never thrown', async () => {
    const { enforce, asked, logged, metrics } = enforcer({ ledgerFails: true })
    await enforce(change([], [LOCK]))
    expect(asked).toHaveLength(1)
    expect(logged).toContain('that a lock is enforced was not recorded')
    expect((await metrics.expose()).text).toMatch(/modelgate_audit_errors_total\S* 1/)
  })
})

describe('nothing is ended by', () => {
  const lifted = { ...LOCK, lifted: { by: ['user:corp/olga'], at: LOCKED_AT, reason: 'over' } }
  it.each<[string, Applied]>([
    ['a change of something else', change([], [])],
    [
      'locks that were there before',
      change([LOCK], [LOCK, lockOf({ kind: 'all' }, { id: lockId(2), expiresAt: 1 })]),
    ],
    ['a lock that is lifted', change([LOCK], [lifted])],
    ['a lock that is over', change([], [{ ...LOCK, expiresAt: LOCKED_AT + 12 }])],
  ])('%s', async (_what, applied) => {
    const { enforce, asked, records } = enforcer()
    await enforce(applied)
    expect([asked, records]).toEqual([[], []])
  })
})
