import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createReplica, type RunningReplica } from '../../gateway/assembly/replica/replica.ts'
import { readSeen } from '../../gateway/assembly/replica/seen-file.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { setLock } from '../support/replicas.ts'
import { startProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { until } from '../support/world-files.ts'

const STALE_MS = 1_000

let dir: string
let redis: TestRedis
let proxy: TcpProxy
const stores: SharedStore[] = []
const replicas: RunningReplica[] = []

async function begin(id: string, url: string): Promise<RunningReplica> {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const bounds = { prefix: 'mg', commandTimeoutMs: 250, connectTimeoutMs: 1_000 }
  const store = createRedisStore({ ...bounds, target, onEvent: () => undefined })
  stores.push(store)
  await store.whenUp()
  const home = join(dir, id)
  await mkdir(home, { recursive: true })
  const replica = createReplica({
    journal: store.journal,
    clock: systemClock,
    schedule(run, delayMs) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    id,
    name: `test:${id}`,
    pollMs: 100,
    maxStalenessMs: STALE_MS,
    dir: home,
    seen: await readSeen(home),
    onEvent: () => undefined,
    record: () => Promise.resolve(),
    recordLoss: () => Promise.resolve(),
  })
  replicas.push(replica)
  await replica.start()
  return replica
}

const has = (replica: RunningReplica, name: string): boolean =>
  replica.state.locks.has(`lock-${name}`)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-replicas-'))
  redis = await startRedis()
  proxy = await startProxy(redis.port)
}, 30_000)

afterAll(async () => {
  await Promise.all(replicas.map((one) => one.stop()))
  await Promise.all(stores.map((one) => one.close()))
  await proxy.close()
  await redis.close()
  await rm(dir, { recursive: true, force: true })
}, 30_000)

// threats §2.L 361-371: one story, in the order of its parts.
describe('four replicas over one Redis', () => {
  it('have the locks of each other, and know where the journal is lost', async () => {
    const urls = [redis.url, redis.url, redis.url, `redis://127.0.0.1:${proxy.port}`]
    const four = await Promise.all(urls.map((url, at) => begin(`r${at}`, url)))
    const [one, , , cutOff] = four
    if (one === undefined || cutOff === undefined) throw new Error('there are four')
    expect(four.map(({ fresh }) => fresh)).toEqual([true, true, true, true])

    // All at once: each is done once, in one order.
    await Promise.all(four.map((each, at) => each.run(setLock(`n${at}`))))
    await until('locks everywhere', () => four.every(({ state }) => state.locks.size === 4))

    // One of the four is partitioned: it knows no new locks, and says so.
    proxy.cut()
    await one.run(setLock('late'))
    await until('the cut one is stale', () => !cutOff.fresh)
    expect(has(cutOff, 'late')).toBe(false)
    expect(has(cutOff, 'n0')).toBe(true)
    await expect(cutOff.run(setLock('never'))).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
    })
    expect(cutOff.stalenessMs).toBeGreaterThan(STALE_MS)
    const rest = four.slice(0, 3)
    await until('the others have it', () => rest.every((each) => has(each, 'late')))
    expect(rest.map(({ fresh }) => fresh)).toEqual([true, true, true])

    // The network is whole again: what was locked meanwhile is locked there within a second.
    proxy.heal()
    await until('the lock is known', () => has(cutOff, 'late'), 1_000)
    expect(cutOff.fresh).toBe(true)
    await cutOff.run(setLock('back'))
    await until('its own locks are known', () => rest.every((each) => has(each, 'back')))
    proxy.cut()

    // It hangs: nobody is fresh for longer than the bound, and all are again afterwards.
    redis.signal('SIGSTOP')
    await until('all are stale', () => rest.every(({ fresh }) => !fresh))
    redis.signal('SIGCONT')
    await until('all are fresh', () => rest.every(({ fresh }) => fresh))

    // It is emptied: known locks stay and come back, nothing privileged is relied on.
    await redis.command('flushall')
    await until('it is noticed', () => rest.every(({ regression }) => regression !== undefined))
    expect(rest.map(({ fresh }) => fresh)).toEqual([false, false, false])
    expect(rest.every((each) => has(each, 'late'))).toBe(true)
    const later = await begin('later', redis.url)
    await until('locks are back', () => has(later, 'late') && has(later, 'n3'))
    const again = await begin('r0', redis.url)
    expect(again.fresh).toBe(false)
  }, 60_000)
})
