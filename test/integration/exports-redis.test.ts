/** One use of a grant is one use, however many gateways share the Redis that counts it. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { systemClock } from '../../gateway/domain/clock.ts'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import { claimGrant } from '../../gateway/pep/exports/claim.ts'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import {
  download,
  grantOf,
  startExportWorld,
  startRegistry,
  type Registry,
} from '../support/exports.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import type { World } from '../support/world.ts'

const TRIALS = 20
const BODY = randomBytes(300_000)
const GRANTS = Object.fromEntries(
  ['resumed', 'down', ...Array.from({ length: TRIALS }, (_, i) => `t${i}`)].map((id) => [
    id,
    grantOf({ uses: 1 }),
  ]),
)

let redis: TestRedis
let registry: Registry
let worlds: readonly World[] = []
let dir: string
beforeAll(async () => {
  redis = await startRedis()
  registry = await startRegistry(BODY)
  dir = await mkdtemp(join(tmpdir(), 'modelgate-exports-'))
  const file = join(dir, 'redis.url')
  await writeFile(file, redis.url, { mode: 0o600 })
  const config = { store: { kind: 'redis', url_file: file }, rules: { dir: 'rules', poll: '1h' } }
  worlds = await Promise.all([1, 2].map(() => startExportWorld(registry, GRANTS, { config })))
}, 30_000)
afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()))
  await registry.close()
  await redis.close()
  await rm(dir, { recursive: true, force: true })
})

async function get(at: number, grant: string, headers: Record<string, string> = {}) {
  const world = worlds[at % worlds.length]
  if (world === undefined) throw new Error('no world')
  const token = await world.token(['exporter'])
  return download(world.port, token, { headers: { 'x-modelgate-grant': grant, ...headers } })
}

describe('two gateways', () => {
  it(`let one of several downloads at the same time have it, ${TRIALS} times`, async () => {
    for (let trial = 0; trial < TRIALS; trial++) {
      const begun = await Promise.all([0, 1, 2, 3].map((at) => get(at, `t${trial}`)))
      const ended = await Promise.all(begun.map(({ done }) => done))
      const statuses = ended.map(({ status }) => status).sort((a, b) => a - b)
      expect(statuses[0]).toBe(200)
      expect(statuses.slice(1).every((status) => status === 403 || status === 409)).toBe(true)
      const again = await (await get(trial, `t${trial}`)).done
      expect(again.status).toBe(403)
    }
  }, 60_000)

  it('resume what broke off at the other, as the same use', async () => {
    registry.pauseAt = 100_000
    const first = await get(0, 'resumed')
    await first.got(100_000)
    expect((await (await get(1, 'resumed')).done).status).toBe(409)
    first.abort()
    await first.done.catch(() => undefined)
    await worlds[0]?.whenRecord((one) => one.type === 'export' && one['grant'] === 'resumed')
    registry.pauseAt = Infinity
    const rest = await (await get(1, 'resumed', { range: 'bytes=100000-' })).done
    expect(rest.status).toBe(206)
    expect(rest.body.equals(BODY.subarray(100_000))).toBe(true)
    expect((await (await get(0, 'resumed')).done).status).toBe(403)
  })
})

describe('one thousand trials of the claim', () => {
  const stores: RedisStore[] = []
  beforeAll(async () => {
    const target = parseRedisUrl(redis.url)
    if ('problem' in target) throw new Error('no target')
    for (let i = 0; i < 2; i++) {
      stores.push(
        createRedisStore({
          target,
          prefix: 'trial',
          commandTimeoutMs: 5_000,
          connectTimeoutMs: 5_000,
        }),
      )
    }
    await Promise.all(stores.map((store) => store.whenUp()))
  })
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
  })

  it('give it to exactly one', async () => {
    const granted: number[] = []
    for (let trial = 0; trial < 1_000; trial++) {
      const claims = await Promise.all(
        [0, 1, 2, 3].map((at) => {
          const state = stores[at % 2]
          if (state === undefined) throw new Error('no store')
          const every = () => () => undefined
          return claimGrant(
            { state, clock: systemClock, every, onLost: () => undefined },
            {
              grant: `g${trial}`,
              // Different files, the same file: both are one use.
              transfer: `t${trial % 2 === 0 ? 0 : at}`,
              attempt: `a${trial}-${at}`,
              usesMax: 1,
              expiresAt: Date.now() + 60_000,
            },
          )
        }),
      )
      const good = claims.filter((one) => !isRefusal(one))
      granted.push(good.length)
      for (const one of good) if (!isRefusal(one)) await one.release(true)
    }
    expect(granted.filter((count) => count !== 1)).toEqual([])
  }, 60_000)
})

it('gives no leave while Redis does not answer', async () => {
  redis.signal('SIGSTOP')
  try {
    const { status } = await (await get(0, 'down')).done
    expect(status).toBe(503)
  } finally {
    redis.signal('SIGCONT')
  }
})
