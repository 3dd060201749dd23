import { describe, expect, it } from '@jest/globals'
import { NO_ACCESS } from '../../../gateway/access/no-access.ts'
import { liftLock } from '../../../gateway/access/locks/lift-lock.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { setLock } from '../../../gateway/access/locks/set-lock.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import { runDrill } from '../../../gateway/pep/watching/run-drill.ts'
import { askFor, lockId, LOCKED_AT, lockMap, lockOf } from '../../support/locks.ts'
import { ALICE, EXPORT, entryOf, runtimeOf, startPipeline } from '../../support/pipeline.ts'

const LOCK = lockOf({ kind: 'user', id: ALICE.id })
const get = (port: number) => fetch(`http://127.0.0.1:${port}/m`)

describe('a request under a lock', () => {
  it('is refused, told which lock it is, and not why', async () => {
    const index = createLockIndex(lockMap(LOCK))
    const access = {
      ...NO_ACCESS,
      lockOn: (facts: Parameters<typeof index.find>[0]) => index.find(facts, LOCKED_AT),
    }
    const running = await startPipeline({ access })
    const answer = await get(running.port)
    const text = await answer.text()
    expect([answer.status, JSON.parse(text)]).toMatchObject([403, { reason: 'locked' }])
    expect(text).toContain(LOCK.id)
    expect(text).not.toContain('leaked')
    expect(running.calls).not.toContain('forward')
    await running.close()
    expect(running.records[0]?.fields).toMatchObject({ reason: 'locked', lock: LOCK.id })
  })
})

describe('a view that is too old', () => {
  const access = { ...NO_ACCESS, fresh: false, stalenessMs: 61_500 }
  it('stops what is privileged, and is on the record of the rest', async () => {
    const running = await startPipeline({ access })
    expect((await get(running.port)).status).toBe(200)
    const entry = entryOf({ classifier: { classify: () => EXPORT } })
    await running.replace({ upstreams: { select: (_, target) => ({ entry, target }) } })
    expect((await get(running.port)).status).toBe(503)
    await running.replace({ ...runtimeOf([]), whenStale: 'refuse' })
    expect((await get(running.port)).status).toBe(503)
    await running.close()
    expect(running.records[0]?.fields['stale']).toBe('PT61.5S')
  })
})

describe('a privilege that is gone', () => {
  it('permits nothing', async () => {
    const review = { review: 'review-1', holder: 'role:reader', lapsed: false }
    const running = await startPipeline({ access: { ...NO_ACCESS, revokedBy: () => review } })
    expect(await (await get(running.port)).json()).toMatchObject({ reason: 'privilege_revoked' })
    await running.close()
  })
})

describe('a drill', () => {
  it('finds that the switch works', async () => {
    const build = { version: '0', nodeVersion: 'v20' }
    const metrics = createMetrics({ buildInfo: build, upstreams: [], issuers: [] })
    const nothing = (): void => undefined
    const log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => log }
    const services = { clock: { now: () => 0, monotonicMs: () => 0 }, log, metrics }
    const drill = { id: 'drill-1', by: 'user:corp/olga', at: 100, expected: [], reports: [] }
    const replica = { id: 'r1', name: 'host 1' }
    const report = await runDrill(drill, {
      services,
      runtime: () => runtimeOf([]),
      replica,
      now: () => 130,
    })
    expect(report).toEqual({ replica: 'r1', name: 'host 1', refusedMs: 30, cutMs: 30, ok: true })
  })
})

describe('the commands', () => {
  const state = { ...emptyState('e'), locks: lockMap(LOCK) }
  const lift = (person: string) =>
    liftLock({
      id: LOCK.id,
      by: `user:corp/${person}`,
      person,
      holds: [],
      holdingsOf: () => new Set(),
      reason: 'over',
      secondPerson: true,
    })

  it.each(['user:corp/a\nb', 'user:corp/a\u0000', 'corp/a', 'user:', 'user:corp/', ''])(
    'decline the id %j',
    (id) => {
      expect(setLock(askFor({ kind: 'user', id }))(state, LOCKED_AT)).toMatchObject({
        declined: 'invalid',
      })
    },
  )

  it('take an id with a star or colons for what it is', () => {
    const id = 'user:corp/*:role:admin'
    expect(setLock(askFor({ kind: 'user', id }))(state, LOCKED_AT)).toMatchObject({
      result: { target: { id } },
    })
    const cidr = '10.1.2.3'
    const ask = askFor({ kind: 'network', cidr }, { id: lockId(2) })
    expect(setLock(ask)(state, LOCKED_AT)).toMatchObject({
      result: { target: { cidr: '10.1.2.3/32' } },
    })
  })

  it('lift by two people, never by the same one twice', () => {
    const first = lift('olga')(state, LOCKED_AT)
    expect(first).toMatchObject({ events: [{ type: 'lock.lift-asked' }] })
    const liftAsked = { by: 'user:corp/olga', person: 'olga', at: LOCKED_AT, reason: 'over' }
    const asked = { ...state, locks: lockMap({ ...LOCK, liftAsked }) }
    expect(lift('olga')(asked, LOCKED_AT)).toMatchObject({ declined: 'second_person' })
    expect(lift('paul')(asked, LOCKED_AT)).toMatchObject({
      events: [{ type: 'lock.lifted', by: ['user:corp/olga', 'user:corp/paul'] }],
    })
  })
})
