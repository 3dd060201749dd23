/** What signs fails, is slow, or cannot keep what it signed; another writes to the same log. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../gateway/audit/files/file-port.ts'
import { unavailable } from '../../gateway/audit/files/segments.ts'
import type { CheckpointSigner, SignAsk } from '../../gateway/audit/signing/signer-port.ts'
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
import { checkpoints, keySigner, newKey, published, rootOfTiles } from '../support/signed-log.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }

/** A signer that answers when it is told to. */
function heldSigner() {
  const key = newKey()
  const local = keySigner(key)
  const held: (() => void)[] = []
  const state = { isHeld: false, isBroken: false, asked: 0 }
  const signer: CheckpointSigner = {
    verifiers: local.verifiers,
    async sign(ask: SignAsk) {
      state.asked += 1
      if (state.isHeld) await new Promise<void>((resolve) => held.push(resolve))
      if (state.isBroken) throw unavailable('no signature')
      return local.sign(ask)
    },
  }
  return { key, signer, state, release: () => held.splice(0).forEach((go) => go()) }
}

describe('a signer that fails', () => {
  it('stops what must be on disk at once, and everything after a minute', async () => {
    const { open, clock, timers, events } = harness()
    const { signer, state } = heldSigner()
    const ledger = await open({ signer })
    state.isBroken = true
    await expect(ledger.append(note('a'), 'disk')).rejects.toMatchObject(UNAVAILABLE)
    await expect(ledger.append(note('b'), 'disk')).rejects.toMatchObject(UNAVAILABLE)
    await ledger.append(note('c'), 'kernel')
    expect(ledger.healthy).toBe(true)
    expect(events.filter(({ type }) => type === 'unsigned')).toHaveLength(1)
    clock.advance(60_000)
    timers.fire()
    expect(ledger.healthy).toBe(false)
    expect(await ledger.probe()).toBe(false)
    state.isBroken = false
    expect(await ledger.probe()).toBe(true)
    await ledger.append(note('d'), 'disk')
    await ledger.close()
  })

  it('signs one at a time, for all who wait', async () => {
    const { dir, open } = harness()
    const { key, signer, state, release } = heldSigner()
    const ledger = await open({ signer })
    state.isHeld = true
    const before = state.asked
    const first = ledger.append(note('a'), 'disk')
    await until(() => state.asked === before + 1)
    const rest = ['b', 'c', 'd'].map((id) => ledger.append(note(id), 'disk'))
    await ledger.append(note('e'), 'kernel')
    state.isHeld = false
    release()
    await Promise.all([first, ...rest])
    expect(state.asked).toBeLessThanOrEqual(before + 3)
    await ledger.close()
    expect(checkpoints(dir, [key]).at(-1)?.size).toBe(7)
  })

  it('at the start keeps the log from being opened', async () => {
    const { open } = harness()
    const { signer, state } = heldSigner()
    state.isBroken = true
    await expect(open({ signer })).rejects.toThrow(/no signature/)
  })
})

describe('checkpoints.log', () => {
  it('that cannot be written stops what must be on disk, and is whole afterwards', async () => {
    const { dir, open } = harness()
    const { files, faults } = faultyFiles()
    const key = newKey()
    const ledger = await open({ files, signer: keySigner(key) })
    faults.write = (fd, bytes, start, end) => {
      const text = Buffer.from(bytes.subarray(start, end)).toString()
      if (!text.startsWith('test/audit/n1\n')) return systemFiles.write(fd, bytes, start, end)
      systemFiles.write(fd, bytes, start, start + 20)
      throw errno('EIO')
    }
    await expect(ledger.append(note('a'), 'disk')).rejects.toMatchObject(UNAVAILABLE)
    delete faults.write
    await ledger.append(note('b'), 'disk')
    await ledger.close()
    expect(checkpoints(dir, [key]).map(({ size }) => size)).toEqual([1, 3, 4])
  })

  it('that was cut or changed under the writer is noticed', async () => {
    const { dir, open } = harness()
    const ledger = await open({ signer: keySigner(newKey()) })
    const path = join(dir, 'checkpoints.log')
    const text = readFileSync(path)
    writeFileSync(path, text.subarray(0, 10))
    await expect(ledger.append(note('a'), 'disk')).rejects.toThrow(/was changed|was cut/)
    await expect(ledger.append(note('b'), 'disk')).rejects.toThrow(/was cut/)
    await expect(ledger.close()).rejects.toMatchObject(UNAVAILABLE)
  })
})

describe('tiles that cannot be written', () => {
  it('wait, and no record does', async () => {
    const { dir, open, events } = harness()
    const { files, faults } = faultyFiles()
    const key = newKey()
    const ledger = await open({ files, signer: keySigner(key) })
    faults.makeDirectory = () => {
      throw errno('EIO')
    }
    rmSync(join(dir, 'tile'), { recursive: true })
    for (let i = 0; i < 1000; i++) ledger.appendNow(note(`r${i}`))
    await ledger.append(note('last'), 'disk')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'unsigned', operation: 'publish' }),
    )
    delete faults.makeDirectory
    await ledger.close()
    const { size, root } = published(dir, [key])
    expect(rootOfTiles(dir, size)).toEqual(root)
  })
})

describe('a second writer', () => {
  it('is noticed by the bytes it wrote, before anything is added to them', async () => {
    const { dir, open } = harness()
    const ledger = await open({ signer: keySigner(newKey()) })
    await ledger.append(note('a'), 'disk')
    const path = join(dir, 'seg', segmentNames(dir)[0] ?? '')
    appendFileSync(path, '{"v":1}\n')
    await expect(ledger.append(note('b'), 'kernel')).rejects.toThrow(/somebody else has written/)
    expect(await ledger.probe()).toBe(false)
    expect(readFileSync(path, 'utf8').endsWith('{"v":1}\n')).toBe(true)
    await expect(ledger.close()).rejects.toMatchObject(UNAVAILABLE)
  })

  it('that removed the lock gets the log only once the first has noticed', async () => {
    const { dir, open, clock, timers } = harness()
    const first = await open()
    await first.append(note('a'), 'kernel')
    rmSync(join(dir, 'lock'))
    const opening = open({ outwaitMs: 50 })
    clock.advance(1000)
    timers.fire()
    expect(first.healthy).toBe(false)
    await expect(first.append(note('b'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    const second = await opening
    await second.append(note('c'), 'disk')
    expect(await first.probe()).toBe(false)
    await second.close()
    // The lock is free again, but the log went on without the first.
    expect(await first.probe()).toBe(false)
    await expect(first.close()).rejects.toMatchObject(UNAVAILABLE)
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['a', 'c'])
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('does not get a lock that was removed and that its holder has put back', async () => {
    const { dir, open, clock, timers } = harness()
    const owner = { pid: 7, host: 'here', isAlive: () => true }
    const first = await open({ owner })
    rmSync(join(dir, 'lock'))
    clock.advance(1000)
    timers.fire()
    await expect(open({ owner: { ...owner, pid: 8 } })).rejects.toThrow(/is writing this log/)
    await first.append(note('a'), 'disk')
    await first.close()
  })
})

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !done(); i++) await new Promise(setImmediate)
  expect(done()).toBe(true)
}
