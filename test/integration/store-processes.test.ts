import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { startClaimer } from '../support/claimers.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

const TRIALS = 1_000

let redis: TestRedis
let dir: string
beforeAll(async () => {
  redis = await startRedis()
  dir = await mkdtemp(join(tmpdir(), 'modelgate-store-'))
})
afterAll(async () => {
  await redis.close()
  await rm(dir, { recursive: true, force: true })
})

/** Two processes go for the same grants; every grant is given, and none twice. */
async function contend(store: string): Promise<void> {
  const names = ['a', 'b']
  const claimers = await Promise.all(names.map((name) => startClaimer(store, name, TRIALS)))
  for (const claimer of claimers) claimer.begin()
  const given = (await Promise.all(claimers.map((claimer) => claimer.given))).flat()
  expect(given).toHaveLength(TRIALS)
  expect(new Set(given).size).toBe(TRIALS)
}

it('over Redis, of two processes exactly one is given each of 1,000 grants', async () => {
  await contend(redis.url)
}, 60_000)

it('in a folder, of two processes exactly one is given each of 1,000 grants', async () => {
  await contend(dir)
}, 60_000)
