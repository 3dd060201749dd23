import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { verifyChain } from '../../support/verify-chain.ts'
import { harness, note, removeDirectories, storedRecords } from '../../support/audit-harness.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }
const alive = { pid: 7, host: 'here', isAlive: () => true }

describe('the lock of a log', () => {
  it('keeps a second writer out while the first lives', async () => {
    const { dir, open } = harness()
    const first = await open({ owner: alive })
    await expect(open({ owner: { ...alive, pid: 8 } })).rejects.toThrow(/here process 7 is writing/)
    await first.append(note('r1'), 'disk')
    await first.close()
    expect(existsSync(join(dir, 'lock'))).toBe(false)
    await (await open({ owner: { ...alive, pid: 8 } })).close()
  })

  it('keeps a writer on another machine out, whatever its process id', async () => {
    const { open } = harness()
    const first = await open({ owner: alive })
    const elsewhere = { pid: 7, host: 'there', isAlive: () => false }
    await expect(open({ owner: elsewhere })).rejects.toMatchObject(UNAVAILABLE)
    await first.close()
  })

  it('is taken over from a dead process, and the takeover is recorded', async () => {
    const { dir, events, open } = harness()
    await open({ owner: { pid: 41, host: 'here', isAlive: () => true } })
    const second = await open({ owner: { pid: 42, host: 'here', isAlive: (pid) => pid !== 41 } })
    await second.close()
    expect(events).toContainEqual({ type: 'lock-taken-over', pid: 41, host: 'here' })
    expect(storedRecords(dir)[1]).toMatchObject({
      type: 'log.opened',
      takeover: { boot: 'boot-1', pid: 41, host: 'here' },
    })
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, boots: 2 })
  })

  it('is taken over by the next process 1 of the same container', async () => {
    const { open } = harness()
    const owner = { pid: 1, host: 'pod-0', isAlive: () => true }
    await open({ owner })
    await (await open({ owner })).close()
  })

  it('is taken over once its lease has run out, and the sleeper then writes nothing', async () => {
    const { dir, clock, events, open } = harness()
    const sleeper = await open({ owner: alive })
    clock.advance(31_000)
    const second = await open({ owner: { pid: 8, host: 'there', isAlive: () => true } })
    await expect(sleeper.append(note('late'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    expect(sleeper.healthy).toBe(false)
    expect(await sleeper.probe()).toBe(false)
    expect(events).toContainEqual(expect.objectContaining({ type: 'failed', operation: 'lock' }))
    await expect(sleeper.close()).rejects.toMatchObject(UNAVAILABLE)
    await second.append(note('r1'), 'disk')
    await second.close()
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, records: 4 })
  })

  it('is renewed while its holder lives', async () => {
    const { clock, timers, open } = harness()
    const first = await open({ owner: alive })
    for (let i = 0; i < 60; i++) {
      clock.advance(1000)
      timers.fire()
    }
    const other = { pid: 8, host: 'there', isAlive: () => false }
    await expect(open({ owner: other })).rejects.toMatchObject(UNAVAILABLE)
    expect(first.healthy).toBe(true)
    await first.close()
  })

  it('that is half written belongs to nobody once its lease has run out', async () => {
    const { dir, clock, open } = harness()
    await (await open()).close()
    writeFileSync(join(dir, 'lock'), '{"boot":"b')
    clock.wall = Date.now()
    await expect(open()).rejects.toThrow(/someone is writing/)
    clock.wall = Date.now() + 31_000
    const ledger = await open()
    expect(JSON.parse(readFileSync(join(dir, 'lock'), 'utf8'))).toMatchObject({ host: 'here' })
    await ledger.close()
  })
})
