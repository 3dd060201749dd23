import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { scanRecords, type ScanOptions } from '../../../gateway/audit/read/scan.ts'
import { harness, note, removeDirectories, segmentNames } from '../../support/audit-harness.ts'

afterAll(removeDirectories)

async function idsIn(dir: string, more: Partial<ScanOptions> = {}): Promise<unknown[]> {
  const ids: unknown[] = []
  for await (const { id } of scanRecords(dir, { type: 'decision', ...more })) ids.push(id)
  return ids
}

describe('scanning a log', () => {
  it('gives the records of one type in order, over all segments', async () => {
    const { dir, open } = harness()
    const ledger = await open({ segmentBytesMax: 1500 })
    const ids = Array.from({ length: 20 }, (_, i) => `r${i}`)
    for (const id of ids) {
      await ledger.append(note(id), 'kernel')
      ledger.appendNow({ type: 'outcome', fields: { id, quoted: '"type":"decision"' } })
    }
    await ledger.close()
    expect(segmentNames(dir).length).toBeGreaterThan(1)
    expect(await idsIn(dir)).toEqual(ids)
    expect(await idsIn(dir, { since: Date.now() + 1e12 })).toEqual([])
    expect(await idsIn(dir, { until: 0 })).toEqual([])
  })

  it('says which lines are no records, but not of one that is being written', async () => {
    const { dir, open } = harness()
    await (await open()).close()
    const path = join(dir, 'seg', segmentNames(dir)[0] ?? '')
    appendFileSync(path, '{"type":"decision",\nhello\n{"type":"decision","id":"ok"}\n{"type":"dec')
    const told: unknown[] = []
    const ids = await idsIn(dir, { onUnreadable: ({ line }) => void told.push(line) })
    expect(ids).toEqual(['ok'])
    expect(told).toEqual([3, 4])
  })
})
