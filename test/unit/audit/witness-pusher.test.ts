import { describe, expect, it } from '@jest/globals'
import type { WitnessAnswer, WitnessClient } from '../../../gateway/audit/signing/witness-client.ts'
import {
  createWitnessPusher,
  type PusherOptions,
} from '../../../gateway/audit/signing/witness-pusher.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { fakeClock, fakeSchedule } from '../../support/audit-harness.ts'
import { growingLog } from '../../support/witnessing.ts'

const log = growingLog()
const cosigned = (name: string): WitnessAnswer => ({ result: 'cosigned', line: `${name} signs\n` })
const failing = (result: 'ahead' | 'forked' | 'unreachable'): WitnessAnswer => ({
  result,
  why: 'because',
})

/** A witness that answers what it is told, and remembers what sizes it was asked for. */
function witness(name: string) {
  const sizes: number[] = []
  const state = { answer: cosigned(name), hold: Promise.resolve(), isClosed: false }
  const client: WitnessClient = {
    name,
    async push({ checkpoint }) {
      sizes.push(checkpoint.size)
      await state.hold
      return state.answer
    },
    close: () => void (state.isClosed = true),
  }
  return { client, sizes, state }
}

function start(more: Partial<PusherOptions> & Pick<PusherOptions, 'witnesses'>) {
  const clock = fakeClock()
  const timers = fakeSchedule()
  const kept: [string, boolean][] = []
  const records: LedgerRecord[] = []
  const pusher = createWitnessPusher({
    clock,
    schedule: timers.schedule,
    random: () => 1,
    keep: (note, isLasting) => void kept.push([note, isLasting]),
    record: (record) => void records.push(record),
    ...more,
  })
  /** Lets time pass, runs the round that is due, and waits for its end. */
  const pass = async (ms: number) => {
    clock.advance(ms)
    if (timers.due.some(({ at }) => at <= ms)) timers.fire()
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  }
  return { pusher, clock, timers, kept, records, pass }
}

describe('the pusher', () => {
  it('carries the newest checkpoint to all witnesses, once a second', async () => {
    const [a, b] = [witness('a'), witness('b')]
    const { pusher, pass, kept, records, clock } = start({ witnesses: [a.client, b.client] })
    expect(pusher.witnessedAtMs()).toBeUndefined()
    pusher.signed(log.notice(3))
    await pass(0)
    expect([a.sizes, b.sizes]).toEqual([[3], [3]])
    expect(kept).toEqual([[expect.stringMatching(/\na signs\nb signs\n$/), true]])
    expect(pusher.witnessedAtMs()).toBe(clock.monotonicMs())
    for (const size of [4, 5, 6]) pusher.signed(log.notice(size))
    await pass(999)
    expect(a.sizes).toEqual([3])
    await pass(1000)
    expect([a.sizes, b.sizes]).toEqual([
      [3, 6],
      [3, 6],
    ])
    expect(kept.map(([, isLasting]) => isLasting)).toEqual([true, false])
    expect(records).toEqual([
      {
        type: 'witness.cosigned',
        fields: { size: 3, root: log.rootAt(3).toString('base64'), witnesses: ['a', 'b'] },
      },
    ])
  })

  it('records a cosignature every minute, and when others sign', async () => {
    const [a, b] = [witness('a'), witness('b')]
    const { pusher, pass, records } = start({ witnesses: [a.client, b.client] })
    const step = async (size: number, ms: number) => {
      pusher.signed(log.notice(size))
      await pass(ms)
    }
    await step(3, 0)
    await step(4, 30_000)
    b.state.answer = failing('unreachable')
    await step(5, 2_000)
    await step(6, 2_000)
    await step(7, 60_000)
    expect(records.map(({ fields }) => fields['size'])).toEqual([3, 5, 7])
    expect(records[1]?.fields['witnesses']).toEqual(['a'])
  })

  it('asks who does not answer later and later, and the others meanwhile', async () => {
    const [a, b] = [witness('a'), witness('b')]
    b.state.answer = failing('unreachable')
    const { pusher, pass } = start({ witnesses: [a.client, b.client] })
    for (let second = 0; second < 100; second++) {
      pusher.signed(log.notice(3 + second))
      await pass(1000)
    }
    expect(a.sizes).toHaveLength(100)
    // After 1, 2, 4, 8, 16, 32 and at most 60 s.
    expect(b.sizes).toEqual([3, 4, 6, 10, 18, 34, 66])
  })

  it('tries again without anything new, until it is cosigned', async () => {
    const a = witness('a')
    a.state.answer = failing('unreachable')
    const { pusher, pass, timers } = start({ witnesses: [a.client] })
    pusher.signed(log.notice(3))
    await pass(0)
    expect(timers.due).toHaveLength(1)
    a.state.answer = cosigned('a')
    await pass(1000)
    expect(a.sizes).toEqual([3, 3])
    expect(timers.due).toHaveLength(0)
  })

  it('has an idle log cosigned again when age counts', async () => {
    const a = witness('a')
    const { pusher, pass } = start({ witnesses: [a.client], refreshMs: 20_000 })
    pusher.signed(log.notice(3))
    await pass(0)
    await pass(20_000)
    await pass(20_000)
    expect(a.sizes).toEqual([3, 3, 3])
  })

  it('raises an alarm when all say that the log is not what it was', async () => {
    const [a, b] = [witness('a'), witness('b')]
    const { pusher, pass, records } = start({ witnesses: [a.client, b.client] })
    a.state.answer = failing('forked')
    pusher.signed(log.notice(3))
    await pass(0)
    expect(pusher.isDisputed()).toBe(false)
    b.state.answer = failing('ahead')
    pusher.signed(log.notice(4))
    await pass(1000)
    expect(pusher.isDisputed()).toBe(true)
    const disputes = records.filter(({ type }) => type === 'witness.disputed')
    expect(disputes.map(({ fields }) => [fields['witness'], fields['answer']])).toEqual([
      ['a', 'forked'],
      ['b', 'ahead'],
    ])
    for (let second = 0; second < 59; second++) {
      pusher.signed(log.notice(5 + second))
      await pass(1000)
    }
    expect(records.filter(({ type }) => type === 'witness.disputed')).toHaveLength(2)
  })

  it('carries the last one before it stops, and waits for what is under way', async () => {
    const [a, b] = [witness('a'), witness('b')]
    let go = (): void => undefined
    a.state.hold = new Promise((resolve) => (go = resolve))
    const { pusher, pass, kept, timers } = start({ witnesses: [a.client, b.client] })
    pusher.signed(log.notice(3))
    await pass(0)
    pusher.signed(log.notice(4))
    const finished = pusher.finish()
    go()
    await finished
    expect([a.sizes, b.sizes]).toEqual([
      [3, 4],
      [3, 4],
    ])
    expect(kept).toHaveLength(2)
    expect([a.state.isClosed, timers.due.length]).toEqual([true, 0])
  })

  it('goes on when cosignatures cannot be kept', async () => {
    const a = witness('a')
    const errors: Error[] = []
    const { pusher, pass, records } = start({
      witnesses: [a.client],
      keep: () => {
        throw new Error('disk full')
      },
      onKeepError: (error) => void errors.push(error),
    })
    pusher.signed(log.notice(3))
    await pass(0)
    pusher.signed(log.notice(4))
    await pass(1000)
    expect([a.sizes, errors.length, records]).toEqual([[3, 4], 2, []])
  })
})
