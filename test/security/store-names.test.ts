/** What callers and issuers name is never a key, a command or a place in Redis. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'

/** Names that are more than names where they are put together with others, or written down as they are. */
const NAMES = [
  ...[
    'a:b',
    'a',
    'b',
    'a:',
    ':b',
    '*',
    'mg:*',
    '?',
    '[a-z]',
    '\\',
    '{x}',
    '{journal}',
    '{lockouts}',
  ],
  ...[
    'a\nb',
    '\r\nSET x 1\r\n',
    '*1\r\n$8\r\nFLUSHALL\r\n',
    '\0',
    'a\0b',
    'ü',
    'u\u0308',
    '\u{1F511}',
  ],
  ...["' OR 1=1", '"]..redis.call("FLUSHALL")--', '\ud800', '', ' ', '-1', 'x'.repeat(2_000)],
]

let redis: TestRedis
let store: RedisStore
beforeAll(async () => {
  redis = await startRedis()
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 5_000, connectTimeoutMs: 5_000 }
  store = createRedisStore({ target, prefix: 'mg', ...limits })
  await store.whenUp()
})
afterAll(async () => {
  await store.close()
  await redis.close()
})

/** Keys that the gateway may have: a kind and a digest, or one of a closed list. */
const KEY = /^mg:(?:[wgh]:[0-9a-f]{64}|\{journal\}:[a-z]+|\{lockouts\}:[a-z]+|probe)$/

const keys = async (): Promise<readonly string[]> => (await redis.command('KEYS', '*')) as string[]

// Threats §2.L 371.
it('names of windows, holders and grants are digests, each another, whatever is in them', async () => {
  for (const name of NAMES) {
    const lease = { key: name, windowMs: 60_000, max: 1, amount: 1 }
    expect(await store.lease([lease])).toMatchObject([{ granted: 1 }])
    expect(await store.lease([lease])).toMatchObject([{ granted: 0 }])
    const hold = { key: name, holder: name, places: 1, max: 1, ttlMs: 60_000 }
    expect(await store.hold(hold)).toBe(1)
    expect(await store.hold({ ...hold, holder: `${name}2` })).toBe(0)
    const claim = {
      ...{ grant: name, transfer: name, attempt: `a${name}`, usesMax: 1, ttlMs: 60_000 },
      expiresAt: Date.now() + 60_000,
    }
    expect(await store.claim(claim)).toMatchObject({ granted: true })
    expect(await store.claim({ ...claim, transfer: `${name}2`, attempt: 'b' })).toEqual({
      ...{ granted: false, why: 'spent' },
    })
  }
  const found = await keys()
  expect(found.filter((key) => !KEY.test(key))).toEqual([])
  // Three for each name, and no two are one.
  const digested = found.filter((key) => /^mg:[wgh]:/.test(key))
  expect(digested).toHaveLength(3 * NAMES.length)
  expect(await redis.command('EXISTS', 'x')).toBe(0)
})

// Threats §2.L 371.
it('a name of a megabyte is refused before Redis is asked', async () => {
  const before = await keys()
  const long = 'x'.repeat(1_000_000)
  const lease = { key: long, windowMs: 60_000, max: 1, amount: 1 }
  await expect(store.lease([lease])).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  await expect(store.lock(long, 1_000, 'd')).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
  expect(await keys()).toEqual(before)
  expect(store.healthy).toBe(true)
})

// Threats §2.L 371: parts that run into each other are other names.
it('a transfer and an attempt do not reach into each other', async () => {
  const ask = { grant: 'g', usesMax: 9, ttlMs: 60_000, expiresAt: Date.now() + 60_000 }
  const pairs = [
    ['a:b', 'c'],
    ['a', 'b:c'],
    ['a:', 'b:c'],
  ] as const
  for (const [transfer, attempt] of pairs) {
    expect(await store.claim({ ...ask, transfer, attempt })).toMatchObject({
      ...{ granted: true, resumed: false },
    })
  }
})

// Threats §2.L 371: texts are kept as they are, and nothing of them is a command.
it('entries of the journal come back as they were written', async () => {
  const texts = NAMES.filter((one) => one !== '' && one !== '\ud800' && one.length < 100_000)
  const { epoch, seq } = await store.journal.head()
  expect(await store.journal.append(texts, { epoch, seq })).toMatchObject({ appended: true })
  const page = await store.journal.entriesAfter(seq, texts.length)
  expect(page.entries.map(({ text }) => text)).toEqual(texts)
  expect((await keys()).filter((key) => !KEY.test(key))).toEqual([])
})

// Threats §2.L 371: whoever chooses a name does not choose the node of a cluster.
it('braces in a name do not choose a slot', async () => {
  const tagged = ['{same}1', '{same}2', '{same}3', '{same}4', '{same}5', '{same}6']
  for (const key of tagged) {
    await store.lease([{ key, windowMs: 60_000, max: 1, amount: 1 }])
  }
  expect((await keys()).some((key) => key.includes('same'))).toBe(false)
  const plain = createHash('sha256').update('{same}1').digest('hex')
  // The digest is of more than the name: a window and a grant of one name are two.
  expect((await keys()).some((key) => key.endsWith(plain))).toBe(false)
})
