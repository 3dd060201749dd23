import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { AT_ONCE, startFollower, startSentinel } from '../support/redis-topologies.ts'
import { startLocker } from '../support/lockers.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import {
  answers,
  createCleanup,
  expectStale,
  FAULT_MS,
  readyPage,
  startStateWorld,
} from '../support/state-worlds.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import type { World } from '../support/world.ts'
import { until } from '../support/world-files.ts'

/** What survives a server that is killed. */
const KEPT = ['--appendonly', 'yes', '--appendfsync', 'always'] as const
const STALE = '503 state_unavailable'
const LOCKED = '403 locked'

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

async function start(args: readonly string[] = []): Promise<TestRedis> {
  const redis = await startRedis(args)
  cleanup.add(() => redis.close())
  return redis
}

const tokenOf = (world: World, sub: string): Promise<string> =>
  world.token(['deployer', 'reader'], { sub })

const readiness = async (world: World): Promise<number> => Number.parseInt(await readyPage(world))

async function metricBecomes(world: World, name: string, value: number): Promise<void> {
  const isSo = async (): Promise<boolean> => (await world.metric(name)) === value
  await until(`${name} to be ${value}`, isSo, FAULT_MS)
}

describe('a gateway over a Redis that', () => {
  it('is down when it starts is not ready, and is when Redis is there', async () => {
    const redis = await start()
    redis.signal('SIGKILL')
    const world = await startStateWorld(redis.url, cleanup)
    const token = await tokenOf(world, 'alice')
    expect(await readiness(world)).toBe(503)
    expect(await world.metrics()).toMatch(/^modelgate_state_staleness_seconds \+Inf$/m)
    await answers(world, ['deploy', token, STALE])
    await answers(world, ['read', token, STALE])
    await redis.restart()
    await answers(world, ['deploy', token, '200'])
    await until('readiness', async () => (await readiness(world)) === 200, FAULT_MS)
  }, 60_000)

  // Threats §2.L 364.
  it('goes away refuses what is privileged, goes by known locks, and goes on when it is back', async () => {
    const redis = await start(KEPT)
    const world = await startStateWorld(redis.url, cleanup)
    const [alice, bob] = [await tokenOf(world, 'alice'), await tokenOf(world, 'bob')]
    await answers(world, ['deploy', alice, '200'])
    const locker = await startLocker(redis.url, cleanup)
    await locker.lock('bob')
    await answers(world, ['deploy', bob, LOCKED])
    redis.signal('SIGKILL')
    await answers(world, ['deploy', alice, STALE])
    await answers(world, ['read', alice, '200'])
    await answers(world, ['read', bob, LOCKED])
    await expectStale(world, 'alice')
    await expect(locker.lock('carol')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await redis.restart()
    await answers(world, ['deploy', alice, '200'])
    expect(await world.metric('journal_regressed')).toBe(0)
    await until('a lock to be taken', () => locker.lock('alice').then(yes, no), FAULT_MS)
    await answers(world, ['read', alice, LOCKED])
  }, 60_000)

  // Threats §2.L 365.
  it('hangs is not relied on past max_staleness, and is at once when it goes on', async () => {
    const redis = await start()
    const world = await startStateWorld(redis.url, cleanup)
    const alice = await tokenOf(world, 'alice')
    await answers(world, ['deploy', alice, '200'])
    redis.signal('SIGSTOP')
    const stopped = performance.now()
    await answers(world, ['deploy', alice, STALE])
    const isLong = (): boolean => performance.now() - stopped > 2_000
    await until('two seconds of silence', isLong, FAULT_MS)
    // What was read last is older than may be relied on.
    expect(await world.metric('state_staleness_seconds')).toBeGreaterThan(1)
    await expectStale(world, 'alice')
    redis.signal('SIGCONT')
    await answers(world, ['deploy', alice, '200'])
    expect(await world.metric('journal_regressed')).toBe(0)
  }, 60_000)

  // Threats §2.L 367.
  it('fails over is followed to the new master, with all that was locked', async () => {
    const watched = await startSentinel(1)
    cleanup.add(() => watched.close())
    const world = await startStateWorld(watched.url, cleanup)
    const [alice, bob] = [await tokenOf(world, 'alice'), await tokenOf(world, 'bob')]
    const locker = await startLocker(watched.url, cleanup)
    await locker.lock('bob')
    await answers(world, ['deploy', bob, LOCKED])
    await answers(world, ['deploy', alice, '200'])
    const [follower] = watched.followers
    const has = async (): Promise<boolean> =>
      (await follower?.command('XLEN', 'modelgate:{journal}:log')) === 1
    await until('the replica to have it', has, FAULT_MS)
    watched.master.signal('SIGKILL')
    const port = String(follower?.port)
    const isOver = async (): Promise<boolean> =>
      String(await watched.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')) ===
      `127.0.0.1,${port}`
    await until('the failover', isOver, 40_000)
    await until('a lock to be taken', () => locker.lock('alice').then(yes, no), FAULT_MS)
    await answers(world, ['read', alice, LOCKED])
    await answers(world, ['deploy', bob, LOCKED])
    await answers(world, ['deploy', await tokenOf(world, 'carol'), '200'])
    expect(await world.metric('journal_regressed')).toBe(0)
  }, 90_000)

  // Threats §2.L 367, 368.
  it('was emptied refuses what is privileged, and what was locked stays so', async () => {
    const redis = await start()
    const world = await startStateWorld(redis.url, cleanup)
    const [alice, bob] = [await tokenOf(world, 'alice'), await tokenOf(world, 'bob')]
    const locker = await startLocker(redis.url, cleanup)
    await locker.lock('bob')
    await answers(world, ['read', bob, LOCKED])
    await redis.command('FLUSHALL')
    await metricBecomes(world, 'journal_regressed', 1)
    await answers(world, ['deploy', alice, STALE])
    await answers(world, ['read', bob, LOCKED])
    await answers(world, ['read', alice, '200'])
    expect(await readyPage(world)).toContain('refused: the journal has lost entries')
    // A gateway that knows nothing of before learns of the lock too.
    const other = await startStateWorld(redis.url, cleanup)
    await answers(other, ['read', await tokenOf(other, 'bob'), LOCKED])
  }, 60_000)

  // Threats §2.L 367, 368.
  it('is an older copy refuses what is privileged until it is the newer one again', async () => {
    const master = await start(AT_ONCE)
    const follower = await startFollower(master)
    cleanup.add(() => follower.close())
    const proxy = await startProxy(master.port)
    cleanup.add(() => proxy.close())
    const world = await startStateWorld(`redis://127.0.0.1:${proxy.port}`, cleanup)
    const [alice, bob] = [await tokenOf(world, 'alice'), await tokenOf(world, 'bob')]
    const locker = await startLocker(master.url, cleanup)
    await locker.lock('someone')
    const has = async (): Promise<boolean> =>
      (await follower.command('XLEN', 'modelgate:{journal}:log')) === 1
    await until('the copy to have the first', has, FAULT_MS)
    await follower.command('REPLICAOF', 'NO', 'ONE')
    await locker.lock('bob')
    await answers(world, ['read', bob, LOCKED])
    await answers(world, ['deploy', alice, '200'])
    proxy.leadTo(follower.port)
    await metricBecomes(world, 'journal_regressed', 1)
    await answers(world, ['deploy', alice, STALE])
    await answers(world, ['read', bob, LOCKED])
    // The lock that the copy never had is written into it.
    const late = await startLocker(follower.url, cleanup)
    const isThere = (): boolean => late.replica.state.locks.has('lock-bob')
    await until('the lock in the copy', isThere, FAULT_MS)
    proxy.leadTo(master.port)
    await metricBecomes(world, 'journal_regressed', 0)
    await answers(world, ['deploy', alice, '200'])
    await answers(world, ['read', bob, LOCKED])
  }, 60_000)
})

describe('one of four gateways that is cut off', () => {
  let redis: TestRedis
  beforeEach(async () => {
    redis = await start()
  })

  it('refuses what is privileged while the others go on, and knows what was locked a second after', async () => {
    const proxy = await startProxy(redis.port)
    cleanup.add(() => proxy.close())
    const others = await Promise.all([1, 2, 3].map(() => startStateWorld(redis.url, cleanup)))
    const cutOff = await startStateWorld(`redis://127.0.0.1:${proxy.port}`, cleanup)
    const locker = await startLocker(redis.url, cleanup)
    proxy.cut()
    const alice = await tokenOf(cutOff, 'alice')
    await answers(cutOff, ['deploy', alice, STALE])
    await expectStale(cutOff, 'alice')
    await locker.lock('bob')
    for (const one of others) {
      await answers(one, ['deploy', await tokenOf(one, 'alice'), '200'])
      await answers(one, ['read', await tokenOf(one, 'bob'), LOCKED])
      expect(await one.metric('state_staleness_seconds')).toBeLessThan(1)
    }
    // It does not know the lock, and does nothing that is privileged for anybody.
    const bob = await tokenOf(cutOff, 'bob')
    await answers(cutOff, ['deploy', bob, STALE])
    await answers(cutOff, ['read', bob, '200'])
    proxy.heal()
    const healed = performance.now()
    await answers(cutOff, ['read', bob, LOCKED])
    expect(performance.now() - healed).toBeLessThan(1_000)
    await answers(cutOff, ['deploy', alice, '200'])
  }, 60_000)
})

const yes = (): boolean => true
const no = (): boolean => false
