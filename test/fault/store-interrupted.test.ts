import { afterEach, expect, it } from '@jest/globals'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { judgeVersion } from '../../gateway/store/redis/version.ts'
import { readAll } from '../support/journal-contract.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/world-files.ts'

/** What Redis acknowledged is there after it was killed. */
const KEPT = ['--appendonly', 'yes', '--appendfsync', 'always'] as const
const CLAIM = { grant: 'g', usesMax: 1, ttlMs: 60_000, expiresAt: Date.now() + 600_000 }
const UNAVAILABLE = { code: 'ERR_STORE_UNAVAILABLE' }

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function start(): Promise<TestRedis> {
  const redis = await startRedis(KEPT)
  opened.push(() => redis.close())
  return redis
}

async function connect(redis: TestRedis, warnings: string[] = []): Promise<RedisStore> {
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const store = createRedisStore({
    ...{ target, prefix: 'mg', commandTimeoutMs: 500, connectTimeoutMs: 1_000 },
    onEvent(event) {
      if (event.type === 'warning') warnings.push(event.message)
    },
  })
  opened.push(() => store.close())
  await store.whenUp()
  return store
}

// Threats §2.L 364: Redis is killed after the decision was read and before the use is taken.
it('a use that Redis died on is taken once, whether its answer came or not', async () => {
  const redis = await start()
  const store = await connect(redis)
  for (let round = 0; round < 6; round += 1) {
    const grant = `g${round}`
    // Standing still, it takes the claim in and answers nobody; every other time it goes on with it.
    redis.signal('SIGSTOP')
    const claim = { ...CLAIM, grant, transfer: 't', attempt: 'a' }
    const asked = store.claim(claim)
    if (round % 2 === 0) redis.signal('SIGKILL')
    await expect(asked).rejects.toMatchObject(UNAVAILABLE)
    if (round % 2 === 0) await redis.restart()
    else redis.signal('SIGCONT')
    const isUp = () =>
      store.claim({ ...CLAIM, grant: 'up', usesMax: 1_000, transfer: 'u', attempt: `${round}` })
    await until(
      'Redis to be back',
      () =>
        isUp().then(
          () => true,
          () => false,
        ),
      15_000,
    )
    // The same attempt goes on, another one is too late, done or not.
    expect(await store.claim(claim)).toMatchObject({ granted: true })
    const other = { ...claim, transfer: 'other', attempt: 'b' }
    expect(await store.claim(other)).toEqual({ granted: false, why: 'spent' })
  }
}, 60_000)

// Threats §2.L 364.
it('an entry that Redis died on is in the journal once or not at all', async () => {
  const redis = await start()
  const { journal } = await connect(redis)
  const acknowledged: string[] = []
  for (let round = 0; round < 6; round += 1) {
    const head = await journal.head()
    const text = `entry ${round}`
    const before = await journal.append([`before ${round}`], head)
    if (before.appended) acknowledged.push(`before ${round}`)
    redis.signal('SIGSTOP')
    const asked = journal.append([text], { epoch: head.epoch, seq: head.seq + 1 })
    if (round % 2 === 0) redis.signal('SIGKILL')
    await expect(asked).rejects.toMatchObject(UNAVAILABLE)
    if (round % 2 === 0) await redis.restart()
    else redis.signal('SIGCONT')
    await until(
      'Redis to be back',
      () =>
        journal.head().then(
          () => true,
          () => false,
        ),
      15_000,
    )
    const texts = (await readAll(journal)).map((entry) => entry.text)
    expect(texts.filter((one) => one === text).length).toBeLessThanOrEqual(1)
    expect(texts.filter((one) => one.startsWith('before'))).toEqual(acknowledged)
  }
}, 60_000)

// Threats §2.L 377.
it('a Redis with known holes is named when it is reached, and used all the same', async () => {
  const redis = await start()
  const warnings: string[] = []
  const { journal } = await connect(redis, warnings)
  const info = String(await redis.command('INFO', 'server'))
  const version = /^redis_version:(\S+)$/m.exec(info.replaceAll('\r', ''))?.[1]
  expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  const { warning, refused } = judgeVersion(version)
  expect(refused).toBe(false)
  expect([...new Set(warnings)]).toEqual(warning === undefined ? [] : [warning])
  expect((await journal.head()).seq).toBe(0)
})
