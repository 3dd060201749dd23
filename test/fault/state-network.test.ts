/** Redis is there, and what is between it and a gateway, or between it and its master, is not as it was. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { startLocker } from '../support/lockers.ts'
import { AT_ONCE, documentedUser, startFollower } from '../support/redis-topologies.ts'
import { rawCommand, startRedis, type TestRedis } from '../support/redis.ts'
import {
  answers,
  asked,
  createCleanup,
  expectStale,
  FAULT_MS,
  startStateWorld,
} from '../support/state-worlds.ts'
import { startProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/world-files.ts'

const STALE = '503 state_unavailable'
const LOCKED = '403 locked'
const ROLES = ['deployer', 'reader']

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

async function start(args: readonly string[] = []): Promise<TestRedis> {
  const redis = await startRedis(args)
  cleanup.add(() => redis.close())
  return redis
}

describe('a way to Redis that', () => {
  // Threats §2.L 365.
  it('takes long is waited for as long as an ask may take, and not relied on when it takes longer', async () => {
    const redis = await start()
    const proxy = await startProxy(redis.port)
    cleanup.add(() => proxy.close())
    const world = await startStateWorld(`redis://127.0.0.1:${proxy.port}`, cleanup)
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map((sub) => world.token(ROLES, { sub })),
    )
    if (alice === undefined || bob === undefined) throw new Error('there are two')
    const locker = await startLocker(redis.url, cleanup)
    proxy.delay(60)
    await answers(world, ['deploy', alice, '200'])
    await locker.lock('bob')
    const locked = performance.now()
    await answers(world, ['read', bob, LOCKED])
    expect(performance.now() - locked).toBeLessThan(2_000)
    expect(await world.metric('state_staleness_seconds')).toBeLessThan(1)

    proxy.delay(3_000)
    await answers(world, ['deploy', alice, STALE])
    await expectStale(world, 'alice')
    // Nobody waits for Redis: what is refused is refused from memory, however many ask.
    const begun = performance.now()
    const all = await Promise.all(Array.from({ length: 100 }, () => asked(world, 'deploy', alice)))
    expect(new Set(all)).toEqual(new Set([STALE]))
    expect(performance.now() - begun).toBeLessThan(5_000)
    proxy.delay(0)
    await answers(world, ['deploy', alice, '200'])
    await answers(world, ['read', bob, LOCKED])
  }, 60_000)

  // Threats §2.L 365: half open, for the gateway alone; nobody closes the connection.
  it('swallows everything is given up, and found again when it is whole', async () => {
    const redis = await start()
    const proxy = await startProxy(redis.port)
    cleanup.add(() => proxy.close())
    const world = await startStateWorld(`redis://127.0.0.1:${proxy.port}`, cleanup)
    const alice = await world.token(ROLES)
    await answers(world, ['deploy', alice, '200'])
    for (let round = 0; round < 3; round++) {
      proxy.cut()
      await answers(world, ['deploy', alice, STALE])
      proxy.heal()
      const healed = performance.now()
      await answers(world, ['deploy', alice, '200'])
      expect(performance.now() - healed).toBeLessThan(3_000)
    }
    // Each attempt that was given up is closed, and not one of them is left.
    const clients = String(await redis.command('CLIENT', 'LIST')).split('\n')
    expect(clients.filter((one) => one.includes('name=modelgate')).length).toBeLessThanOrEqual(6)
  }, 60_000)
})

describe('hints that', () => {
  // Threats §2.L 370.
  it('never come are not needed: a lock is known within a second', async () => {
    const redis = await start()
    // May do everything but publish and subscribe.
    await redis.command('ACL', 'SETUSER', 'deaf', 'on', '>pw', '~*', '+@all', '-@pubsub')
    await redis.command('ACL', 'SETUSER', 'deaf', 'resetchannels')
    const url = `redis://deaf:pw@127.0.0.1:${redis.port}`
    const world = await startStateWorld(url, cleanup)
    const bob = await world.token(ROLES, { sub: 'bob' })
    await answers(world, ['deploy', bob, '200'])
    const locker = await startLocker(url, cleanup)
    await locker.lock('bob')
    const locked = performance.now()
    await answers(world, ['deploy', bob, LOCKED])
    expect(performance.now() - locked).toBeLessThan(1_000)
  }, 60_000)

  // Threats §2.L 370.
  it('are forged, many and meaningless change nothing, and hold nothing up', async () => {
    const redis = await start()
    const world = await startStateWorld(redis.url, cleanup)
    const alice = await world.token(ROLES)
    await answers(world, ['deploy', alice, '200'])
    const channel = 'modelgate:{journal}:hint'
    const flood = async (): Promise<void> => {
      for (const text of ['', '1', '-1', '{"seq":9e99}', 'x'.repeat(100_000), '\0\r\n']) {
        await redis.command('PUBLISH', channel, text)
      }
    }
    await Promise.all(Array.from({ length: 50 }, flood))
    await answers(world, ['deploy', alice, '200'])
    expect(await world.metric('state_seq')).toBe(0)
    expect(await world.metric('journal_regressed')).toBe(0)
    const locker = await startLocker(redis.url, cleanup)
    await Promise.all([flood(), locker.lock('alice'), flood()])
    await answers(world, ['deploy', alice, LOCKED])
  }, 60_000)

  // Threats §2.L 370, 376.
  it('the documented user gives go to its own channels alone, and it can do nothing dangerous', async () => {
    const redis = await start()
    await redis.command('ACL', 'SETUSER', 'gateway', ...(await documentedUser('secret')))
    const told = async (...command: readonly string[]): Promise<string> =>
      String(await redis.command('ACL', 'DRYRUN', 'gateway', ...command))
    expect(await told('PUBLISH', 'mg:{journal}:hint', '1')).toBe('OK')
    expect(await told('PUBLISH', 'other:hint', '1')).toContain('permission')
    expect(await told('SUBSCRIBE', 'other:hint')).toContain('permission')
    expect(await told('GET', 'other:key')).toContain('permission')
    const dangerous = ['FLUSHALL', 'KEYS *', 'CONFIG GET *', 'DEBUG SLEEP 9', 'SHUTDOWN', 'MONITOR']
    for (const line of [...dangerous, 'REPLICAOF NO ONE', 'SCRIPT FLUSH', 'ACL LIST', 'SAVE']) {
      expect([line, await told(...line.split(' '))]).not.toEqual([line, 'OK'])
    }
  })
})

// Threats §2.L 368.
describe('a master that was cut off from its replicas', () => {
  it('takes no locks and no uses where it must have one, and gateways that see it alone stop', async () => {
    const guarded = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '1']
    const master = await start([...AT_ONCE, ...guarded])
    const follower = await startFollower(master)
    cleanup.add(() => follower.close())
    const world = await startStateWorld(master.url, cleanup)
    const alice = await world.token(ROLES)
    await answers(world, ['deploy', alice, '200'])
    const locker = await startLocker(master.url, cleanup)
    await locker.lock('early')
    // The other side goes on with another master; this one does not know.
    follower.signal('SIGSTOP')
    await answers(world, ['deploy', alice, STALE])
    await expect(locker.lock('bob')).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
    await expectStale(world, 'alice')
    follower.signal('SIGCONT')
    await answers(world, ['deploy', alice, '200'])
    await until(
      'a lock to be taken',
      () =>
        locker.lock('bob').then(
          () => true,
          () => false,
        ),
      FAULT_MS,
    )
    const bob = await world.token(ROLES, { sub: 'bob' })
    await answers(world, ['read', bob, LOCKED])
  }, 60_000)
})

// Threats §2.L 373.
describe('a Redis that runs a script without end', () => {
  it('is not relied on, and is again when the script is killed; one without scripts is given them', async () => {
    const redis = await start(['--busy-reply-threshold', '50'])
    const world = await startStateWorld(redis.url, cleanup)
    const alice = await world.token(ROLES)
    await answers(world, ['deploy', alice, '200'])
    const endless = rawCommand(redis.port, 'EVAL "while true do end" 0')
    await answers(world, ['deploy', alice, STALE])
    await expectStale(world, 'alice')
    const killed = async (): Promise<boolean> =>
      (await rawCommand(redis.port, 'SCRIPT KILL')).startsWith('+OK')
    await until('the script to be killed', killed, FAULT_MS)
    await endless
    await answers(world, ['deploy', alice, '200'])
    const failed = await world.metric('store_errors_total')
    await redis.command('SCRIPT', 'FLUSH')
    const locker = await startLocker(redis.url, cleanup)
    await locker.lock('alice')
    await answers(world, ['deploy', alice, LOCKED])
    expect(await world.metric('store_errors_total')).toBe(failed)
  }, 60_000)
})
