import { setImmediate as nextTurn } from 'node:timers/promises'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { connectWriter } from '../../../gateway/assembly/ledger-thread/connect.ts'
import type { SegmentLedger } from '../../../gateway/audit/ledger.ts'
import { defer } from '../../../gateway/audit/files/file-ops.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import {
  errno,
  fakeClock,
  faultyFiles,
  harness,
  note,
  removeDirectories,
  storedRecords,
} from '../../support/audit-harness.ts'
import { fakeThread, overThread } from '../../support/ledger-pair.ts'
import { verifyChain } from '../../support/verify-chain.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }

describe('a ledger that another thread writes', () => {
  it('writes in the order of the calls, whatever anybody waits for, and says what is last', async () => {
    const { dir, open } = harness()
    const { remote, thread } = await overThread(open())
    const waits = [remote.append(note('a'), 'disk'), remote.append(note('b'), 'kernel')]
    remote.appendNow(note('c'))
    waits.push(remote.append(note('d'), 'disk'))
    await Promise.all(waits)
    expect(remote.head()).toMatchObject({ seq: 4 })
    // One turn, one message.
    expect(thread.asked).toHaveLength(1)
    remote.appendNow(note('e'))
    await remote.close()
    const records = storedRecords(dir)
    expect(records.flatMap(({ id }) => id ?? [])).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(remote.head().seq).toBe(records.length - 1)
    expect(await verifyChain({ dir, anchors: [remote.head()] })).toMatchObject({ intact: true })
    expect(thread.isTerminated).toBe(true)
  })

  it('hands over together what comes while the writer is at work', async () => {
    const { dir, open } = harness()
    const { remote, thread } = await overThread(open())
    const waits = [remote.append(note('a'), 'kernel')]
    await nextTurn()
    for (const id of ['b', 'c', 'd']) {
      waits.push(remote.append(note(id), 'kernel'))
      await Promise.resolve()
    }
    remote.appendNow(note('e'))
    await Promise.all(waits)
    const sizes = thread.asked.map((asked) => (asked.kind === 'append' ? asked.records.length : 0))
    expect(sizes).toEqual([3, 12])
    // Nobody waits for this one, and nothing that comes later has to take it along.
    remote.appendNow(note('f'))
    await remote.append(note('g'), 'disk')
    await remote.close()
    const ids = storedRecords(dir).flatMap(({ id }) => id ?? [])
    expect(ids).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  })

  it('writes what a ledger on the same thread writes, byte for byte', async () => {
    const records: LedgerRecord[] = [
      note('short'),
      { type: 'incident', fields: { id: 'none', gone: undefined, nan: NaN, list: [1, null] } },
      { type: 'decision', fields: { id: 'x\u202e\u0007"', path: `/${'é'.repeat(70_000)}` } },
      { type: 'decision', fields: { id: 'deep', ops: [{ a: { b: { c: ['"effect":"deny"'] } } }] } },
    ]
    const [here, there] = [harness(), harness()]
    const own = await here.open()
    for (const record of records) await own.append(record, 'kernel')
    await own.close()
    const { remote } = await overThread(there.open())
    await Promise.all(records.map((record) => remote.append(record, 'kernel')))
    await remote.close()
    const segment = join('seg', '0000000000000000.jsonl')
    expect(readFileSync(join(there.dir, segment), 'utf8')).toBe(
      readFileSync(join(here.dir, segment), 'utf8'),
    )
  })

  it('counts a flood of refusals as one on the same thread does', async () => {
    const { dir, open } = harness()
    const { remote } = await overThread(open({ refusalsPerSecond: 1 }))
    const denied = (id: string): LedgerRecord => ({
      type: 'decision',
      fields: { id, effect: 'deny', reason: 'token_expired', ip: '203.0.113.9' },
    })
    for (const id of ['a', 'b', 'c']) await remote.append(denied(id), 'kernel')
    await remote.append(note('permitted'), 'kernel')
    await remote.close()
    const records = storedRecords(dir)
    expect(records.flatMap(({ id }) => id ?? [])).toEqual(['a', 'permitted'])
    expect(records.find(({ type }) => type === 'decision.refused')).toMatchObject({ count: 2 })
  })

  it('refuses a record that breaks the format at once, and its neighbours not', async () => {
    const { dir, open } = harness()
    const { remote } = await overThread(open())
    const before = remote.append(note('before'), 'kernel')
    for (const bad of [
      { type: 'Not A Type', fields: {} },
      { type: 'decision', fields: { seq: 1 } },
    ]) {
      await expect(remote.append(bad, 'kernel')).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
      remote.appendNow(bad)
    }
    await before
    await remote.close()
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['before'])
  })
})

describe('when the files fail', () => {
  it('tells those who wait, is not healthy, and is again when they work again', async () => {
    const { dir, open } = harness()
    const { files, faults } = faultyFiles()
    const own = open({ files })
    const { remote, server } = await overThread(own)
    faults.write = () => {
      throw errno('EIO')
    }
    const failed = [remote.append(note('a'), 'kernel'), remote.append(note('b'), 'disk')]
    for (const wait of failed) {
      await expect(wait).rejects.toMatchObject({
        ...UNAVAILABLE,
        message: expect.stringContaining('EIO') as unknown,
        publicMessage: 'The decision could not be recorded.',
      })
    }
    expect(remote.healthy).toBe(false)
    await expect(remote.append(note('c'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    delete faults.write
    await (await own).probe()
    server.tell()
    await nextTurn()
    await nextTurn()
    expect(remote.healthy).toBe(true)
    await remote.append(note('d'), 'disk')
    await remote.close()
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['d'])
  })

  it('fails a record that waits for the disk alone, and not its neighbours', async () => {
    const refusing: Pick<SegmentLedger, 'append'> = {
      append: ({ fields }) =>
        fields['id'] === 'b' ? Promise.reject(new Error('not witnessed')) : Promise.resolve(),
    }
    const { open } = harness()
    const own = await open()
    const { remote } = await overThread(Promise.resolve({ ...own, healthy: true, ...refusing }))
    const waits = ['a', 'b', 'c'].map((id) => remote.append(note(id), 'disk'))
    waits.push(remote.append(note('d'), 'kernel'))
    const settled = await Promise.allSettled(waits)
    expect(settled.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    await remote.close()
  })

  it('fails a record that cannot be written alone, and not those of the same turn', async () => {
    const { dir, open } = harness()
    const { remote } = await overThread(open())
    const entries = Array.from({ length: 300 }, (_, at) => [`f${at}`, 'x'.repeat(30)] as const)
    const wide: LedgerRecord = { type: 'decision', fields: Object.fromEntries(entries) }
    const records = [note('a'), wide, note('b')]
    const settled = await Promise.allSettled(records.map((one) => remote.append(one, 'kernel')))
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await remote.close()
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['a', 'b'])
  })

  it('says so when it cannot be opened, and when its end could not be written', async () => {
    const { open } = harness()
    await expect(overThread(Promise.reject(new Error('no such disk')))).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: 'no such disk',
    })
    const { files, faults } = faultyFiles()
    const { remote, thread } = await overThread(open({ files }))
    faults.write = () => {
      throw errno('ENOSPC')
    }
    await expect(remote.close()).rejects.toMatchObject(UNAVAILABLE)
    expect(thread.isTerminated).toBe(true)
  })
})

describe('when the disk hangs', () => {
  it('is not healthy and refuses permits at once, keeps what has happened, and is as before when it answers', async () => {
    const { open } = harness()
    const own = await open()
    const clock = fakeClock()
    const hanging = defer()
    const slow = {
      ...own,
      healthy: true,
      append: (record: LedgerRecord) => hanging.promise.then(() => own.append(record, 'kernel')),
    }
    const { remote } = await overThread(Promise.resolve(slow), [], clock)
    const permit: LedgerRecord = { type: 'decision', fields: { id: 'p', effect: 'permit' } }
    const waiting = remote.append(permit, 'kernel')
    await nextTurn()
    clock.advance(5_000)
    expect(remote.healthy).toBe(true)
    clock.advance(1)
    expect(remote.healthy).toBe(false)
    await expect(remote.append(permit, 'disk')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('too far behind') as unknown,
    })
    const happened = remote.append({ type: 'outcome', fields: { id: 'p' } }, 'kernel')
    hanging.resolve()
    await Promise.all([waiting, happened])
    expect(remote.healthy).toBe(true)
    await remote.append(permit, 'kernel')
    await remote.close()
  })
})

describe('the end', () => {
  it('tells of what is on disk before it says that it is over', async () => {
    const { open } = harness()
    const own = await open()
    const written = defer()
    const late = {
      ...own,
      healthy: true,
      append: () => written.promise,
      // Both hang on one signature: which of them is told first is chance.
      close: () => own.close().then(() => queueMicrotask(() => written.resolve())),
    }
    const { remote } = await overThread(Promise.resolve(late))
    const waits = [remote.append(note('a'), 'disk'), remote.append(note('b'), 'kernel')]
    await remote.close()
    await Promise.all(waits)
  })

  it('takes what came before, nothing after, and comes once', async () => {
    const { dir, open } = harness()
    const { remote, thread } = await overThread(open())
    const before = remote.append(note('before'), 'disk')
    const closing = remote.close()
    await expect(remote.append(note('after'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    remote.appendNow(note('after'))
    await Promise.all([before, closing, remote.close()])
    expect(remote.healthy).toBe(false)
    expect(thread.asked.filter(({ kind }) => kind === 'close')).toHaveLength(1)
    const types = storedRecords(dir).map(({ type }) => type)
    expect(types).toEqual(['log.opened', 'decision', 'log.closed'])
    // Threads say that they end, too.
    thread.exit(0)
  })

  it.each([
    ['fails', (thread: { fail(error: Error): void }) => thread.fail(new Error('out of memory'))],
    ['ends', (thread: { exit(code: number): void }) => thread.exit(1)],
  ])('of a thread that %s is that of everything', async (_, end) => {
    const { open } = harness()
    const lost: Error[] = []
    const own = await open()
    const silent = { ...own, healthy: true, append: () => new Promise<void>(() => undefined) }
    const { remote, thread } = await overThread(Promise.resolve(silent), lost)
    const waits = [remote.append(note('a'), 'kernel'), remote.append(note('b'), 'disk')]
    await nextTurn()
    waits.push(remote.append(note('c'), 'kernel'))
    end(thread)
    for (const wait of waits) await expect(wait).rejects.toMatchObject(UNAVAILABLE)
    expect(lost).toHaveLength(1)
    expect(remote.healthy).toBe(false)
    await expect(remote.append(note('d'), 'disk')).rejects.toMatchObject(UNAVAILABLE)
    await expect(remote.close()).rejects.toMatchObject(UNAVAILABLE)
    await own.close()
  })

  it('of a thread that never opened a ledger is a failure to open it', async () => {
    const lost: Error[] = []
    const thread = fakeThread()
    const onLost = (error: Error): void => void lost.push(error)
    const clock = fakeClock()
    const connecting = connectWriter(thread, { clock, perform: () => undefined, onLost })
    thread.exit(1)
    await expect(connecting).rejects.toThrow('the thread that writes the ledger has ended (1)')
    expect(lost).toEqual([])
  })

  it('of patience comes with 64 MiB that nobody has answered for', async () => {
    const { open } = harness()
    const own = await open()
    const silent = { ...own, healthy: true, append: () => new Promise<void>(() => undefined) }
    const { remote } = await overThread(Promise.resolve(silent))
    const large: LedgerRecord = { type: 'incident', fields: { id: 'x'.repeat(30 * 1024 * 1024) } }
    const waits = [1, 2, 3].map(() => remote.append(large, 'kernel'))
    await expect(remote.append(note('one more'), 'kernel')).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('too far behind') as unknown,
    })
    remote.lost(new Error('the end of the test'))
    await Promise.allSettled(waits)
    await own.close()
  })
})
