import { createHash } from 'node:crypto'
import { linkSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { verifyChain } from '../../support/verify-chain.ts'
import {
  harness,
  note,
  removeDirectories,
  segmentNames,
  storedRecords,
  tamper,
  type Harness,
} from '../../support/audit-harness.ts'

afterAll(removeDirectories)

const SEGMENT = '0000000000000000.jsonl'

/** A log of `count` decisions that was closed well. */
async function written(count = 5, more = {}): Promise<Harness> {
  const log = harness()
  const ledger = await log.open(more)
  for (let i = 0; i < count; i++) await ledger.append(note(`r${i}`), 'kernel')
  await ledger.close()
  return log
}

describe('opening a log after a crash', () => {
  it('moves a half-written line aside, keeps its bytes, and says so', async () => {
    const { dir, events, open } = await written()
    const torn = '{"v":1,"log":"test/aud'
    tamper(dir, (bytes) => Buffer.concat([bytes, Buffer.from(torn)]))
    await (await open()).close()
    const file = join(dir, 'seg', `${SEGMENT}.torn`)
    expect(readFileSync(file, 'utf8')).toBe(torn)
    const [opened, recovered] = storedRecords(dir).slice(-3)
    expect(opened).toMatchObject({ type: 'log.opened', previous: { seq: 6 } })
    const sha256 = createHash('sha256').update(torn).digest('hex')
    expect(recovered).toMatchObject({ type: 'log.recovered', bytes: torn.length, sha256, file })
    expect(events).toContainEqual({ type: 'torn', file, bytes: torn.length })
    expect(await verifyChain({ dir })).toMatchObject({ intact: true, records: 10 })
  })

  it('treats a whole record without its newline as torn: nobody was told it is there', async () => {
    const { dir, open } = await written()
    tamper(dir, (bytes) => bytes.subarray(0, -1))
    await (await open()).close()
    expect(storedRecords(dir).filter(({ type }) => type === 'log.closed')).toHaveLength(1)
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
    tamper(dir, (bytes) => Buffer.concat([bytes, Buffer.alloc(1_000_000)]))
    await (await open()).close()
    expect(segmentNames(dir)).toEqual([SEGMENT, `${SEGMENT}.torn`, `${SEGMENT}.torn.1`])
  })

  it('starts over a segment into which nothing got', async () => {
    const { dir, open } = await written(5, { segmentBytesMax: 200 })
    tamper(dir, () => Buffer.from('{"v":1,'))
    const before = segmentNames(dir)
    await (await open({ segmentBytesMax: 200 })).close()
    expect(segmentNames(dir)).toEqual(expect.arrayContaining([...before, `${before.at(-1)}.torn`]))
    expect(await verifyChain({ dir })).toMatchObject({ intact: true })
  })

  it('refuses a log whose chain is broken, naming file and line', async () => {
    const { dir, open } = await written()
    const path = tamper(dir, (bytes) => Buffer.from(bytes.toString().replace('"r2"', '"rX"')))
    await expect(open()).rejects.toMatchObject({
      code: 'ERR_AUDIT_UNAVAILABLE',
      message: expect.stringContaining(`${path}:5: chain:`),
    })
    // It did not keep the lock, and refuses again.
    await expect(open()).rejects.toThrow(/:5: chain:/)
  })

  it('refuses a last record that is no record, and lines out of order', async () => {
    const closed = await written()
    tamper(closed.dir, (bytes) => Buffer.concat([bytes.subarray(0, -3), Buffer.from('x}\n')]))
    await expect(closed.open()).rejects.toThrow(/:7: grammar:/)
    const order = await written()
    tamper(order.dir, (bytes) => {
      const lines = bytes.toString().split('\n')
      return Buffer.from([lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n'))
    })
    await expect(order.open()).rejects.toThrow(/:2: sequence: record 2 where 1 belongs/)
  })

  it('verifies no more than the end of a large segment, and still counts its lines', async () => {
    const { dir, open } = harness()
    const ledger = await open({ segmentBytesMax: 100 * 1024 * 1024 })
    const pad = Array.from({ length: 13 }, () => 'p'.repeat(4000))
    for (let i = 0; i < 900; i++) {
      ledger.appendNow({ type: 'decision', fields: { id: `r${i}`, pad } })
    }
    await ledger.close()
    const path = tamper(dir, (bytes) => {
      bytes[bytes.indexOf('"r10"') + 1] = 0x58
      return bytes
    })
    await (await open({ segmentBytesMax: 100 * 1024 * 1024 })).close()
    expect(await verifyChain({ dir })).toMatchObject({ fault: { class: 'chain', line: 13 } })
    tamper(dir, (bytes) => {
      bytes[bytes.indexOf('"r800"') + 1] = 0x58
      return bytes
    })
    await expect(open()).rejects.toThrow(`${path}:803: chain:`)
  })
})

describe('the files of a log', () => {
  it('are refused when they are links, have two names, or are named for another record', async () => {
    const link = await written()
    const path = join(link.dir, 'seg', SEGMENT)
    renameSync(path, join(dirname(link.dir), 'elsewhere'))
    symlinkSync(join(dirname(link.dir), 'elsewhere'), path)
    await expect(link.open()).rejects.toThrow(/is not a regular file/)
    const twice = await written()
    linkSync(join(twice.dir, 'seg', SEGMENT), join(dirname(twice.dir), 'other-name'))
    await expect(twice.open()).rejects.toThrow(/has 2 names/)
    const renamed = await written()
    renameSync(
      join(renamed.dir, 'seg', SEGMENT),
      join(renamed.dir, 'seg', '0000000000000007.jsonl'),
    )
    await expect(renamed.open()).rejects.toThrow(/:1: segment: the file begins with record 0/)
  })
})
