/**
 * Whoever keeps the journal, or writes to it, is killed again and again while gateways follow it: what was
 * acknowledged is in force at each of them afterwards, and nothing is that nobody asked for.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { readAll } from '../support/journal-contract.ts'
import { keepLocking, startLocker } from '../support/lockers.ts'
import { openStoreAt } from '../support/opened-store.ts'
import { startRedis } from '../support/redis.ts'
import { answers, createCleanup, FAULT_MS, storeOver, urlFileOf } from '../support/state-worlds.ts'
import { startWorker } from '../support/workers.ts'
import { until } from '../support/world-files.ts'

const ROUNDS = 4
const LOCKED = '403 locked'

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

async function startGateways(
  store: Readonly<Record<string, unknown>>,
  count: number,
): Promise<readonly BuiltWorld[]> {
  const worlds: BuiltWorld[] = []
  for (let i = 0; i < count; i++) {
    const world = await startBuiltWorld({ config: { store } })
    cleanup.add(() => world.close())
    worlds.push(world)
  }
  return worlds
}

const askedOf = ({ dataPort }: BuiltWorld) => ({ port: dataPort })

/** Each of `names` is locked at `world`; nobody else is, and what is privileged goes on. */
async function expectInForce(world: BuiltWorld, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const token = await world.token(['reader'], { sub: name })
    await answers(askedOf(world), ['read', token, LOCKED])
  }
  const stranger = await world.token(['deployer'], { sub: 'stranger' })
  await answers(askedOf(world), ['deploy', stranger, '200'])
  expect(await world.metric('journal_regressed')).toBe(0)
}

/** The locks that the journal has, in order. */
async function journalled(where: string): Promise<readonly string[]> {
  const store = await openStoreAt(where, 'modelgate')
  const entries = await readAll(store.journal)
  await store.close()
  return entries.map(({ text }) => {
    const { event } = JSON.parse(text) as { event: { lock: { id: string } } }
    return event.lock.id.replace(/^lock-/, '')
  })
}

// Threats §2.L 364, 366, 374.
it('four gateways have every lock that a Redis acknowledged before it was killed, once', async () => {
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
  cleanup.add(() => redis.close())
  const worlds = await startGateways(storeOver(await urlFileOf(redis.url, cleanup)), 4)
  const lockers = await Promise.all(
    ['a', 'b'].map(async (name) => keepLocking(await startLocker(redis.url, cleanup), name)),
  )
  const isFurther = (by: number) => {
    const before = lockers.map(({ acknowledged }) => acknowledged.length)
    return () => lockers.every((one, i) => one.acknowledged.length >= (before[i] ?? 0) + by)
  }
  for (let round = 0; round < ROUNDS; round++) {
    await until('locks', isFurther(3 + round), FAULT_MS)
    if (round % 2 === 1) {
      // What is asked of it now is surely not done: its answer is given up before it is killed.
      redis.signal('SIGSTOP')
      const stopped = performance.now()
      await until('answers to be given up', () => performance.now() - stopped > 1_500, FAULT_MS)
    }
    redis.signal('SIGKILL')
    await redis.restart()
  }
  await until('locks after all', isFurther(3), FAULT_MS)
  for (const locker of lockers) await locker.stop()
  const acknowledged = lockers.flatMap((one) => one.acknowledged)
  const begun = new Set(lockers.flatMap((one) => one.begun))
  const found = await journalled(redis.url)
  expect(new Set(found).size).toBe(found.length)
  expect(found.filter((name) => !begun.has(name))).toEqual([])
  expect(acknowledged.filter((name) => !found.includes(name))).toEqual([])
  for (const world of worlds) {
    await until(
      'the journal to be read',
      async () => (await world.metric('state_seq')) === found.length,
      FAULT_MS,
    )
    await expectInForce(world, acknowledged)
  }
}, 180_000)

// Threats §2.L 364, 379.
it('two gateways over a folder have every lock of writers that were killed, and go on', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-kills-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const folder = join(dir, 'store')
  const worlds = await startGateways({ kind: 'embedded', dir: folder, max_staleness: '2s' }, 2)
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const names = [0, 1].map((at) => `w${round}${at}`)
    const writers = await Promise.all(
      names.map(async (name) => {
        const home = await mkdtemp(join(dir, name))
        return startWorker('store-locker.ts', [folder, name, home])
      }),
    )
    for (const writer of writers) writer.begin()
    for (const [at, writer] of writers.entries()) {
      await writer.saidSome(1 + round + at)
      writer.kill()
    }
    for (const writer of writers) acknowledged.push(...(await writer.said))
    for (const world of worlds) {
      const stranger = await world.token(['deployer'], { sub: 'stranger' })
      await answers(askedOf(world), ['deploy', stranger, '200'])
    }
  }
  const found = await journalled(folder)
  expect(new Set(found).size).toBe(found.length)
  expect(acknowledged.filter((name) => !found.includes(name))).toEqual([])
  expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS * 2)
  for (const world of worlds) {
    expect(await world.metric('state_staleness_seconds')).toBeLessThan(2)
    await expectInForce(world, acknowledged)
  }
}, 180_000)
