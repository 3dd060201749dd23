import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { acknowledgedBy, expectWhole, startAppender } from '../support/appenders.ts'
import { startClaimer } from '../support/claimers.ts'
import { readAll } from '../support/journal-contract.ts'
import { openStoreAt } from '../support/opened-store.ts'
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

/** Four processes append at once, 75 times each. */
async function appendAtOnce(where: string): Promise<void> {
  const names = ['a', 'b', 'c', 'd']
  const appenders = await Promise.all(names.map((name) => startAppender(where, name, 75)))
  for (const appender of appenders) appender.begin()
  const acknowledged = await acknowledgedBy(appenders)
  expect(acknowledged.size).toBe(300)
  const store = await openStoreAt(where, 'mg')
  const entries = await readAll(store.journal)
  await store.close()
  expect(entries).toHaveLength(900)
  expectWhole(entries, acknowledged)
}

it('over Redis, four processes that append at once leave one order without gaps', async () => {
  await appendAtOnce(redis.url)
}, 60_000)

it('in a folder, four processes that append at once leave one order without gaps', async () => {
  await appendAtOnce(join(dir, 'journal'))
}, 120_000)
