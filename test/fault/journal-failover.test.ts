import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import { systemClock } from '../../gateway/domain/clock.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { setLock, startReplica } from '../support/replicas.ts'

const KEYS = ['log', 'head']
const key = (name: string): string => `mg:{journal}:${name}`

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function connect(redis: TestRedis) {
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 1_000, connectTimeoutMs: 1_000 }
  const store = createRedisStore({ target, prefix: 'mg', ...limits })
  opened.push(() => store.close())
  await store.whenUp()
  return store.journal
}

async function replicaOf(redis: TestRedis, id: string) {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-failover-'))
  opened.push(() => rm(dir, { recursive: true, force: true }))
  // It reads when the test says so, and not on a hint before all is written again.
  const journal = { ...(await connect(redis)), onHint: () => () => undefined }
  const started = await startReplica({ journal, clock: systemClock, dir, id })
  opened.push(() => started.replica.stop())
  return started
}

// Threats §2.L 367, 368: the replica that became primary did not have the last entries.
it('a failover that lost entries is noticed when the same locks were set again', async () => {
  const redis = await startRedis([])
  opened.push(() => redis.close())
  const watching = await replicaOf(redis, 'watching')
  await watching.replica.run(setLock('ann'))
  for (const name of KEYS) await redis.command('COPY', key(name), key(`${name}-behind`))
  await watching.replica.run(setLock('bob'))
  await watching.replica.run(setLock('cid'))
  await watching.tick()
  expect(watching.replica.fresh).toBe(true)
  for (const name of KEYS) {
    await redis.command('COPY', key(`${name}-behind`), key(name), 'REPLACE')
  }
  const late = await replicaOf(redis, 'late')
  await late.replica.run(setLock('eve'))
  await late.replica.run(setLock('cid'))
  await watching.tick()
  expect(watching.replica.regression).toMatchObject({ known: { seq: 3 }, found: { seq: 3 } })
  expect(watching.replica.fresh).toBe(false)
  // Nothing that was locked is open meanwhile, here or where it was never known.
  expect(watching.replica.state.locks.has('lock-bob')).toBe(true)
  const isBack = async (): Promise<boolean> => {
    await watching.tick()
    await late.tick()
    return late.replica.state.locks.has('lock-bob')
  }
  for (let turn = 0; turn < 50 && !(await isBack()); turn += 1);
  expect(late.replica.state.locks.has('lock-bob')).toBe(true)
})
