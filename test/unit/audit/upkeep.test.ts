import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import type { LedgerOptions } from '../../../gateway/audit/ledger.ts'
import { verifyInclusion, inclusionProof, leafHashOf } from '../../../gateway/audit/tree/merkle.ts'
import { hashesOfTiles, tilePath } from '../../../gateway/audit/tree/tiles.ts'
import {
  harness,
  newDirectory,
  note,
  removeDirectories,
  segmentNames,
  storedRecords,
} from '../../support/audit-harness.ts'
import { keySigner, lineBytes, newKey, published, verdict } from '../../support/signed-log.ts'

afterAll(removeDirectories)

const HOUR = 3_600_000
const DAY = 24 * HOUR
const turn = () => new Promise(setImmediate)
const firstOf = (dir: string) => Number(segmentNames(dir)[0]?.slice(0, 16))

async function until(done: () => boolean): Promise<void> {
  for (let i = 0; i < 20_000 && !done(); i++) await turn()
  expect(done()).toBe(true)
}

/** A signed log in which an hour can pass. */
async function opened(more: Partial<LedgerOptions> = {}) {
  const log = harness()
  const key = newKey()
  const ledger = await log.open({ signer: keySigner(key), ...more })
  const pass = async (ms: number) => {
    log.clock.advance(ms)
    log.timers.fire()
    for (let i = 0; i < 200; i++) await turn()
  }
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) ledger.appendNow(note(`r${i}`))
    await ledger.append(note('last'), 'disk')
  }
  return { ...log, key, ledger, pass, write }
}

describe('a segment', () => {
  it('is left when its first record is older than it may be, also in a later run', async () => {
    const { dir, ledger, pass, write, open, clock, key } = await opened({ segmentAgeMs: DAY })
    await write(1)
    await pass(DAY - 1)
    await write(1)
    expect(segmentNames(dir)).toHaveLength(1)
    await pass(1)
    await write(1)
    expect(segmentNames(dir)).toHaveLength(2)
    await ledger.close()
    clock.advance(DAY)
    const again = await open({ signer: keySigner(key), segmentAgeMs: DAY })
    await again.close()
    expect(segmentNames(dir)).toHaveLength(3)
  })
})

describe('records older than they are kept', () => {
  const retention = { retentionMs: 2 * DAY, segmentAgeMs: HOUR }

  it('are removed, their hashes stay, and proofs of what is left still hold', async () => {
    const { dir, key, ledger, pass, write, events, open } = await opened(retention)
    for (let day = 0; day < 4; day++) {
      await write(400)
      await pass(DAY)
    }
    await write(1)
    await until(() => firstOf(dir) > 400)
    await ledger.close()
    const pruned = storedRecords(dir).filter(({ type }) => type === 'log.pruned')
    const first = firstOf(dir)
    expect(pruned.at(-1)).toMatchObject({ last: first - 1 })
    expect(events).toContainEqual(expect.objectContaining({ type: 'pruned' }))
    const again = await open({ signer: keySigner(key), ...retention })
    await again.append(note('more'), 'disk')
    await again.close()
    const { size, root } = published(dir, [key])
    const tileAt = (level: number, index: number) => {
      const path = join(dir, tilePath(level, index))
      const width = Math.floor(size / 256 ** level) - index * 256
      return readFileSync(existsSync(path) ? path : join(dir, tilePath(level, index, width)))
    }
    const leaf = leafHashOf(lineBytes(dir)[0] ?? Buffer.alloc(0))
    expect(await verdict(dir, [key])).toBe('intact')
    const proof = inclusionProof(first, size, hashesOfTiles(tileAt))
    expect(verifyInclusion({ index: first, size, leaf, proof, root })).toBe(true)
  })

  it('stay while somebody has not read them, and when too few are left to make the tree', async () => {
    let unread = 100
    const { dir, ledger, pass, write } = await opened({ ...retention, keepFrom: () => unread })
    await write(400)
    for (let day = 0; day < 5; day++) {
      await pass(DAY)
      await write(1)
    }
    expect(segmentNames(dir)[0]).toBe('0000000000000000.jsonl')
    unread = Infinity
    await pass(HOUR)
    // The first segment holds 402 records: the tree is made from tile 1 on, that is from 256.
    expect(segmentNames(dir)[0]).toBe('0000000000000000.jsonl')
    await write(200)
    await pass(HOUR)
    await until(() => firstOf(dir) > 400)
    await ledger.close()
  })

  it('stay for a day after the clock was set', async () => {
    const { dir, clock, ledger, pass, write } = await opened(retention)
    await write(600)
    await pass(HOUR)
    await write(300)
    clock.wall += 100 * DAY
    await pass(2 * HOUR)
    await pass(20 * HOUR)
    expect(segmentNames(dir)[0]).toBe('0000000000000000.jsonl')
    await pass(5 * HOUR)
    await pass(HOUR)
    await until(() => firstOf(dir) > 0)
    await ledger.close()
  })
})

describe('the manifest', () => {
  it('records the checkpoints of other logs hourly and at the end, and that one has shrunk', async () => {
    const other = harness()
    const key = newKey()
    await (await other.open({ signer: keySigner(key) })).close()
    const gone = newDirectory()
    const { dir, ledger, pass } = await opened({ manifest: [other.dir, gone] })
    await pass(HOUR)
    const path = join(other.dir, 'checkpoint')
    const before = readFileSync(path, 'utf8')
    await (await other.open({ signer: keySigner(key) })).close()
    await pass(HOUR)
    writeFileSync(path, before)
    await ledger.close()
    const manifests = storedRecords(dir).filter(({ type }) => type === 'manifest')
    const { size, root } = published(other.dir, [key])
    expect(manifests).toMatchObject([
      {
        logs: [
          { origin: 'test/audit/n1', size: 2, root: root.toString('base64'), note: before },
          { dir: gone, problem: 'no checkpoint' },
        ],
      },
      { logs: [{ size: 4, before: 2 }, {}] },
      { logs: [{ size, before: 4, problem: 'shorter than before' }, {}] },
    ])
    rmSync(other.dir, { recursive: true })
  })
})

describe('the reserve', () => {
  it('is made at the start in its full size, and anew when it has another', async () => {
    const { dir, ledger, open } = await opened({ reserveBytes: 300_000 })
    await ledger.close()
    expect(statSync(join(dir, 'reserve'))).toMatchObject({ size: 300_000 })
    await (await open({ reserveBytes: 70_000 })).close().catch(() => undefined)
    expect(statSync(join(dir, 'reserve')).size).toBe(70_000)
    expect(readdirSync(dir)).toContain('reserve')
  })
})
