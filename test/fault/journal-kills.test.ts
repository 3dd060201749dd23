import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { acknowledgedBy, expectWhole, startAppender } from '../support/appenders.ts'
import { appendTill, readAll } from '../support/journal-contract.ts'
import { openStoreAt } from '../support/opened-store.ts'

const ROUNDS = 10
const AT_ONCE = 3

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-journal-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

// Threats §2.L 364.
it('a folder has all that was acknowledged after 30 writers were killed, and goes on', async () => {
  const store = await openStoreAt(dir, 'mg')
  const acknowledged = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    const names = Array.from({ length: AT_ONCE }, (_, i) => `${round}-${i}`)
    const writers = await Promise.all(names.map((name) => startAppender(dir, name, 0)))
    for (const writer of writers) writer.begin()
    // Each at another moment: after its first answer, or some answers later.
    for (const [i, writer] of writers.entries()) {
      await writer.saidSome(1 + ((round * 7 + i * 3) % 11))
      writer.kill()
    }
    for (const [name, seq] of await acknowledgedBy(writers)) acknowledged.set(name, seq)
    expectWhole(await readAll(store.journal), acknowledged)
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(ROUNDS * AT_ONCE)
  const { seq } = await store.journal.head()
  expect(await appendTill(store.journal, 'after all')).toBe(seq + 1)
  await store.close()
  const again = await openStoreAt(dir, 'mg')
  const entries = await readAll(again.journal)
  await again.close()
  expect(entries.at(-1)?.text).toBe('after all')
  expectWhole(entries.slice(0, -1), acknowledged)
}, 180_000)
