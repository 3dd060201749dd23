import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from '@jest/globals'
import type { SyncDone } from '../../gateway/audit/files/file-port.ts'
import { systemFiles } from '../../gateway/audit/files/file-port.ts'
import { createKeySigner } from '../../gateway/audit/signing/signer-port.ts'
import { readLog } from '../kills/read-log.ts'
import {
  errno,
  faultyFiles,
  harness,
  note,
  removeDirectories,
  storedRecords,
} from '../support/audit-harness.ts'
import { newSigner } from '../support/tree-log.ts'

afterAll(removeDirectories)

const key = newSigner('test/audit/n1')
const signer = createKeySigner([key])

async function started() {
  const log = harness()
  const faulty = faultyFiles()
  const ledger = await log.open({ files: faulty.files, signer })
  return { ...log, ...faulty, ledger }
}

describe('a disk that is slow', () => {
  it('holds back who waits for it, and nobody else; one sync serves all of them', async () => {
    const { dir, faults, ledger } = await started()
    const waiting: (() => void)[] = []
    faults.sync = (fd, done: SyncDone) => void waiting.push(() => systemFiles.sync(fd, done))
    let answered = 0
    const privileged: Promise<unknown>[] = []
    for (let turn = 0; turn < 50; turn++) {
      privileged.push(ledger.append(note(`d${turn}`), 'disk').then(() => answered++))
      await ledger.append(note(`k${turn}`), 'kernel')
    }
    expect([answered, waiting.length]).toEqual([0, 1])
    delete faults.sync
    waiting[0]?.()
    await Promise.all(privileged)
    await ledger.close()
    const found = readLog(dir, key.verifier)
    expect(found).toMatchObject({ faults: [], tornBytes: 0 })
    expect(found.signedSize).toBe(storedRecords(dir).length)
  })
})

describe('a file system that becomes read-only', () => {
  it('refuses everything, and costs nothing that was taken before or after', async () => {
    const { dir, faults, ledger, clock } = await started()
    await ledger.append(note('before'), 'disk')
    const refuse = () => {
      throw errno('EROFS')
    }
    const all = ['write', 'openAppend', 'rename', 'remove', 'makeDirectory', 'touch'] as const
    for (const name of all) faults[name] = refuse
    for (const durability of ['kernel', 'disk'] as const) {
      await expect(ledger.append(note('lost'), durability)).rejects.toMatchObject({
        code: 'ERR_AUDIT_UNAVAILABLE',
      })
    }
    expect(await ledger.probe()).toBe(false)
    for (const name of all) Reflect.deleteProperty(faults, name)
    clock.advance(60_000)
    expect(await ledger.probe()).toBe(true)
    await ledger.append(note('after'), 'disk')
    await ledger.close()
    const found = readLog(dir, key.verifier)
    expect(found).toMatchObject({ faults: [], tornBytes: 0 })
    expect([...found.seqOf.keys()]).toEqual(['before', 'after'])
  })
})

describe('a clock that is set back', () => {
  it('is recorded, and neither order, lock nor signatures suffer', async () => {
    const { dir, clock, timers, ledger } = await started()
    await ledger.append(note('noon'), 'disk')
    clock.wall -= 3_600_000
    await ledger.append(note('eleven'), 'disk')
    for (let second = 0; second < 40; second++) {
      clock.advance(1_000)
      timers.fire()
      await nextTurn()
    }
    await ledger.append(note('later'), 'disk')
    expect(ledger.healthy).toBe(true)
    await ledger.close()
    const records = storedRecords(dir)
    const types = records.filter(({ type }) => type !== 'heartbeat').map(({ type }) => type)
    const decisions = ['decision', 'clock.step', 'decision', 'decision']
    expect(types).toEqual(['log.opened', ...decisions, 'log.closed'])
    expect(records.find(({ type }) => type === 'clock.step')).toMatchObject({ ms: -3_600_000 })
    expect(readLog(dir, key.verifier)).toMatchObject({ faults: [], tornBytes: 0 })
  })
})
