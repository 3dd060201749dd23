import { afterEach, expect, it } from '@jest/globals'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { startCluster, startSentinel, type Topology } from '../support/redis-topologies.ts'
import { until } from '../support/world-files.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function connect(url: string): RedisStore {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 2_000, connectTimeoutMs: 2_000 }
  const store = createRedisStore({ target, prefix: 'mg', ...limits })
  opened.push(() => store.close())
  return store
}

async function used(store: RedisStore): Promise<void> {
  const asks = Array.from({ length: 30 }, (_, i) => ({
    ...{ key: `k${i}`, windowMs: 60_000, max: 5, amount: 3 },
  }))
  const first = await store.lease(asks)
  const second = await store.lease(asks)
  expect(first.every(({ granted }) => granted === 3)).toBe(true)
  expect(second.every(({ granted }) => granted === 2)).toBe(true)
  await store.lock('user:a', 60_000, 'd')
  expect(await store.lockouts()).toHaveLength(1)
}

async function begin<T extends Topology>(starting: Promise<T>): Promise<T> {
  const topology = await starting
  opened.push(() => topology.close())
  return topology
}

it('works over a cluster of three nodes', async () => {
  const { url } = await begin(startCluster())
  const store = connect(url)
  await store.whenUp()
  await used(store)
}, 60_000)

it('asks a sentinel for the master', async () => {
  const { url, master } = await begin(startSentinel())
  const store = connect(url)
  await store.whenUp()
  await used(store)
  await master.restart()
  await until(
    'the store to be up',
    async () => {
      await store.lockouts().catch(() => undefined)
      return store.healthy
    },
    20_000,
  )
}, 60_000)
