/** A disk that is full: recorded in room that was kept for it, and then nothing more is accepted. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../gateway/audit/files/file-port.ts'
import {
  errno,
  faultyFiles,
  harness,
  note,
  removeDirectories,
  storedRecords,
} from '../support/audit-harness.ts'
import { checkpoints, keySigner, newKey, rootOfRecords, verdict } from '../support/signed-log.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }
const RESERVE = 100_000

/** A log on a disk with `room` bytes, which files that are removed give back. */
async function onSmallDisk(room: number) {
  const log = harness()
  const { files, faults } = faultyFiles()
  const disk = { free: room }
  faults.write = (fd, bytes, start, end) => {
    const length = Math.min(end - start, disk.free)
    if (length === 0) throw errno('ENOSPC')
    disk.free -= length
    return systemFiles.write(fd, bytes, start, start + length)
  }
  faults.remove = (path) => {
    disk.free += systemFiles.status(path)?.size ?? 0
    systemFiles.remove(path)
  }
  faults.truncate = (fd, size) => {
    disk.free += systemFiles.statusOf(fd).size - size
    systemFiles.truncate(fd, size)
  }
  const key = newKey()
  const ledger = await log.open({ files, signer: keySigner(key), reserveBytes: RESERVE })
  return { ...log, disk, ledger, key }
}

describe('a full disk', () => {
  it('is recorded, then nothing is accepted until there is room for the reserve again', async () => {
    const { dir, disk, ledger, timers, events, key } = await onSmallDisk(RESERVE + 30_000)
    expect(existsSync(join(dir, 'reserve'))).toBe(true)
    const pad = 'x'.repeat(3000)
    let taken = 0
    for (let i = 0; i < 50 && ledger.healthy; i++) {
      await ledger.append({ type: 'decision', fields: { id: `r${i}`, pad } }, 'disk').then(
        () => (taken += 1),
        () => undefined,
      )
    }
    expect(taken).toBeGreaterThan(3)
    timers.fire()
    await until(() => storedRecords(dir).some(({ type }) => type === 'log.degraded'))
    await until(() => events.some(({ type }) => type === 'no-reserve'))
    expect(ledger.healthy).toBe(false)
    expect(existsSync(join(dir, 'reserve'))).toBe(false)
    await expect(ledger.append(note('no'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    expect(await ledger.probe()).toBe(false)
    const [degraded] = storedRecords(dir).filter(({ type }) => type === 'log.degraded')
    expect(degraded).toMatchObject({ operation: 'write', code: 'ENOSPC' })

    disk.free = 1_000_000
    expect(await ledger.probe()).toBe(true)
    expect(existsSync(join(dir, 'reserve'))).toBe(true)
    await ledger.append(note('again'), 'disk')
    await ledger.close()
    const records = storedRecords(dir)
    expect(records.filter(({ type }) => type === 'log.degraded')).toHaveLength(2)
    // The last record that was tried may be whole although its write failed: never the other way.
    expect(records.filter(({ pad: found }) => found !== undefined).length).toBeGreaterThanOrEqual(
      taken,
    )
    expect(await verdict(dir, [key])).toBe('gaps')
    const last = checkpoints(dir, [key]).at(-1)
    expect(last?.size).toBe(records.length)
    expect(last?.root).toEqual(rootOfRecords(dir, records.length))
  }, 20_000)

  it('at the start lets the log be written without a reserve, and is told', async () => {
    const { dir, ledger, events } = await onSmallDisk(20_000)
    expect(events).toContainEqual(expect.objectContaining({ type: 'no-reserve' }))
    expect(existsSync(join(dir, 'reserve'))).toBe(false)
    await ledger.append(note('a'), 'disk')
    await ledger.close()
  })
})

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !done(); i++) await new Promise(setImmediate)
  expect(done()).toBe(true)
}
