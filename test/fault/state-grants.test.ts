/** Single-use grants of the journal, at gateways over one Redis that is killed, emptied or asked at once. */
import { afterEach, expect, it } from '@jest/globals'
import {
  download,
  startExportWorld,
  startRegistry,
  type Downloaded,
  type Registry,
} from '../support/exports.ts'
import { EXPORTS_APPROVED, grantId, issueGrants } from '../support/journal-grants.ts'
import { openStoreAt } from '../support/opened-store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { createCleanup, FAULT_MS, storeOver, urlFileOf } from '../support/state-worlds.ts'
import type { World } from '../support/world.ts'
import { until } from '../support/world-files.ts'

const TRIALS = 25

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

interface Gateways {
  readonly redis: TestRedis
  readonly registry: Registry
  readonly worlds: readonly World[]
  /** Issues grants, and waits until all gateways know them. */
  readonly issue: (...numbers: readonly number[]) => Promise<void>
}

async function startTwo(): Promise<Gateways> {
  const redis = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
  cleanup.add(() => redis.close())
  const registry = await startRegistry(Buffer.alloc(10_000, 7))
  cleanup.add(() => registry.close())
  const store = storeOver(await urlFileOf(redis.url, cleanup))
  const rules = { 'approvals.yaml': EXPORTS_APPROVED }
  const starting = [1, 2].map(() => startExportWorld(registry, {}, { config: { store }, rules }))
  const worlds = await Promise.all(starting)
  for (const world of worlds) cleanup.add(() => world.close())
  const shared = await openStoreAt(redis.url, 'modelgate')
  cleanup.add(() => shared.close())
  const issue = async (...numbers: readonly number[]): Promise<void> => {
    const last = await issueGrants(shared.journal, numbers)
    const know = async (): Promise<boolean> =>
      (await Promise.all(worlds.map((one) => one.metric('state_seq')))).every((seq) => seq >= last)
    await until('the grants to be known', know, FAULT_MS)
  }
  return { redis, registry, worlds, issue }
}

async function get(world: World, number: number): Promise<Downloaded> {
  const token = await world.token(['exporter'])
  const headers = { 'x-modelgate-grant': grantId(number) }
  return download(world.port, token, { headers }).done
}

const toldBy = ({ status, body }: Downloaded): string => {
  const { reason } = status === 200 ? {} : (JSON.parse(body.toString()) as { reason?: string })
  return reason === undefined ? String(status) : `${status} ${reason}`
}

/** Asks until the answer is this. */
async function gets(world: World, number: number, told: string): Promise<void> {
  let last = ''
  await until(
    `grant ${number} to be ${told}`,
    async () => (last = toldBy(await get(world, number))) === told,
    FAULT_MS,
  ).catch((error: unknown) => {
    throw new Error(`the last answer was ${last}`, { cause: error })
  })
}

// Threats §2.L 374.
it(`one of four downloads at two gateways in one moment has the grant, ${TRIALS} times`, async () => {
  const { registry, worlds, issue } = await startTwo()
  const numbers = Array.from({ length: TRIALS }, (_, i) => i + 1)
  await issue(...numbers)
  for (const number of numbers) {
    const all = await Promise.all([...worlds, ...worlds].map((world) => get(world, number)))
    const told = all.map(toldBy)
    expect(told.filter((one) => one === '200')).toHaveLength(1)
    const refused = told.filter((one) => one !== '200')
    expect(refused.filter((one) => !/^(403 grant_spent|409 grant_in_use)$/.test(one))).toEqual([])
  }
  expect(registry.requests).toHaveLength(TRIALS)
}, 120_000)

// Threats §2.L 364, 366.
it('a grant is of no use while Redis is away; what was used stays so, and no other is lost', async () => {
  const { redis, registry, worlds, issue } = await startTwo()
  const [one, other] = worlds as readonly [World, World]
  await issue(1, 2)
  await gets(one, 1, '200')
  redis.signal('SIGKILL')
  expect(toldBy(await get(other, 2))).toBe('503 state_unavailable')
  expect(toldBy(await get(one, 1))).toBe('503 state_unavailable')
  expect(registry.requests).toHaveLength(1)
  await redis.restart()
  await gets(other, 1, '403 grant_spent')
  await gets(other, 2, '200')
  await gets(one, 2, '403 grant_spent')
  expect(registry.requests).toHaveLength(2)
}, 60_000)

// Threats §2.L 367.
it('a Redis that was emptied gives nobody a grant, used or not', async () => {
  const { redis, registry, worlds, issue } = await startTwo()
  const [one] = worlds as readonly [World, World]
  await issue(1, 2)
  await gets(one, 1, '200')
  await redis.command('FLUSHALL')
  const isNoticed = async (world: World): Promise<boolean> =>
    (await world.metric('journal_regressed')) === 1
  for (const world of worlds) {
    await until('the loss to be noticed', () => isNoticed(world), FAULT_MS)
    for (const number of [1, 2]) {
      expect(toldBy(await get(world, number))).toBe('503 state_unavailable')
    }
  }
  expect(registry.requests).toHaveLength(1)
}, 60_000)
