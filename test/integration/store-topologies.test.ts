import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { freePort, startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/world-files.ts'

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function start(args: readonly string[]): Promise<TestRedis> {
  const redis = await startRedis(args)
  opened.push(() => redis.close())
  return redis
}

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

it('works over a cluster of three nodes', async () => {
  const nodes: TestRedis[] = []
  for (let i = 0; i < 3; i++) {
    const bus = String(await freePort())
    nodes.push(await start(['--cluster-enabled', 'yes', '--cluster-port', bus]))
    await nodes[i]?.command(
      'CLUSTER',
      'ADDSLOTSRANGE',
      ...[SLOTS[i]?.[0], SLOTS[i]?.[1]].map(String),
    )
    if (i > 0)
      await nodes[i]?.command(
        'CLUSTER',
        'MEET',
        '127.0.0.1',
        String(nodes[0]?.port),
        await busOf(nodes[0]),
      )
  }
  for (const node of nodes) {
    await until(
      'the cluster to be whole',
      async () => {
        const info = String(await node.command('CLUSTER', 'INFO'))
        return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
      },
      20_000,
    )
  }
  const store = connect(`redis+cluster://127.0.0.1:${nodes[0]?.port ?? 0}`)
  await store.whenUp()
  await used(store)
}, 60_000)

const SLOTS = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const

async function busOf(node: TestRedis | undefined): Promise<string> {
  const text = String(await node?.command('CLUSTER', 'NODES'))
  return /@(\d+)/.exec(text)?.[1] ?? ''
}

it('asks a sentinel for the master', async () => {
  const master = await start([])
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-sentinel-'))
  opened.push(() => rm(dir, { recursive: true, force: true }))
  const file = join(dir, 'sentinel.conf')
  await writeFile(file, `sentinel monitor mymaster 127.0.0.1 ${master.port} 1\n`)
  const sentinel = await startRedis([], file)
  opened.push(() => sentinel.close())
  const store = connect(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`)
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
