/** What webhooks are told of besides the journal: from records, gathered, bounded, in the journal. */
import { describe, expect, it } from '@jest/globals'
import { NOTICE_TYPES } from '../../../gateway/access/notice.ts'
import { noteOf } from '../../../gateway/access/webhooks/payload.ts'
import { isRestricting } from '../../../gateway/assembly/replica/regression.ts'
import { happeningOf, raised } from '../../../gateway/assembly/notices/from-records.ts'
import { sinkEvents } from '../../../gateway/assembly/ledger-sinks.ts'
import { disputesTold } from '../../../gateway/assembly/notices/of-ledger.ts'
import { openNotices } from '../../../gateway/assembly/notices/open-notices.ts'
import { createOutbox, type Happening } from '../../../gateway/assembly/notices/outbox.ts'
import {
  createRefusalWatch,
  REFUSED_SIGNALS_MIN,
} from '../../../gateway/assembly/signals/refusal-watch.ts'
import { systemClock } from '../../../gateway/domain/clock.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import type { Logger } from '../../../gateway/log/logger.ts'
import type { Metrics } from '../../../gateway/metrics/metrics.ts'
import { createMemoryReplica } from '../../support/memory-replica.ts'

const OPS = [{ act: 'infer', res: 'model:fraud' }]

function world(wants: readonly string[] = ['incident.raised', 'decision.refused']) {
  const replica = createMemoryReplica()
  const clock = { now: 1_790_000_000_000 }
  const outbox = createOutbox({
    now: () => clock.now,
    replica: 'host:1',
    wants: (type) => wants.includes(type),
  })
  const told = () =>
    replica.events.map((event) =>
      'notice' in event ? `${event.type} ${event.notice.kind} ${event.notice.count}` : event.type,
    )
  return { replica, clock, outbox, told, flush: () => outbox.flush((one) => replica.run(one)) }
}

const refusal = (sub: string, resource = 'model:fraud'): Happening => {
  const ops = [{ act: 'infer', res: resource }]
  const fields = { id: 'd1', effect: 'deny', reason: 'no_rule', sub, upstream: 'm', ops }
  const happening = happeningOf({ type: 'decision', fields })
  if (happening === undefined) throw new Error('nothing is told')
  return happening
}

describe('records that are told of', () => {
  it.each<[LedgerRecord, string | undefined]>([
    [{ type: 'decision', fields: { effect: 'permit' } }, undefined],
    [{ type: 'outcome', fields: { effect: 'deny' } }, undefined],
    [{ type: 'access', fields: { what: 'incident.raised' } }, undefined],
    [{ type: 'heartbeat', fields: {} }, undefined],
    [{ type: 'decision', fields: { effect: 'deny' } }, 'refused'],
    [{ type: 'admin', fields: { effect: 'deny', what: 'locks.set' } }, 'refused'],
    [{ type: 'export', fields: { res: 'model:fraud' } }, 'exported'],
    [{ type: 'incident', fields: { kind: 'weights' } }, 'weights'],
    [{ type: 'incident', fields: { kind: 'toString' } }, undefined],
    [{ type: 'lock.enforced', fields: { lock: 'lock-1', ms: 1_000 } }, undefined],
    [{ type: 'lock.enforced', fields: { lock: 'lock-1', ms: 1_001 } }, 'lock_late'],
  ])('%j', (record, kind) => {
    expect(happeningOf(record)?.kind).toBe(kind)
  })

  it('say who, what and why, and nothing else of the record', () => {
    const fields = {
      ...{ id: 'd1', effect: 'deny', reason: 'no_rule', sub: 'user:a/b', upstream: 'm', ops: OPS },
      ...{ path: '/secret', env: { device: 'x' }, jti: 'j' },
    }
    expect(happeningOf({ type: 'decision', fields })?.facts).toEqual({
      ...{ reason: 'no_rule', sub: 'user:a/b', upstream: 'm', action: 'infer' },
      ...{ resource: 'model:fraud', decision: 'd1' },
    })
  })

  it('say of somebody unknown nothing that they made up, and texts are cut', () => {
    const ops = [{ act: 'infer', res: 'model:made-up' }]
    const fields = { id: 'd1', effect: 'deny', reason: 'authn_missing', upstream: 'm', ops }
    const told = happeningOf({ type: 'decision', fields })
    expect(JSON.stringify(told)).not.toContain('made-up')
    const res = `${'x'.repeat(255)}\u{1F600}`
    const cut = happeningOf({ type: 'export', fields: { id: 'e', res } })?.facts['resource']
    expect(cut).toBe(`${'x'.repeat(255)}…`)
  })
})

describe('an outbox', () => {
  it('takes nothing that nobody hears of', () => {
    const { outbox } = world(['decision.refused'])
    outbox.tell(raised('lock_late', {}))
    expect(outbox.size).toBe(0)
  })

  it('tells incidents at once, and refusals that are alike together', async () => {
    const { outbox, told, flush, clock } = world()
    for (const sub of ['user:a/1', 'user:a/1', 'user:a/2']) outbox.tell(refusal(sub))
    outbox.tell(raised('ledger_unavailable', {}))
    outbox.tell(raised('ledger_unavailable', {}))
    await flush()
    expect(told()).toEqual(['incident.raised ledger_unavailable 2'])
    clock.now += 10_000
    await flush()
    expect(told().slice(1)).toEqual(['decision.refused refused 2', 'decision.refused refused 1'])
  })

  it('keeps what the journal does not take, and counts on', async () => {
    const { outbox, replica, told, flush } = world()
    replica.failing = 'before'
    outbox.tell(raised('lock_late', {}))
    await expect(flush()).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    outbox.tell(raised('lock_late', {}))
    await flush()
    expect(told()).toEqual(['incident.raised lock_late 2'])
  })

  it('puts no more than sixty of a type into the journal in a minute, and says how many more', async () => {
    const { outbox, told, flush, clock } = world()
    for (let i = 0; i < 1_500; i++) outbox.tell(refusal(`user:a/${i}`))
    clock.now += 10_000
    for (let i = 0; i < 20; i++) await flush()
    const refused = told().filter((one) => one.startsWith('decision.refused refused'))
    expect(refused).toHaveLength(59)
    expect(told()).toContain('decision.refused omitted 500')
    expect(outbox.size).toBe(941)
    clock.now += 60_000
    for (let i = 0; i < 20; i++) await flush()
    expect(outbox.size).toBe(881)
    outbox.tell(raised('lock_late', {}))
    await flush()
    expect(told().at(-1)).toBe('incident.raised lock_late 1')
  })

  it('changes nothing of the state, and is allowed while the journal has lost entries', async () => {
    const { outbox, replica, flush } = world()
    const { requests, grants, locks, reviews } = replica.state
    outbox.tell(raised('journal_regressed', { known: 9, found: 3 }))
    await flush()
    expect(replica.state.requests).toBe(requests)
    expect(replica.state.grants).toBe(grants)
    expect(replica.state.locks).toBe(locks)
    expect(replica.state.reviews).toBe(reviews)
    const [event] = replica.events
    if (event === undefined) throw new Error('no event')
    expect(isRestricting(event.type)).toBe(true)
    expect(noteOf(event)).toMatchObject({
      title: 'Incident: the journal has lost entries that were known',
      facts: { kind: 'journal_regressed', known: 9, found: 3, count: 1, replica: 'host:1' },
    })
  })
})

describe('what the ledger writes of itself', () => {
  it('is told of when a witness begins to remember another one', () => {
    const told: Happening[] = []
    const answers: string[] = []
    const metrics = { auditWitness: (_name: string, result: string) => void answers.push(result) }
    const { auditWitness } = disputesTold(metrics, (one) => told.push(one))
    for (const result of ['cosigned', 'forked', 'forked', 'cosigned', 'ahead'] as const) {
      auditWitness('w', result)
    }
    expect(answers).toHaveLength(5)
    expect(told.map(({ kind, facts }) => [kind, facts['answer']])).toEqual([
      ['ledger_disputed', 'forked'],
      ['ledger_disputed', 'ahead'],
    ])
  })

  it('is told of when a sink was not given records', () => {
    const told: Happening[] = []
    const log = { error: () => undefined } as unknown as Logger
    const metrics = { auditSinkDropped: () => undefined } as unknown as Metrics
    const event = sinkEvents({ log, metrics, tell: (one) => void told.push(one) })
    event({ type: 'dropped', sink: 's', from: 3, to: 9, why: 'full' })
    expect(told).toEqual([raised('records_dropped', { sink: 's', from: 3, to: 9, why: 'full' })])
  })
})

describe('a ledger that cannot be written', () => {
  it('is told of, and not because the record of having told of it cannot be written', async () => {
    const replica = createMemoryReplica()
    const log = { warn: () => undefined }
    const webhooks = [{ events: ['*'] }]
    const notices = openNotices({ webhooks, replica: 'host:1', clock: systemClock, log })
    const broken = notices.watch({
      append: () => Promise.reject(new Error('the disk is full')),
      appendNow: () => undefined,
      head: () => ({ seq: 0, hash: '' }),
      close: () => Promise.resolve(),
      healthy: false,
    })
    const append = (type: string, fields: LedgerRecord['fields']) =>
      broken.append({ type, fields }, 'disk').catch(() => undefined)
    notices.start(replica)
    for (const what of NOTICE_TYPES) await append('access', { what })
    await notices.stop()
    expect(replica.events).toEqual([])
    await append('access', { what: 'lock.set' })
    await notices.stop()
    expect(replica.events).toMatchObject([{ notice: { kind: 'ledger_unavailable', count: 1 } }])
  })
})

describe('signals that are turned away', () => {
  it('are told of when there are many in a minute, once', () => {
    const clock = { now: 0 }
    const times: number[] = []
    const refused = createRefusalWatch(
      () => clock.now,
      () => times.push(clock.now),
    )
    for (let i = 1; i < REFUSED_SIGNALS_MIN; i++) refused()
    clock.now = 60_000
    for (let i = 0; i < 3 * REFUSED_SIGNALS_MIN; i++) refused()
    clock.now = 130_000
    refused()
    expect(times).toEqual([60_000])
  })
})
