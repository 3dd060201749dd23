import { afterEach, expect, it } from '@jest/globals'
import { runModelgate, startBuiltWorld } from '../support/built-gateway.ts'
import { startLocker } from '../support/lockers.ts'
import { startRedis } from '../support/redis.ts'
import { answers, createCleanup, FAULT_MS, storeOver, urlFileOf } from '../support/state-worlds.ts'
import { until } from '../support/world-files.ts'

const cleanup = createCleanup()
afterEach(() => cleanup.run(), 60_000)

// Threats §2.L 367.
it('an operator accepts that a journal has lost entries, once it has, and that is on record', async () => {
  const redis = await startRedis()
  cleanup.add(() => redis.close())
  const urlFile = await urlFileOf(redis.url, cleanup)
  const world = await startBuiltWorld({ config: { store: storeOver(urlFile) } })
  cleanup.add(() => world.close())
  const gateway = { port: world.dataPort }
  const accept = (reason: string) => {
    const args = ['--config', world.configFile, '--reason', reason, '--by', 'olga']
    return runModelgate(['store', 'accept-loss', ...args], { cwd: world.dir })
  }
  const [alice, bob] = [
    await world.token(['deployer', 'reader']),
    await world.token(['deployer', 'reader'], { sub: 'bob' }),
  ]
  const locker = await startLocker(redis.url, cleanup)
  await locker.lock('bob')
  await answers(gateway, ['deploy', alice, '200'])
  await answers(gateway, ['deploy', bob, '403 locked'])
  const early = await accept('nothing is lost')
  expect(early.code).toBe(1)
  expect(early.stderr).toContain('There is nothing to accept')

  await redis.command('FLUSHALL')
  await answers(gateway, ['deploy', alice, '503 state_unavailable'])
  expect(await world.metric('journal_regressed')).toBe(1)
  const unsaid = await accept(' ')
  expect(unsaid.code).toBe(2)
  // The gateway writes down what it found within a second.
  await until(
    'the word to be taken',
    async () => (await accept('restored from the backup of 03:00')).code === 0,
    FAULT_MS,
  )
  await answers(gateway, ['deploy', alice, '200'])
  expect(await world.metric('journal_regressed')).toBe(0)
  await answers(gateway, ['deploy', bob, '403 locked'])
  const record = await world.whenRecord(({ what }) => what === 'store.accept-loss')
  expect(record).toMatchObject({
    ...{ type: 'admin', effect: 'permit', sub: 'olga' },
    why: 'restored from the backup of 03:00',
  })
  expect(String(record['from'])).not.toBe(String(record['to']))
  const again = await accept('once more')
  expect(again.code).toBe(1)
}, 120_000)
