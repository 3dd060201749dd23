import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { startRedis } from '../support/redis.ts'
import { journalContract } from '../support/journal-contract.ts'
import { storeContract, type OpenPair } from '../support/store-contract.ts'

const open: OpenPair = async (now) => {
  const redis = await startRedis()
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const open = () =>
    createRedisStore({
      target,
      prefix: 'test',
      commandTimeoutMs: 2_000,
      connectTimeoutMs: 2_000,
      now,
    })
  const [one, other] = [open(), open()]
  await Promise.all([one.whenUp(), other.whenUp()])
  return {
    one,
    other,
    async close() {
      await Promise.all([one.close(), other.close()])
      await redis.close()
    },
  }
}

storeContract('redis', open)
journalContract('redis', open)
