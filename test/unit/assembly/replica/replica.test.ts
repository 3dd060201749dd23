import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { entryText } from '../../../../gateway/access/fold/entry.ts'
import { writeAccepted } from '../../../../gateway/assembly/replica/seen-file.ts'
import type { JournalStore } from '../../../../gateway/domain/journal.ts'
import { createMemoryStore } from '../../../../gateway/store/memory-store.ts'
import {
  faulty,
  handClock,
  lockOf,
  setLock,
  startReplica,
  type HandClock,
} from '../../../support/replicas.ts'

const running: { stop(): Promise<void> }[] = []
let dir: string
let clock: HandClock
let inner: JournalStore
let journal: ReturnType<typeof faulty>

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-replica-'))
  clock = handClock()
  inner = createMemoryStore({ clock }).journal
  journal = faulty(() => inner)
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
  await rm(dir, { recursive: true, force: true })
})

const start = async (more = {}) => {
  const started = await startReplica({ journal, clock, dir, ...more })
  running.push(started.replica)
  return started
}

/** The store is emptied, as FLUSHALL does. */
const flush = (): void => {
  inner = createMemoryStore({ clock }).journal
}

const append = async (...names: string[]): Promise<void> => {
  const { epoch, seq } = await inner.head()
  const texts = names.map((name) =>
    entryText({ v: 1, event: { type: 'lock.set', lock: lockOf(name) } }),
  )
  await inner.append(texts, { epoch, seq })
}

describe('a replica of the journal', () => {
  it('runs a command once, tells of it and records it before it answers', async () => {
    const { replica, recorded } = await start()
    const applied: number[] = []
    replica.onApplied(({ after }) => applied.push(after.seq))
    await expect(replica.run(setLock('ann'))).resolves.toEqual({ done: 'lock-ann' })
    expect(replica.state.locks.has('lock-ann')).toBe(true)
    expect(applied).toEqual([1])
    expect(recorded.map(({ seq, event }) => [seq, event.type])).toEqual([[1, 'lock.set']])
    await expect(replica.run(setLock('ann'))).resolves.toMatchObject({ declined: 'already_done' })
  })

  it('sees what others append, with the next reading or on a hint', async () => {
    const one = await start()
    const two = await start({ id: 'two', dir: join(dir, 'two') })
    await one.replica.run(setLock('ann'))
    await two.tick()
    expect(two.replica.state).toEqual(one.replica.state)
    expect(two.recorded).toEqual([])
  })

  it('decides again when somebody was faster', async () => {
    const { replica } = await start()
    journal.faults.beforeAppend = () => append('ann')
    await expect(replica.run(setLock('ann'))).resolves.toMatchObject({ declined: 'already_done' })
    journal.faults.beforeAppend = () => append('bob')
    await expect(replica.run(setLock('cid'))).resolves.toEqual({ done: 'lock-cid' })
    expect(replica.state.seq).toBe(3)
  })

  it('gives up when somebody is always faster', async () => {
    const { replica } = await start()
    let n = 0
    const again = async () => {
      await append(`x${(n += 1)}`)
      journal.faults.beforeAppend = again
    }
    journal.faults.beforeAppend = again
    await expect(replica.run(setLock('ann'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  // threats §2.L 366: the acknowledgement is lost, not the write.
  it('finds what it appended when the answer was lost', async () => {
    const { replica, recorded } = await start()
    journal.faults.losesAnswers = 1
    await expect(replica.run(setLock('ann'))).resolves.toEqual({ done: 'lock-ann' })
    expect((await inner.head()).seq).toBe(1)
    expect(recorded).toHaveLength(1)
  })

  it('appends again what was lost on the way', async () => {
    const { replica } = await start()
    journal.faults.losesAppends = 2
    await expect(replica.run(setLock('ann'))).resolves.toEqual({ done: 'lock-ann' })
    expect((await inner.head()).seq).toBe(1)
  })

  it('says that it does not know when the store stays away', async () => {
    const { replica } = await start()
    journal.faults.losesAnswers = 1
    const running = replica.run((state, now) => {
      journal.faults.beforeAppend = () => Promise.resolve((journal.faults.isDown = false))
      return setLock('ann')(state, now)
    })
    journal.faults.isDown = false
    await expect(running).resolves.toEqual({ done: 'lock-ann' })
    journal.faults.isDown = true
    await expect(replica.run(setLock('bob'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(replica.state.locks.has('lock-bob')).toBe(false)
  })

  it('never appends what nobody could read back', async () => {
    const { replica } = await start()
    const event = { type: 'no.such' } as unknown as { type: 'lock.set'; lock: never }
    await expect(replica.run(() => ({ events: [event], result: 0 }))).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
    })
    expect((await inner.head()).seq).toBe(0)
    await expect(replica.run(setLock('ann'))).resolves.toHaveProperty('done')
  })

  // threats §2.L 361, 362, 371: staleness is bounded and visible.
  it('is fresh for as long as it may be, and says how old it is', async () => {
    journal.faults.isDown = true
    const { replica, tick } = await start()
    expect([replica.fresh, replica.stalenessMs, replica.hasRead]).toEqual([false, Infinity, false])
    journal.faults.isDown = false
    await tick()
    expect([replica.fresh, replica.stalenessMs, replica.hasRead]).toEqual([true, 0, true])
    journal.faults.isDown = true
    clock.advance(5_000)
    await tick()
    expect([replica.fresh, replica.stalenessMs]).toEqual([true, 5_000])
    clock.advance(1)
    expect(replica.fresh).toBe(false)
    journal.faults.isDown = false
    await tick()
    expect(replica.fresh).toBe(true)
  })

  // threats §2.H 275: the wall clock of this machine does not matter, and time never goes back.
  it('goes by the time of the store', async () => {
    const storeClock = handClock()
    storeClock.advance(60_000)
    inner = createMemoryStore({ clock: storeClock }).journal
    const { replica, tick } = await start()
    const before = replica.now()
    expect(before).toBe(storeClock.now())
    clock.step(-300_000)
    expect(replica.now()).toBe(before)
    clock.advance(10)
    expect(replica.now()).toBe(before + 10)
    storeClock.step(-120_000)
    await tick()
    expect(replica.now()).toBe(before + 10)
  })

  it('is never fresh again after an entry that it cannot understand', async () => {
    const { replica, tick, kinds } = await start()
    await append('ann')
    const { epoch, seq } = await inner.head()
    await inner.append(['{"v":1,"event":{"type":"from.the.future"}}'], { epoch, seq })
    await append('bob')
    await tick()
    await tick()
    expect(replica.fresh).toBe(false)
    expect(kinds().filter((kind) => kind === 'damaged')).toHaveLength(1)
    // What came before it is in force.
    expect([...replica.state.locks.keys()]).toEqual(['lock-ann'])
    await expect(replica.run(setLock('cid'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('takes a snapshot over when entries are gone', async () => {
    const { replica, tick } = await start()
    const other = await start({ id: 'two', dir: join(dir, 'two'), journal: inner })
    journal.faults.isDown = true
    for (let round = 0; round < 52; round += 1) {
      await append(...Array.from({ length: 20 }, (_, n) => `${round}-${n}`))
    }
    await other.tick()
    const { state } = other.replica
    const { snapshotText } = await import('../../../../gateway/access/snapshot.ts')
    await inner.keepSnapshot({ epoch: state.epoch, seq: state.seq, text: snapshotText(state) }, 0)
    await append('last')
    journal.faults.isDown = false
    const applied: number[] = []
    replica.onApplied(({ events }) => applied.push(events.length))
    await tick()
    expect(replica.state.seq).toBe(state.seq + 1)
    expect(replica.state.locks.size).toBe(state.locks.size + 1)
    expect(applied).toEqual([0])
    const late = await start({ id: 'three', dir: join(dir, 'three') })
    expect(late.replica.state).toEqual(replica.state)
  })

  it('keeps a snapshot when there is enough news, and says who is there', async () => {
    const { replica, tick, events } = await start()
    for (let round = 0; round < 55; round += 1) {
      await append(...Array.from({ length: 20 }, (_, n) => `${round}-${n}`))
    }
    for (let turn = 0; turn < 4; turn += 1) {
      clock.advance(2_000)
      await tick()
    }
    expect(events).toContainEqual({ type: 'snapshot-kept', seq: 1_100 })
    expect((await inner.snapshot())?.seq).toBe(1_100)
    expect(replica.replicas.map(({ id }) => id)).toEqual(['one'])
  })

  it('is not listed any more once it is stopped, and stops where the store is not there', async () => {
    const { replica, tick } = await start()
    await tick()
    const me = { id: 'me', seq: 0, name: 'me' }
    const listed = async () => (await inner.announce(me, 1)).map(({ id }) => id)
    expect(await listed()).toEqual(['one', 'me'])
    await replica.stop()
    clock.advance(1)
    expect(await listed()).toEqual(['me'])
    const two = await start({ id: 'two', dir: join(dir, 'two') })
    await two.tick()
    journal.faults.isDown = true
    await two.replica.stop()
    expect(await listed()).toContain('two')
  })

  it('tells the store of uses twice a minute, and again when it was not there', async () => {
    const { replica, tick } = await start()
    await tick()
    replica.used('p, role:x, export, model:m, always, allow', 'user:dev/ann')
    journal.faults.isDown = true
    clock.advance(30_000)
    await tick()
    journal.faults.isDown = false
    expect(await inner.uses()).toEqual([])
    clock.advance(30_000)
    await tick()
    const [use] = await inner.uses()
    expect(use?.privilege).toBe('p, role:x, export, model:m, always, allow\0user:dev/ann')
  })
})

// threats §2.L 367, 368, 379: acknowledged entries are lost.
describe('a journal that has lost entries', () => {
  it('is not relied on, and locks that were known stay in force everywhere', async () => {
    const one = await start()
    await one.replica.run(setLock('ann'))
    flush()
    await one.tick()
    expect(one.replica.fresh).toBe(false)
    expect(one.replica.state.locks.has('lock-ann')).toBe(true)
    expect(one.kinds()).toContain('regressed')
    await one.tick()
    await one.tick()
    // Written into the new journal, for replicas that never knew it.
    const two = await start({ id: 'two', dir: join(dir, 'two') })
    expect(two.replica.state.locks.has('lock-ann')).toBe(true)
    expect(one.replica.fresh).toBe(false)
  })

  it('takes locks and gives nothing', async () => {
    const { replica, tick } = await start()
    await replica.run(setLock('ann'))
    flush()
    await tick()
    await expect(replica.run(setLock('bob'))).resolves.toHaveProperty('done')
    const lift = { type: 'lock.lifted', id: 'lock-ann', by: ['user:dev/o'], reason: 'x' } as const
    await expect(replica.run(() => ({ events: [lift], result: 0 }))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
  })

  it('is noticed when it grew past what was known, and after a restart', async () => {
    const before = await start()
    await before.replica.run(setLock('ann'))
    await before.replica.run(setLock('bob'))
    await before.replica.stop()
    // The same epoch and one entry less, then others: a copy that was put back.
    const { epoch } = await inner.head()
    const old = createMemoryStore({ clock }).journal
    const page = await inner.entriesAfter(0, 1)
    const rebranded: JournalStore = {
      ...old,
      head: async () => ({ ...(await old.head()), epoch }),
      entriesAfter: async (...parts) => ({ ...(await old.entriesAfter(...parts)), epoch }),
    }
    const { epoch: own } = await old.head()
    await old.append([page.entries[0]?.text ?? ''], { epoch: own, seq: 0 })
    inner = rebranded
    const behind = await start()
    expect(behind.replica.regression).toMatchObject({ known: { seq: 2 }, found: { seq: 1 } })
    const texts = ['cid', 'dan'].map((name) =>
      entryText({ v: 1, event: { type: 'lock.set', lock: lockOf(name) } }),
    )
    await old.append(texts, { epoch: own, seq: 1 })
    const after = await start()
    expect(after.replica.regression).toMatchObject({ known: { seq: 2 }, found: { seq: 3 } })
  })

  it('is relied on again when it is what it was', async () => {
    const { replica, tick, kinds } = await start()
    await replica.run(setLock('ann'))
    const good = inner
    flush()
    await tick()
    expect(replica.fresh).toBe(false)
    inner = good
    await tick()
    await tick()
    expect(replica.fresh).toBe(true)
    expect(kinds()).toContain('settled')
  })

  it('is taken for what it is when an operator accepts this loss, and no other', async () => {
    const { replica, tick, losses } = await start()
    await replica.run(setLock('ann'))
    await replica.stop()
    flush()
    const again = await start()
    const { regression } = again.replica
    expect(regression).toBeDefined()
    const { known, found } = regression ?? { known: { epoch: '', seq: 0 }, found: { epoch: '' } }
    const word = { by: 'os:jo', reason: 'the disk died', known, found }
    await writeAccepted(dir, { ...word, found: { epoch: 'another' } })
    clock.advance(1_000)
    await again.tick()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(again.replica.fresh).toBe(false)
    await writeAccepted(dir, word)
    for (let turn = 0; turn < 50 && !again.replica.fresh; turn += 1) {
      clock.advance(1_000)
      await again.tick()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(again.replica.fresh).toBe(true)
    expect(again.losses).toMatchObject([{ reason: 'the disk died' }])
    await again.replica.stop()
    expect((await start()).replica.fresh).toBe(true)
    expect([losses, tick]).toHaveLength(2)
  })
})
