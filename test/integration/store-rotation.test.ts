/** The files that say where Redis is are replaced while gateways run, as a rotation does. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from '@jest/globals'
import { startTls } from '../support/redis-topologies.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { answers, asked, createCleanup, storeOver, urlFileOf } from '../support/state-worlds.ts'
import { startWorld, type World } from '../support/world.ts'
import { until } from '../support/world-files.ts'

/** More than the time between two readings of the files. */
const NOTICED_MS = 20_000
const SECRETS = ['first-secret', 'second-secret'] as const

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

async function startGateway(store: Readonly<Record<string, unknown>>): Promise<World> {
  const world = await startWorld({ config: { store } })
  cleanup.add(() => world.close())
  return world
}

const withUser = (redis: TestRedis, password: string) =>
  `redis://gateway:${password}@127.0.0.1:${redis.port}`

/** The only user who may do anything; whoever is connected must come again. */
async function rotate(redis: TestRedis, password: string): Promise<void> {
  await redis.command('ACL', 'SETUSER', 'gateway', 'on', 'resetpass', `>${password}`)
  await redis.command('ACL', 'SETUSER', 'gateway', '~*', '&*', '+@all')
  await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
}

describe('a password that is another one in Redis', () => {
  it('is read from its file at the next connection, and neither of them is logged', async () => {
    const redis = await startRedis()
    cleanup.add(() => redis.close())
    await rotate(redis, SECRETS[0])
    const file = await urlFileOf(withUser(redis, SECRETS[0]), cleanup)
    const world = await startGateway(storeOver(file))
    const token = await world.token(['deployer'])
    await answers(world, ['deploy', token, '200'])
    await writeFile(file, withUser(redis, SECRETS[1]))
    await rotate(redis, SECRETS[1])
    const rotated = performance.now()
    const isRead = (): boolean => world.logText().includes('its certificates changed')
    await until('the file to be read', isRead, 5_000)
    await answers(world, ['deploy', token, '200'])
    expect(performance.now() - rotated).toBeLessThan(5_000)
    for (const secret of SECRETS) expect(world.logText()).not.toContain(secret)
  }, 60_000)

  it('may be in the file later: nothing privileged is done until then', async () => {
    const redis = await startRedis()
    cleanup.add(() => redis.close())
    await rotate(redis, SECRETS[0])
    const file = await urlFileOf(withUser(redis, SECRETS[0]), cleanup)
    const world = await startGateway(storeOver(file))
    const token = await world.token(['deployer'])
    await answers(world, ['deploy', token, '200'])
    await rotate(redis, SECRETS[1])
    await answers(world, ['deploy', token, '503 state_unavailable'])
    await writeFile(file, 'redis://remote.example:6379')
    const isTold = (): boolean => world.logText().includes('store-url')
    await until('the bad file to be told of', isTold, NOTICED_MS)
    await writeFile(file, withUser(redis, SECRETS[1]))
    const works = async (): Promise<boolean> => (await asked(world, 'deploy', token)) === '200'
    await until('the good file to be read', works, NOTICED_MS)
  }, 60_000)
})

describe('certificates of Redis that are others', () => {
  it('are read from their file, and a file that is gone for a while ends nothing', async () => {
    const [old, next] = [await startTls(), await startTls()]
    for (const one of [old, next]) cleanup.add(() => one.close())
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-ca-'))
    cleanup.add(() => rm(dir, { recursive: true, force: true }))
    const [urlFile, caFile] = [await urlFileOf(old.url, cleanup), join(dir, 'ca.pem')]
    await writeFile(caFile, old.ca ?? '')
    await writeFile(join(dir, 'next.pem'), next.ca ?? '')
    const world = await startGateway({ ...storeOver(urlFile), prefix: 'mg', ca_file: caFile })
    const token = await world.token(['deployer'])
    await answers(world, ['deploy', token, '200'])
    await rm(caFile)
    await writeFile(urlFile, next.url)
    const isTold = (): boolean => world.logText().includes(caFile)
    await until('the missing file to be told of', isTold, NOTICED_MS)
    await answers(world, ['deploy', token, '200'])
    await cp(join(dir, 'next.pem'), caFile)
    await until(
      'both files to be read',
      () => world.logText().includes('its certificates changed'),
      NOTICED_MS,
    )
    // The other Redis is empty, which is told apart from one that lost nothing.
    const isAsked = async (): Promise<boolean> => (await world.metric('store_up')) === 1
    await until('the other Redis to be asked', isAsked, NOTICED_MS)
    await until(
      'the other journal',
      async () => (await world.metric('journal_regressed')) === 1,
      NOTICED_MS,
    )
  }, 90_000)
})
