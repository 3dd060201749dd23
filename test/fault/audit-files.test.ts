import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../gateway/audit/files/file-port.ts'
import { verifyChain } from '../support/verify-chain.ts'
import {
  errno,
  faultyFiles,
  harness,
  note,
  removeDirectories,
  segmentNames,
  storedRecords,
} from '../support/audit-harness.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }

/** A ledger with one good record, over files that can be broken. */
async function started(more = {}) {
  const log = harness()
  const faulty = faultyFiles()
  const ledger = await log.open({ files: faulty.files, ...more })
  await ledger.append(note('good'), 'disk')
  return { ...log, ...faulty, ledger }
}

const ids = (dir: string) => storedRecords(dir).flatMap(({ id }) => id ?? [])

describe('a ledger that cannot be written', () => {
  it('rejects everything, then goes on in a new segment and says what was lost', async () => {
    const { dir, faults, ledger, clock, events } = await started()
    faults.write = () => {
      throw errno('ENOSPC')
    }
    const waits = [ledger.append(note('a'), 'kernel'), ledger.append(note('b'), 'disk')]
    const settled = await Promise.allSettled(waits)
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(ledger.healthy).toBe(false)
    await expect(ledger.append(note('c'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    ledger.appendNow(note('d'))
    expect(await ledger.probe()).toBe(false)
    delete faults.write
    clock.advance(60_000)
    expect(await ledger.probe()).toBe(true)
    expect(ledger.healthy).toBe(true)
    await ledger.append(note('e'), 'disk')
    await ledger.close()
    expect(ids(dir)).toEqual(['good', 'e'])
    expect(storedRecords(dir)[2]).toMatchObject({
      type: 'log.degraded',
      operation: 'write',
      code: 'ENOSPC',
      since: '2026-11-21T12:00:00.000Z',
    })
    expect(events).toContainEqual(expect.objectContaining({ type: 'reopened' }))
    expect(segmentNames(dir)).toEqual(['0000000000000000.jsonl', '0000000000000002.jsonl'])
    expect(await verifyChain({ dir, anchors: [ledger.head()] })).toMatchObject({ intact: true })
  })

  it('never leaves half a line: a write cut short by an error is moved aside', async () => {
    const { dir, faults, ledger } = await started()
    faults.write = (fd, bytes, start, end) => {
      systemFiles.write(fd, bytes, start, start + Math.floor((end - start) / 2))
      throw errno('EIO')
    }
    await expect(ledger.append(note('half'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    delete faults.write
    expect(await ledger.probe()).toBe(true)
    await ledger.close()
    const torn = storedRecords(dir).find(({ type }) => type === 'log.recovered')
    expect(readFileSync(String(torn?.['file']))).toHaveLength(Number(torn?.['bytes']))
    expect(ids(dir)).toEqual(['good'])
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('goes on after short writes as if nothing had happened', async () => {
    const { dir, faults, ledger, calls } = await started()
    faults.write = (fd, bytes, start, end) =>
      systemFiles.write(fd, bytes, start, Math.min(end, start + 100))
    calls.length = 0
    await Promise.all(['a', 'b', 'c'].map((id) => ledger.append(note(id), 'kernel')))
    expect(calls.filter((name) => name === 'write').length).toBeGreaterThan(5)
    await ledger.close()
    expect(ids(dir)).toEqual(['good', 'a', 'b', 'c'])
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('keeps whole records of a failed batch that did get in, and counts on', async () => {
    const { dir, faults, ledger } = await started()
    faults.write = (fd, bytes, start, end) => {
      const line = Buffer.from(bytes).indexOf('\n', start) + 1
      systemFiles.write(fd, bytes, start, Math.min(line + 7, end))
      throw errno('EDQUOT')
    }
    const waits = ['a', 'b'].map((id) => ledger.append(note(id), 'kernel'))
    expect((await Promise.allSettled(waits)).every(({ status }) => status === 'rejected')).toBe(
      true,
    )
    delete faults.write
    expect(await ledger.probe()).toBe(true)
    await ledger.close()
    expect(ids(dir)).toEqual(['good', 'a'])
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('tries again by itself, ever less often, and forgets that once it works', async () => {
    const { faults, ledger, timers } = await started()
    faults.openAppend = () => {
      throw errno('EROFS')
    }
    faults.write = () => {
      throw errno('EROFS')
    }
    await expect(ledger.append(note('a'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      const retry = timers.due.pop()
      waits.push(retry?.at ?? 0)
      retry?.run()
      expect(await ledger.probe()).toBe(false)
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
    delete faults.openAppend
    delete faults.write
    timers.due.pop()?.run()
    expect(await ledger.probe()).toBe(true)
    await ledger.close()
  })

  it('fails when the next segment cannot be created, losing nothing it took', async () => {
    const { dir, faults, ledger } = await started({ segmentBytesMax: 500 })
    faults.openAppend = () => {
      throw errno('EMFILE')
    }
    await expect(ledger.append(note('a'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    delete faults.openAppend
    expect(await ledger.probe()).toBe(true)
    await ledger.append(note('b'), 'disk')
    await ledger.close()
    expect(ids(dir)).toEqual(['good', 'b'])
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('stays refused when the log was cut or removed behind its back', async () => {
    const { dir, faults, ledger, events } = await started()
    const path = join(dir, 'seg', '0000000000000000.jsonl')
    truncateSync(path, readFileSync(path).indexOf('\n') + 1)
    faults.write = () => {
      throw errno('EIO')
    }
    await expect(ledger.append(note('a'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    delete faults.write
    expect(await ledger.probe()).toBe(false)
    const last = events.at(-1)
    expect(last?.type === 'failed' && last.error.message).toMatch(/truncated: ends at record 0/)
    await expect(ledger.close()).rejects.toMatchObject(UNAVAILABLE)
    expect(existsSync(join(dir, 'lock'))).toBe(false)
  })

  it('does not open on a directory it cannot write', async () => {
    for (const name of ['makeDirectory', 'openAppend', 'write', 'list'] as const) {
      const { files, faults } = faultyFiles()
      faults[name] = () => {
        throw errno('EROFS')
      }
      const { open, timers } = harness()
      await expect(open({ files })).rejects.toMatchObject(UNAVAILABLE)
      expect(timers.due).toHaveLength(0)
    }
  })
})
