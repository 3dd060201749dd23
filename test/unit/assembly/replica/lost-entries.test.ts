import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { entryText, previousIn } from '../../../../gateway/access/fold/entry.ts'
import { snapshotText } from '../../../../gateway/access/snapshot.ts'
import { digestOf } from '../../../../gateway/assembly/replica/position.ts'
import { readSeen, SEEN_FILE } from '../../../../gateway/assembly/replica/seen-file.ts'
import type { JournalStore } from '../../../../gateway/domain/journal.ts'
import { createMemoryStore } from '../../../../gateway/store/memory-store.ts'
import { forkedJournal } from '../../../support/forked-journal.ts'
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
  dir = await mkdtemp(join(tmpdir(), 'modelgate-lost-'))
  clock = handClock()
  inner = createMemoryStore({ clock }).journal
  journal = faulty(() => inner)
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
  await rm(dir, { recursive: true, force: true })
})

const start = async (id = 'one', more = {}) => {
  const own = join(dir, id)
  await mkdir(own, { recursive: true })
  const started = await startReplica({ journal, clock, dir: own, id, ...more })
  running.push(started.replica)
  return started
}

/** Everything behind entry `kept` is lost; the clock of the store stands where it stood. */
const fail = async (kept: number): Promise<void> => {
  inner = await forkedJournal(inner, kept, clock)
}

const append = async (...names: string[]): Promise<void> => {
  const { epoch, seq } = await inner.head()
  const texts = names.map((name) =>
    entryText({ v: 1, event: { type: 'lock.set', lock: lockOf(name) } }),
  )
  await inner.append(texts, { epoch, seq })
}

// threats §2.L 367, 368: what was acknowledged is lost, and the same is written again in its place.
describe('entries that were lost, and others that say the same', () => {
  it('are told apart by when they were taken: a lock that was set again', async () => {
    const { replica, tick } = await start()
    await append('ann', 'bob')
    await tick()
    expect(replica.fresh).toBe(true)
    await fail(1)
    clock.advance(1)
    await append('bob')
    await tick()
    expect(replica.regression).toMatchObject({ known: { seq: 2 } })
    expect(replica.fresh).toBe(false)
  })

  it('are told apart by what came before them, though text and time are the same', async () => {
    const watching = await start()
    const writing = await start('two')
    await writing.replica.run(setLock('ann'))
    await writing.replica.run(setLock('bob'))
    await writing.replica.run(setLock('cid'))
    await watching.tick()
    await fail(1)
    // Nobody who knew: a replica that was not there before.
    const late = await start('three')
    await late.replica.run(setLock('eve'))
    await late.replica.run(setLock('cid'))
    await watching.tick()
    expect(watching.replica.regression).toMatchObject({ known: { seq: 3 }, found: { seq: 3 } })
    expect(late.replica.regression).toBeUndefined()
    // What it knew stays in force.
    expect(watching.replica.state.locks.has('lock-bob')).toBe(true)
  })

  it('are noticed after a restart', async () => {
    const before = await start()
    for (const name of ['ann', 'bob', 'cid']) await before.replica.run(setLock(name))
    await before.replica.stop()
    await fail(1)
    const late = await start('three')
    await late.replica.run(setLock('eve'))
    await late.replica.run(setLock('cid'))
    const after = await start()
    expect(after.replica.regression).toMatchObject({ known: { seq: 3 } })
  })

  it('are noticed after a restart from a snapshot, for as long as the entry is there', async () => {
    const before = await start()
    for (const name of ['ann', 'bob', 'cid']) await before.replica.run(setLock(name))
    await before.replica.stop()
    await fail(1)
    const late = await start('three')
    for (const name of ['eve', 'cid', 'dan']) await late.replica.run(setLock(name))
    const { state } = late.replica
    const kept: JournalStore = inner
    const { epoch, seq } = state
    inner = {
      ...kept,
      snapshot: () => Promise.resolve({ epoch, seq, text: snapshotText(state) }),
    }
    const after = await start()
    expect(after.replica.state.seq).toBe(4)
    expect(after.replica.regression).toMatchObject({ known: { seq: 3 } })
  })
})

describe('an entry that was decided on one that is not there', () => {
  /** The store loses the last entry and takes another in its place, while somebody decides. */
  const swapOnAppend = (): void => {
    journal.faults.beforeAppend = async () => {
      await fail(1)
      await append('eve')
    }
  }

  it('is noticed by who has added it, who then has the journal as it is', async () => {
    const { replica, tick } = await start()
    await replica.run(setLock('ann'))
    await replica.run(setLock('bob'))
    swapOnAppend()
    await expect(replica.run(setLock('cid'))).resolves.toHaveProperty('done')
    await tick()
    expect(replica.regression).toMatchObject({ known: { seq: 2 }, found: { seq: 3 } })
    // The one that was lost is known here alone, and stays in force.
    expect([...replica.state.locks.keys()].sort()).toEqual(
      ['ann', 'bob', 'cid', 'eve'].map((name) => `lock-${name}`),
    )
    await tick()
    expect(replica.fresh).toBe(false)
  })

  it('is noticed by who had seen only the other one', async () => {
    const writing = await start()
    const watching = await start('two')
    await writing.replica.run(setLock('ann'))
    await watching.tick()
    await writing.replica.run(setLock('bob'))
    swapOnAppend()
    await writing.replica.run(setLock('cid'))
    await watching.tick()
    await watching.tick()
    expect(watching.replica.regression).toMatchObject({ known: { seq: 2 } })
    expect(watching.replica.fresh).toBe(false)
  })

  it('is noticed after a restart, and not again when it was seen and accepted', async () => {
    const writing = await start()
    await writing.replica.run(setLock('ann'))
    const watching = await start('two')
    await watching.replica.stop()
    await writing.replica.run(setLock('bob'))
    swapOnAppend()
    await writing.replica.run(setLock('cid'))
    const again = await start('two')
    expect(again.replica.regression).toMatchObject({ known: { seq: 2 } })
    // Nobody remembers anything there: there is nothing that could have been lost.
    expect((await start('new')).replica.regression).toBeUndefined()
    await (await start('three')).replica.stop()
    expect((await start('three')).replica.regression).toBeUndefined()
  })
})

describe('what is remembered of a journal', () => {
  it('by an older version is not known to be the same, and not known to be lost', async () => {
    const before = await start()
    await before.replica.run(setLock('ann'))
    await before.replica.stop()
    const path = join(dir, 'one', SEEN_FILE)
    const { epoch, seq } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    const mark = '0'.repeat(32)
    await writeFile(path, JSON.stringify({ epoch, seq, mark }))
    expect(await readSeen(join(dir, 'one'))).toEqual({ epoch, seq })
    const after = await start()
    expect([after.replica.regression, after.replica.fresh]).toEqual([undefined, true])
  })

  it('is written with time and digest of the last entry', async () => {
    const { replica } = await start()
    await replica.run(setLock('ann'))
    await replica.stop()
    const { entries } = await inner.entriesAfter(0, 1)
    const last = { at: clock.now(), digest: digestOf(entries[0]?.text ?? '') }
    expect(await readSeen(join(dir, 'one'))).toMatchObject({ seq: 1, last })
  })
})

describe('entries', () => {
  it('say which text they follow, within one append too', async () => {
    const { replica } = await start()
    await replica.run(setLock('ann'))
    const locks = ['bob', 'cid'].map((name) => ({ type: 'lock.set' as const, lock: lockOf(name) }))
    await replica.run(() => ({ events: locks, result: 0 }))
    const { entries } = await inner.entriesAfter(0, 10)
    const texts = entries.map(({ text }) => text)
    expect(texts.map(previousIn)).toEqual([undefined, ...texts.slice(0, 2).map(digestOf)])
  })

  it('of older versions are followed, and the next one names them', async () => {
    await append('ann', 'bob')
    const { replica, tick } = await start()
    await replica.run(setLock('cid'))
    await tick()
    expect(replica.fresh).toBe(true)
    const { entries } = await inner.entriesAfter(1, 2)
    expect(previousIn(entries[1]?.text ?? '')).toBe(digestOf(entries[0]?.text ?? ''))
  })

  it('of one append too long for a page are read again page by page', async () => {
    const { replica, tick } = await start()
    const reason = 'x'.repeat(60_000)
    const events = Array.from({ length: 40 }, (_, n) => ({
      type: 'lock.set' as const,
      lock: lockOf(`n${n}`, { reason }),
    }))
    await replica.run(() => ({ events, result: 0 }))
    await tick()
    expect([replica.fresh, replica.state.seq]).toEqual([true, 40])
    await replica.run(setLock('ann'))
    await tick()
    expect([replica.fresh, replica.state.seq]).toEqual([true, 41])
  })

  it.each([
    ['{"v":1,"event":{"type":"x"}}'],
    ['{"v":1,"event":{"reason":",\\"prev\\":\\"0123456789abcdef0123456789abcdef\\"}"}}'],
    ['{"v":1,"event":{"a":"b","prev":"0123456789abcdef0123456789abcdef"}}'],
  ])('of the text %s name none', (text) => {
    expect(previousIn(text)).toBeUndefined()
  })
})
