import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from '@jest/globals'
import type { Command } from '../../gateway/access/command.ts'
import { snapshotText } from '../../gateway/access/snapshot.ts'
import type { JournalStore } from '../../gateway/domain/journal.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { startRedis } from '../support/redis.ts'
import { handClock, lockOf, startReplica, type HandClock } from '../support/replicas.ts'
import { until } from '../support/world-files.ts'

const ENTRIES = 5_000
const BATCH = 50
/** What stays beside a snapshot, and what comes until the next one. */
const KEPT_MAX = 2_048 + 1_024

const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** Opens a journal, as often as there are replicas of it. */
type Opener = (clock: HandClock) => Promise<() => Promise<JournalStore>>

async function newFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-trim-'))
  opened.push(() => rm(dir, { recursive: true, force: true }))
  return dir
}

const inMemory: Opener = (clock) => {
  const { journal } = createMemoryStore({ clock })
  return Promise.resolve(() => Promise.resolve(journal))
}

const inFolder: Opener = async (clock) => {
  const dir = await newFolder()
  return async () => {
    const store = await openEmbeddedStore({ dir, clock, timeoutMs: 10_000 })
    opened.push(() => store.close())
    return store.journal
  }
}

const inRedis: Opener = async (clock) => {
  const redis = await startRedis()
  opened.push(() => redis.close())
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 5_000, connectTimeoutMs: 5_000 }
  return async () => {
    const store = createRedisStore({ target, prefix: 'mg', ...limits, now: () => clock.now() })
    opened.push(() => store.close())
    await store.whenUp()
    return store.journal
  }
}

/** Sets and lifts locks in turn, so that the state has something to forget as well. */
function changes(first: number): Command<undefined> {
  return () => ({
    events: Array.from({ length: BATCH }, (_, i) => {
      const n = first + i
      if (n % 2 === 0) return { type: 'lock.set', lock: lockOf(`${n}`) }
      const by = ['user:dev/olga']
      return { type: 'lock.lifted', id: `lock-${n - 1}`, by, reason: 'it is over' }
    }),
    result: undefined,
  })
}

it.each([
  ['in memory', inMemory],
  ['in a folder', inFolder],
  ['in Redis', inRedis],
])(
  'a journal %s stays bounded, and who comes late knows what the others know',
  async (_, opener) => {
    const clock = handClock()
    const open = await opener(clock)
    const begin = async (id: string) => {
      const journal = await open()
      const one = await startReplica({ id, journal, clock, dir: await newFolder() })
      opened.push(() => one.replica.stop())
      return one
    }
    const journal = await open()
    const [one, other, sleeper] = [await begin('one'), await begin('other'), await begin('sleeper')]
    const kept = async (): Promise<number> => {
      clock.advance(2_000)
      await Promise.all([one.tick(), other.tick()])
      const { seq, trimmedTo } = await journal.entriesAfter(0, 1)
      return seq - trimmedTo
    }
    for (let n = 0; n < ENTRIES; n += BATCH) {
      await (n % 3 === 0 ? one : other).replica.run(changes(n))
      await until('the journal to be trimmed', async () => (await kept()) <= KEPT_MAX)
    }
    const head = await journal.head()
    expect(head.seq).toBe(ENTRIES)
    expect((await journal.snapshot())?.seq).toBeGreaterThan(ENTRIES - 2_048)

    // One that begins now, and one that has read nothing since the beginning.
    const late = await begin('late')
    await until('everybody to have read all', async () => {
      await Promise.all([one, other, sleeper].map((each) => each.tick()))
      return [one, other, sleeper, late].every(({ replica }) => replica.state.seq === head.seq)
    })
    const texts = [one, other, sleeper, late].map(({ replica }) => snapshotText(replica.state))
    expect(new Set(texts).size).toBe(1)
    expect([sleeper, late].map(({ replica }) => replica.fresh)).toEqual([true, true])
  },
  120_000,
)
