import { afterEach, describe, expect, it } from '@jest/globals'
import {
  createRedisStore,
  parseRedisUrl,
  type RedisStore,
} from '../../gateway/store/redis-store.ts'
import { appendTill, readAll } from '../support/journal-contract.ts'
import { rawCommand, startRedis, type TestRedis } from '../support/redis.ts'
import { AT_ONCE, documentedUser, startFollower } from '../support/redis-topologies.ts'
import { until } from '../support/world-files.ts'

const TIMEOUT_MS = 300
const UNAVAILABLE = { code: 'ERR_STORE_UNAVAILABLE' }

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function start(args: readonly string[] = []): Promise<TestRedis> {
  const redis = await startRedis(args)
  opened.push(() => redis.close())
  return redis
}

async function connect(url: string, waitReplicas = 0, timeoutMs = 200): Promise<RedisStore> {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: TIMEOUT_MS, connectTimeoutMs: 1_000 }
  const wait = waitReplicas === 0 ? {} : { wait: { replicas: waitReplicas, timeoutMs } }
  const store = createRedisStore({ target, prefix: 'mg', ...limits, ...wait })
  opened.push(() => store.close())
  await store.whenUp()
  return store
}

const key = (name: string): string => `mg:{journal}:${name}`

describe('the journal in a Redis that', () => {
  // Threats §2.L 367: what was lost shows as another epoch.
  it('was emptied is another one, and takes nothing that was decided on the old one', async () => {
    const redis = await start()
    const { journal } = await connect(redis.url)
    const head = await journal.head()
    await appendTill(journal, 'a')
    await redis.command('FLUSHALL')
    const refused = await journal.append(['b'], { ...head, seq: 1 })
    expect(refused).toMatchObject({ appended: false, head: { seq: 0 } })
    expect((await journal.head()).epoch).not.toBe(head.epoch)
  })

  it('went back to an earlier state has the same epoch and a lower number', async () => {
    const redis = await start()
    const { journal } = await connect(redis.url)
    await appendTill(journal, 'a')
    const [log, head] = await Promise.all(
      ['log', 'head'].map((name) => redis.command('COPY', key(name), key(`${name}-before`))),
    )
    expect([log, head]).toEqual([1, 1])
    const seen = { epoch: (await journal.head()).epoch, seq: await appendTill(journal, 'b') }
    for (const name of ['log', 'head']) {
      await redis.command('COPY', key(`${name}-before`), key(name), 'REPLACE')
    }
    expect(await journal.head()).toMatchObject({ epoch: seen.epoch, seq: 1 })
    expect(await journal.append(['c'], seen)).toMatchObject({ appended: false })
  })

  it('dropped a part of it answers nothing, and begins nothing anew', async () => {
    const redis = await start()
    const store = await connect(redis.url)
    const { journal } = store
    for (const name of ['log', 'head', 'snapshot']) {
      await redis.command('FLUSHALL')
      const { epoch } = await journal.head()
      await journal.append(['a', 'b'], { epoch, seq: 0 })
      await journal.keepSnapshot({ epoch, seq: 1, text: 's' }, 0)
      await redis.command('DEL', key(name))
      await expect(journal.snapshot()).rejects.toMatchObject(UNAVAILABLE)
      if (name === 'snapshot') continue
      await expect(journal.head()).rejects.toMatchObject(UNAVAILABLE)
      await expect(journal.append(['c'], { epoch, seq: 2 })).rejects.toMatchObject(UNAVAILABLE)
      expect(store.healthy).toBe(true)
    }
  })

  // Threats §2.L 365.
  it('hangs fails appends within their time', async () => {
    const redis = await start()
    const { journal } = await connect(redis.url)
    const head = await journal.head()
    redis.signal('SIGSTOP')
    const started = performance.now()
    await expect(journal.append(['a'], head)).rejects.toMatchObject(UNAVAILABLE)
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 500)
    redis.signal('SIGCONT')
  })

  // Threats §2.L 373.
  it('forgot its scripts is given them again', async () => {
    const redis = await start()
    const { journal } = await connect(redis.url, 0)
    await appendTill(journal, 'a')
    await redis.command('SCRIPT', 'FLUSH')
    expect(await appendTill(journal, 'b')).toBe(2)
  })

  // Threats §2.L 370.
  it('gives hints of others, and forged ones harm nothing', async () => {
    const redis = await start()
    const [one, other] = [await connect(redis.url), await connect(redis.url)]
    let hints = 0
    one.journal.onHint(() => (hints += 1))
    await until('the first hint', () => hints > 0)
    const before = hints
    await appendTill(other.journal, 'a')
    await until('a hint of the other', () => hints > before)
    await redis.command('PUBLISH', key('hint'), '{"seq":999}')
    await until('a forged hint', () => hints > before + 1)
    expect(await readAll(one.journal)).toHaveLength(1)
  })

  // Threats §2.L 367, 368.
  it('must wait for replicas refuses what too few of them have', async () => {
    const master = await start()
    const store = await connect(master.url, 1)
    const head = await store.journal.head()
    const claim = {
      ...{ grant: 'g', transfer: 't', attempt: 'a', usesMax: 1, ttlMs: 60_000 },
      expiresAt: Date.now() + 60_000,
    }
    await expect(store.journal.append(['a'], head)).rejects.toMatchObject(UNAVAILABLE)
    await expect(store.claim(claim)).rejects.toMatchObject(UNAVAILABLE)
    expect(store.healthy).toBe(true)
  })

  // Threats §2.L 367, 373.
  it('has a replica that follows answers once that has it, scripts forgotten or not', async () => {
    const master = await start(AT_ONCE)
    const follower = await startFollower(master)
    opened.push(() => follower.close())
    // Long enough for a replica on a machine that does other things as well.
    const { journal } = await connect(master.url, 1, 3_000)
    expect(await appendTill(journal, 'a')).toBe(1)
    // The replica has it at the moment of the answer, not some time later.
    expect(await follower.command('XLEN', key('log'))).toBe(1)
    await master.command('SCRIPT', 'FLUSH')
    expect(await appendTill(journal, 'b')).toBe(2)
    expect(await follower.command('XLEN', key('log'))).toBe(2)
    follower.signal('SIGSTOP')
    const head = await journal.head()
    await expect(journal.append(['c'], head)).rejects.toMatchObject(UNAVAILABLE)
    follower.signal('SIGCONT')
    // What was not acknowledged is there, and whoever asks again finds out.
    expect(await journal.append(['c'], head)).toMatchObject({ appended: false })
    await until('an append that is acknowledged', () =>
      appendTill(journal, 'd').then(
        () => true,
        () => false,
      ),
    )
  }, 60_000)

  // Threats §2.L 373.
  it('runs a script without end fails asks in time, and is good again when that is killed', async () => {
    const redis = await start(['--busy-reply-threshold', '50'])
    const store = await connect(redis.url)
    const { journal } = store
    const head = await journal.head()
    const endless = rawCommand(redis.port, 'EVAL "while true do end" 0')
    const busy = async (): Promise<boolean> =>
      (await rawCommand(redis.port, 'PING')).startsWith('-BUSY')
    await until('Redis to be busy', busy)
    for (const ask of [journal.append(['a'], head), journal.head(), journal.entriesAfter(0, 9)]) {
      const started = performance.now()
      await expect(ask).rejects.toMatchObject(UNAVAILABLE)
      expect(performance.now() - started).toBeLessThan(TIMEOUT_MS + 500)
    }
    expect(store.healthy).toBe(false)
    const killed = async (): Promise<boolean> =>
      (await rawCommand(redis.port, 'SCRIPT KILL')).startsWith('+OK')
    await until('the script to be killed', killed)
    expect(await endless).toMatch(/^-/)
    await until('the store to be up', () => store.healthy)
    expect(await journal.append(['a'], head)).toMatchObject({ appended: true, seq: 1 })
    expect(await readAll(journal)).toHaveLength(1)
  }, 20_000)

  // Threats §2.L 376.
  it('lets the gateway do what the documentation says, and no more, is enough', async () => {
    const redis = await start()
    await redis.command(
      'ACL',
      'SETUSER',
      'gateway',
      ...(await documentedUser('secret')),
      '+scan',
      '+wait',
    )
    const store = await connect(`redis://gateway:secret@127.0.0.1:${redis.port}`)
    const { journal, contents } = store
    let hints = 0
    journal.onHint(() => (hints += 1))
    await until('the subscription', () => hints > 0)
    const seq = await appendTill(journal, 'a')
    const { epoch } = await journal.head()
    await journal.keepSnapshot({ epoch, seq, text: 's' }, 0)
    await journal.noteUses([{ privilege: 'p', at: Date.now() }])
    expect([await journal.uses(), await journal.cursor('c', 1)]).toHaveLength(2)
    expect(await journal.announce({ id: 'a', seq, name: 'a' }, 1_000)).toHaveLength(1)
    await contents.beginJournal()
    await contents.putEntries([{ seq: 1, at: 1, text: 'x' }])
    await contents.finishJournal({ epoch, seq: 1, at: 1, trimmedTo: 0, cursors: [['c', 1]] })
    expect(await readAll(journal)).toHaveLength(1)
    for await (const kept of contents.grantUses()) expect(kept).toBeUndefined()
  })
})
