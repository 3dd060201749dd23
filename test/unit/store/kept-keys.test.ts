import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { USES_BATCH_MAX, USES_MAX } from '../../../gateway/domain/journal.ts'
import { openLmdbValues, type LmdbValues } from '../../../gateway/store/embedded/lmdb-values.ts'
import { createLocalJournal } from '../../../gateway/store/journal/local-journal.ts'
import { appendTill, readAll } from '../../support/journal-contract.ts'

let dir: string
let values: LmdbValues
let now = 1_700_000_000_000
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-values-'))
  values = await openLmdbValues({ dir, now: () => now, timeoutMs: 20_000 })
})
afterEach(async () => {
  await values.close()
  await rm(dir, { recursive: true, force: true })
})

/** Keys that are in the file, over or not. */
async function keysThere(prefix: string): Promise<number> {
  const before = now
  now = 0
  const count = await values.transact(false, (tx) => [...tx.entries(prefix)].length)
  now = before
  return count
}

describe('the file of the embedded store', () => {
  it('loses what is over, on both sides of the journal, and nothing of the journal', async () => {
    const journal = createLocalJournal(values, () => now)
    for (let i = 0; i < 30; i++) await appendTill(journal, `${i}`)
    await journal.cursor('webhooks', 7)
    await values.transact(false, (tx) => {
      for (let i = 0; i < 100; i++) {
        tx.put(`g${i}`, 'over soon', now + 1_000)
        tx.put(`w${i}`, 'over soon', now + 1_000)
      }
    })
    expect([await keysThere('g'), await keysThere('w')]).toEqual([100, 100])
    now += 1_000
    for (let i = 0; i < 200; i++) {
      await values.transact(false, (tx) => tx.put('z', i, now + 1_000))
    }
    expect([await keysThere('g'), await keysThere('w')]).toEqual([0, 0])
    now += 1_000 * 86_400_000
    for (let i = 0; i < 100; i++) {
      await values.transact(false, (tx) => tx.put('z', i, now + 1_000))
    }
    expect(await readAll(journal)).toHaveLength(30)
    expect(await journal.cursor('webhooks')).toBe(7)
  })

  it('never has many more uses than are kept, and those are the latest', async () => {
    const journal = createLocalJournal(values, () => now)
    const total = USES_MAX + 25_000
    for (let first = 0; first < total; first += USES_BATCH_MAX) {
      const uses = Array.from({ length: USES_BATCH_MAX }, (_, i) => {
        return { privilege: `p${first + i}`, at: now + first + i }
      })
      await journal.noteUses(uses)
      if (first % 10_000 === 0 && first >= USES_MAX) {
        expect(await keysThere('u')).toBeLessThanOrEqual(USES_MAX + 10_000)
      }
    }
    expect(await keysThere('u')).toBeLessThanOrEqual(USES_MAX + 10_000)
    const uses = await journal.uses()
    expect(uses).toHaveLength(USES_MAX)
    expect(Math.min(...uses.map(({ at }) => at))).toBe(now + total - USES_MAX)
  }, 120_000)
})

describe('a transaction that fails on its way', () => {
  it('leaves nothing of what it put, and the next ones are whole', async () => {
    await values.transact(true, (tx) => tx.put('j1', 'before', now + 1_000))
    const half = values.transact(true, (tx) => {
      tx.put('j1', 'half', now + 1_000)
      tx.put('j2', 'half', now + 1_000)
      throw new Error('not whole')
    })
    await expect(half).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await values.transact(true, (tx) => tx.put('j3', 'after', now + 1_000))
    expect(await values.read((tx) => ['j1', 'j2', 'j3'].map((key) => tx.get(key)))).toEqual([
      'before',
      undefined,
      'after',
    ])
  })
})
