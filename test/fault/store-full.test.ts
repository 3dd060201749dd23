/** No room for the embedded store (threats §2.L 379). */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { appendTill, readAll } from '../support/journal-contract.ts'
import { openStoreAt } from '../support/opened-store.ts'
import { startWorker } from '../support/workers.ts'

const KIBIBYTES = 1_024

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-full-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('a folder without room refuses, keeps what was acknowledged, and goes on when there is room', async () => {
  const worker = await startWorker('store-filler.ts', [dir], KIBIBYTES)
  worker.begin()
  const said = await worker.said
  const acknowledged = said.filter((line) => /^\d/.test(line))
  expect(acknowledged.length).toBeGreaterThan(20)
  expect(said.slice(acknowledged.length)).toEqual([
    'refused ERR_STORE_UNAVAILABLE',
    'refused ERR_STORE_UNAVAILABLE',
    `read ${acknowledged.length}`,
  ])
  expect((await stat(join(dir, 'state.mdb'))).size).toBeLessThanOrEqual(KIBIBYTES * 1_024)

  const store = await openStoreAt(dir, 'mg')
  const found = (await readAll(store.journal)).map(
    ({ text, seq }) => `${text.split(' ')[0]} ${seq}`,
  )
  expect(found).toEqual(acknowledged)
  expect(await appendTill(store.journal, 'with room again')).toBe(acknowledged.length + 1)
  await store.close()
}, 120_000)
