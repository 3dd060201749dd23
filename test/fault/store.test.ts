import { afterEach, describe, expect, it } from '@jest/globals'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisEvent,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/world-files.ts'

const TIMEOUT_MS = 300

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function connect(url: string, events: RedisEvent[] = []): RedisStore {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const store = createRedisStore({
    target,
    prefix: 'mg',
    commandTimeoutMs: TIMEOUT_MS,
    connectTimeoutMs: 1_000,
    onEvent: (event) => void events.push(event),
  })
  opened.push(() => store.close())
  return store
}

async function start(args: readonly string[] = []): Promise<TestRedis> {
  const redis = await startRedis(args)
  opened.push(() => redis.close())
  return redis
}

async function both(): Promise<{ redis: TestRedis; store: RedisStore; events: RedisEvent[] }> {
  const redis = await start()
  const events: RedisEvent[] = []
  const store = connect(redis.url, events)
  await store.whenUp()
  return { redis, store, events }
}

const lease = (store: SharedStore, key = 'k') =>
  store.lease([{ key, windowMs: 60_000, max: 10, amount: 1 }])
const UNAVAILABLE = { code: 'ERR_STORE_UNAVAILABLE' }

async function timed(ask: Promise<unknown>): Promise<number> {
  const started = performance.now()
  await expect(ask).rejects.toMatchObject(UNAVAILABLE)
  return performance.now() - started
}

describe('a Redis that', () => {
  it('was killed is not waited for, and asked again when it is back', async () => {
    const { redis, store, events } = await both()
    const asks = Array.from({ length: 50 }, () => lease(store).catch((error: unknown) => error))
    redis.signal('SIGKILL')
    for (const answer of await Promise.all(asks)) {
      if (!Array.isArray(answer)) expect(answer).toMatchObject(UNAVAILABLE)
    }
    await until('the store to be down', async () => {
      await lease(store).catch(() => undefined)
      return !store.healthy
    })
    expect(await timed(lease(store))).toBeLessThan(TIMEOUT_MS / 2)
    await redis.restart()
    await until('the store to be up', () => store.healthy)
    // It came back with nothing in it: the whole budget is there.
    expect(await lease(store)).toEqual([{ granted: 1, left: 9, retryAfterMs: 0 }])
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['up', 'down', 'up']))
  }, 20_000)

  it('hangs fails asks within their time, then at once, and is asked again when it goes on', async () => {
    const { redis, store } = await both()
    redis.signal('SIGSTOP')
    const took = await timed(lease(store))
    expect(took).toBeGreaterThan(TIMEOUT_MS - 50)
    expect(took).toBeLessThan(3 * TIMEOUT_MS)
    expect(await timed(lease(store))).toBeLessThan(TIMEOUT_MS / 2)
    const started = performance.now()
    const asks = Array.from({ length: 500 }, () => lease(store).catch(() => 'failed'))
    expect(new Set(await Promise.all(asks))).toEqual(new Set(['failed']))
    expect(performance.now() - started).toBeLessThan(1_000)
    redis.signal('SIGCONT')
    await until('the store to be up', () => store.healthy)
    expect((await lease(store, 'other'))[0]?.granted).toBe(1)
  }, 20_000)

  it('hangs while a claim is made gives the same attempt the same answer afterwards', async () => {
    const { redis, store } = await both()
    const claim = {
      ...{ grant: 'g', transfer: 't', attempt: 'a', usesMax: 1, ttlMs: 60_000 },
      expiresAt: Date.now() + 60_000,
    }
    redis.signal('SIGSTOP')
    // It is in the socket, and will be done though nobody waits for it.
    await timed(store.claim(claim))
    redis.signal('SIGCONT')
    await until('the store to be up', () => store.healthy)
    expect(await store.claim(claim)).toMatchObject({ granted: true, resumed: false })
    const other = { ...claim, transfer: 'u', attempt: 'b' }
    expect(await store.claim(other)).toEqual({ granted: false, why: 'spent' })
  }, 20_000)

  it('forgot its scripts is given them again', async () => {
    const { redis, store } = await both()
    await lease(store)
    await redis.command('SCRIPT', 'FLUSH')
    expect((await lease(store))[0]?.left).toBe(8)
    expect(store.healthy).toBe(true)
  })

  it('holds something else under a key fails that key alone', async () => {
    const { redis, store } = await both()
    await lease(store)
    const [key = ''] = (await redis.command('KEYS', 'mg:w:*')) as string[]
    expect(key).toMatch(/^mg:w:[0-9a-f]{64}$/)
    await redis.command('DEL', key)
    await redis.command('LPUSH', key, 'x')
    await timed(lease(store))
    await redis.command('DEL', key)
    await redis.command('SET', key, 'x y z')
    await timed(lease(store))
    expect(store.healthy).toBe(true)
    expect((await lease(store, 'other'))[0]?.granted).toBe(1)
  })

  it('became a read-only replica is not asked', async () => {
    const { redis, store } = await both()
    await redis.command('REPLICAOF', '127.0.0.1', '1')
    await timed(lease(store))
    expect(store.healthy).toBe(false)
    await redis.command('REPLICAOF', 'NO', 'ONE')
    await until('the store to be up', () => store.healthy)
  }, 20_000)

  it('wants another password never comes up, and says so without repeating it', async () => {
    const redis = await start(['--requirepass', 'right-secret'])
    const events: RedisEvent[] = []
    const store = connect(`redis://:wrong-secret@127.0.0.1:${redis.port}`, events)
    await until('a problem', () => events.some(({ type }) => type === 'problem'))
    expect(store.healthy).toBe(false)
    const error: unknown = await lease(store).catch((one: unknown) => one)
    expect(JSON.stringify([events, String(error)])).not.toContain('secret')
    const right = connect(`redis://:right-secret@127.0.0.1:${redis.port}`)
    await right.whenUp()
    expect(right.healthy).toBe(true)
    const target = parseRedisUrl(`redis://:right-secret@127.0.0.1:${redis.port}`)
    if ('problem' in target) throw new Error(target.problem)
    store.connect({ target })
    await store.whenUp()
    expect((await lease(store))[0]?.granted).toBe(1)
  }, 20_000)

  it('may do only what the manual grants the user does all that is needed', async () => {
    const redis = await start()
    await redis.command(
      ...['ACL', 'SETUSER', 'gw', 'on', '>pw', 'resetchannels', 'resetkeys', '~mg:*', '-@all'],
      ...['+eval', '+evalsha', '+info', '+time', '+get', '+set', '+pexpire', '+hget', '+hset'],
      ...['+hdel', '+hmget', '+hgetall', '+hkeys', '+zadd', '+zrem', '+zscore', '+zcard'],
      ...['+zrange', '+zrangebyscore', '+zrevrange', '+client|setname', '+select'],
    )
    const store = connect(`redis://gw:pw@127.0.0.1:${redis.port}`)
    await store.whenUp()
    expect((await lease(store))[0]?.granted).toBe(1)
    await store.giveBack([{ key: 'k', windowMs: 60_000, amount: 1 }])
    expect(await store.hold({ key: 'h', holder: 'a', places: 1, max: 1, ttlMs: 1_000 })).toBe(1)
    const part = { grant: 'g', transfer: 't', attempt: 'a', ttlMs: 1_000, bytes: 1 }
    await store.claim({ ...part, bytesMax: 9, expiresAt: Date.now() + 9_000 })
    expect(await store.progress(part)).toBe(8)
    await store.release({ ...part, complete: true })
    await store.lock('user:a', 1_000, 'd')
    expect(await store.lockouts()).toHaveLength(1)
    await store.unlock('user:a')
  })

  it('has keys that go by themselves, and no text of callers in their names', async () => {
    const { redis, store } = await both()
    const secret = 'user:dev/alice secret'
    await store.lease([{ key: secret, windowMs: 1_000, max: 1, amount: 1 }])
    await store.hold({ key: secret, holder: secret, places: 1, max: 1, ttlMs: 1_000 })
    await store.lock(secret, 1_000, 'd')
    const part = { grant: secret, transfer: secret, attempt: secret, ttlMs: 1_000 }
    await store.claim({ ...part, expiresAt: Date.now() + 1_000 })
    const keys = (await redis.command('KEYS', '*')) as string[]
    expect(keys).toHaveLength(7)
    for (const key of keys) {
      expect(key).not.toContain('alice')
      expect(Number(await redis.command('PTTL', key))).toBeGreaterThan(0)
    }
  })
})
