import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import type { SyncDone } from '../../gateway/audit/files/file-port.ts'
import { verifyChain } from '../support/verify-chain.ts'
import {
  errno,
  faultyFiles,
  harness,
  note,
  removeDirectories,
  storedRecords,
} from '../support/audit-harness.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }
const SEGMENT = '0000000000000000.jsonl'

describe('a sync that fails', () => {
  it('rejects all who wait for it, and is never tried again on the same descriptor', async () => {
    const { dir, open } = harness()
    const { files, faults } = faultyFiles()
    const ledger = await open({ files })
    const synced: number[] = []
    faults.sync = (fd, done) => {
      synced.push(fd)
      setImmediate(() => done(errno('EIO')))
    }
    const first = ledger.append(note('a'), 'disk')
    const kernel = ledger.append(note('k'), 'kernel')
    await expect(kernel).resolves.toBeUndefined()
    const second = ledger.append(note('b'), 'disk')
    const settled = await Promise.allSettled([first, second])
    expect(settled).toMatchObject([{ reason: UNAVAILABLE }, { reason: UNAVAILABLE }])
    expect(ledger.healthy).toBe(false)
    expect(synced).toHaveLength(1)
    await expect(ledger.append(note('c'), 'disk')).rejects.toMatchObject(UNAVAILABLE)
    expect(synced).toHaveLength(1)
    expect(await ledger.probe()).toBe(false)

    // Its pages count as clean now and may never reach the disk: the file is written anew.
    const path = join(dir, 'seg', SEGMENT)
    const before = { bytes: readFileSync(path), inode: statSync(path).ino }
    delete faults.sync
    expect(await ledger.probe()).toBe(true)
    expect(statSync(path).ino).not.toBe(before.inode)
    expect(readFileSync(path)).toEqual(before.bytes)
    await ledger.append(note('d'), 'disk')
    await ledger.close()
    expect(storedRecords(dir)).toContainEqual(
      expect.objectContaining({ type: 'log.degraded', operation: 'sync', code: 'EIO' }),
    )
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('in the background is noticed within a second', async () => {
    const { clock, timers, events, open } = harness()
    const { files, faults } = faultyFiles()
    const ledger = await open({ files })
    faults.sync = (_fd, done) => done(errno('EIO'))
    await ledger.append(note('a'), 'kernel')
    expect(ledger.healthy).toBe(true)
    clock.advance(1000)
    timers.fire()
    await new Promise(setImmediate)
    expect(ledger.healthy).toBe(false)
    expect(events).toContainEqual(expect.objectContaining({ type: 'failed', operation: 'sync' }))
    await expect(ledger.close()).rejects.toMatchObject(UNAVAILABLE)
  })

  it('of a segment that was left behind fails the records after it too', async () => {
    const { dir, open } = harness()
    const { files, faults } = faultyFiles()
    const ledger = await open({ files, segmentBytesMax: 400 })
    const waiting: SyncDone[] = []
    faults.sync = (_fd, done) => void waiting.push(done)
    await ledger.append(note('a'), 'kernel')
    const after = ledger.append(note('b'), 'disk')
    after.catch(() => undefined)
    await new Promise(setImmediate)
    // One sync is under way: of the old segment. That of the new one must not overtake it.
    expect(waiting).toHaveLength(1)
    waiting[0]?.(errno('EIO'))
    await expect(after).rejects.toMatchObject(UNAVAILABLE)
    delete faults.sync
    expect(await ledger.probe()).toBe(true)
    await ledger.close()
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })
})

describe('a record promised to be on disk', () => {
  it('is answered only after a sync that began after its write', async () => {
    const { open } = harness()
    const { files, faults } = faultyFiles()
    const ledger = await open({ files })
    const waiting: SyncDone[] = []
    faults.sync = (_fd, done) => void waiting.push(done)
    const done: string[] = []
    const append = (id: string) => ledger.append(note(id), 'disk').then(() => done.push(id))
    const turn = () => new Promise(setImmediate)
    const all = [append('a')]
    await turn()
    all.push(append('b'))
    await turn()
    all.push(append('c'))
    await turn()
    expect(waiting).toHaveLength(1)
    waiting[0]?.(null)
    await turn()
    expect(done).toEqual(['a'])
    expect(waiting).toHaveLength(2)
    waiting[1]?.(null)
    await Promise.all(all)
    expect(done).toEqual(['a', 'b', 'c'])
    delete faults.sync
    await ledger.close()
  })
})
