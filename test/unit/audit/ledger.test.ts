import { chmodSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { leafHash } from '../../../gateway/audit/line/record.ts'
import { verifyChain } from '../../support/verify-chain.ts'
import {
  faultyFiles,
  harness,
  newDirectory,
  note,
  removeDirectories,
  segmentNames,
  storedRecords,
} from '../../support/audit-harness.ts'

afterAll(removeDirectories)

const UNAVAILABLE = { code: 'ERR_AUDIT_UNAVAILABLE' }

describe('an open ledger', () => {
  it('opens with what runs and what it found, and closes with a record', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    await ledger.append(note('r1'), 'kernel')
    await ledger.close()
    const again = await open()
    await again.close()
    const types = storedRecords(dir).map(({ type }) => type)
    expect(types).toEqual(['log.opened', 'decision', 'log.closed', 'log.opened', 'log.closed'])
    const [first, , closed, second] = storedRecords(dir)
    expect(first).toMatchObject({ seq: 0, boot: 'boot-1', previous: null, pid: 1001, host: 'here' })
    expect(first).toMatchObject({ versions: { node: 'v20.19.0' } })
    const lines = readFileSync(join(dir, 'seg', '0000000000000000.jsonl'), 'utf8').split('\n')
    expect(second).toMatchObject({
      previous: { seq: closed?.['seq'], hash: leafHash(lines[2] ?? '') },
      prev: leafHash(lines[2] ?? ''),
    })
    expect(await verifyChain({ dir, anchors: [again.head()] })).toMatchObject({
      intact: true,
      boots: 2,
      unanchored: 0,
    })
  })

  it('writes in the order of the calls, whatever their durability', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    const waits = [ledger.append(note('a'), 'disk'), ledger.append(note('b'), 'kernel')]
    ledger.appendNow(note('c'))
    waits.push(ledger.append(note('d'), 'disk'))
    await Promise.all(waits)
    await ledger.close()
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['a', 'b', 'c', 'd'])
  })

  it('hands all records of one turn to the kernel in one write, and shares one sync', async () => {
    const { open } = harness()
    const { files, calls } = faultyFiles()
    const written: unknown[] = []
    const onWrite = (types: ReadonlyMap<string, number>) => written.push(Object.fromEntries(types))
    const ledger = await open({ files, onWrite })
    calls.length = 0
    await Promise.all(Array.from({ length: 100 }, (_, i) => ledger.append(note(`${i}`), 'disk')))
    expect(calls.filter((name) => name === 'write')).toHaveLength(1)
    expect(calls.filter((name) => name === 'sync')).toHaveLength(1)
    expect(written).toEqual([{ 'log.opened': 1 }, { decision: 100 }])
    await ledger.close()
  })

  it('rotates by size without a gap', async () => {
    const { dir, events, open } = harness()
    const ledger = await open({ segmentBytesMax: 2000 })
    for (let i = 0; i < 30; i++) await ledger.append(note(`r${i}`), i % 3 === 0 ? 'disk' : 'kernel')
    await ledger.close()
    const names = segmentNames(dir)
    expect(names.length).toBeGreaterThan(3)
    expect(events.filter(({ type }) => type === 'rotated')).toHaveLength(names.length - 1)
    const report = await verifyChain({ dir, anchors: [ledger.head()] })
    expect(report).toMatchObject({ intact: true, segments: names.length, records: 32 })
    expect(lstatSync(join(dir, 'seg', names[1] ?? '')).mode & 0o777).toBe(0o600)
    expect(lstatSync(dir).mode & 0o777).toBe(0o700)
  })

  it('beats its heart when nothing happens, and only then', async () => {
    const { dir, clock, timers, open } = harness()
    const ledger = await open()
    const passSeconds = (count: number) => {
      for (let i = 0; i < count; i++) {
        clock.advance(1000)
        timers.fire()
      }
    }
    passSeconds(9)
    await ledger.append(note('r1'), 'kernel')
    passSeconds(9)
    await ledger.append(note('r2'), 'kernel')
    passSeconds(25)
    await ledger.close()
    const types = storedRecords(dir).map(({ type }) => type)
    expect(types.slice(3)).toEqual(['heartbeat', 'heartbeat', 'log.closed'])
  })

  it('records that the clock was set, and keeps counting', async () => {
    const { dir, clock, open } = harness()
    const ledger = await open()
    clock.wall -= 3_600_000
    await ledger.append(note('r1'), 'kernel')
    await ledger.append(note('r2'), 'kernel')
    await ledger.close()
    const [, step, first] = storedRecords(dir)
    expect(step).toMatchObject({ type: 'clock.step', ms: -3_600_000, seq: 1 })
    expect(first).toMatchObject({ id: 'r1', seq: 2 })
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, clockBackwards: 1 })
  })

  it('rejects a record that breaks the format, and nothing else', async () => {
    const { dir, open } = harness()
    const ledger = await open()
    const bad = ledger.append({ type: 'decision', fields: { seq: 1 } }, 'kernel')
    await expect(bad).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
    ledger.appendNow({ type: 'decision', fields: { prev: 'x' } })
    await ledger.append(note('r1'), 'kernel')
    expect(ledger.healthy).toBe(true)
    await ledger.close()
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, records: 3 })
  })

  it('rejects appends after it was closed, and closes once', async () => {
    const { timers, open } = harness()
    const ledger = await open()
    await Promise.all([ledger.close(), ledger.close()])
    await expect(ledger.append(note('late'), 'kernel')).rejects.toMatchObject(UNAVAILABLE)
    expect(ledger.healthy).toBe(false)
    expect(timers.due).toHaveLength(0)
  })
})

describe('the directory of a ledger', () => {
  it('is refused when it is a link, or when others may write to it', async () => {
    const dir = newDirectory()
    symlinkSync(dirname(dir), dir)
    await expect(harness(dir).open()).rejects.toMatchObject(UNAVAILABLE)
    const open = newDirectory()
    mkdirSync(open)
    chmodSync(open, 0o777)
    await expect(harness(open).open()).rejects.toThrow(/mode 0777 lets others write/)
  })

  it('is refused when it belongs to somebody else', async () => {
    const owner = { pid: 1, host: 'here', uid: 654_321, isAlive: () => false }
    await expect(harness().open({ owner })).rejects.toThrow(/belongs to uid/)
  })

  it('is refused for a log of another name', async () => {
    const { open } = harness()
    await (await open()).close()
    await expect(open({ log: 'other' })).rejects.toThrow(/origin: the record is of log test/)
    await expect(open({ log: 'not an origin' })).rejects.toMatchObject(UNAVAILABLE)
  })
})
