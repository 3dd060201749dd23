/** Replicas of a journal that set locks, beside the gateways that follow it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReplica, type RunningReplica } from '../../gateway/assembly/replica/replica.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import type { JournalStore } from '../../gateway/domain/journal.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { setLock } from './replicas.ts'
import type { Cleanup } from './state-worlds.ts'

/** A replica in real time that is not started; `dir` is where it remembers. */
export function followAs(name: string, journal: JournalStore, dir: string): RunningReplica {
  return createReplica({
    ...{ journal, clock: systemClock, dir, seen: undefined },
    ...{ id: name, name: `test:${name}`, pollMs: 50, maxStalenessMs: 1_000 },
    schedule(run, delayMs) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
    onEvent: () => undefined,
    record: () => Promise.resolve(),
    recordLoss: () => Promise.resolve(),
  })
}

/** Another replica of the journal, which sets locks. */
export interface Locker {
  readonly replica: RunningReplica
  /** Locks `user:dev/<name>`. */
  lock(name: string): Promise<void>
}

/** Starts one over Redis, whose answers it waits for a second for. */
export async function startLocker(url: string, cleanup: Cleanup): Promise<Locker> {
  const target = parseRedisUrl(url)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 1_000, connectTimeoutMs: 1_000 }
  const store = createRedisStore({ target, prefix: 'modelgate', ...limits })
  cleanup.add(() => store.close())
  await store.whenUp()
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-locker-'))
  cleanup.add(() => rm(dir, { recursive: true, force: true }))
  const replica = followAs('locker', store.journal, dir)
  await replica.start()
  cleanup.add(() => replica.stop())
  return {
    replica,
    async lock(name) {
      await replica.run(setLock(name))
    },
  }
}

/** One that sets locks as fast as it can. */
export interface BusyLocker {
  /** The locks that were acknowledged, so far. */
  readonly acknowledged: readonly string[]
  /** The locks that it began to set, so far. */
  readonly begun: readonly string[]
  /** Ends it after the lock that it is at. */
  stop(): Promise<void>
}

/** Lets `locker` set locks `<name>-<n>`; one that failed is not set again. */
export function keepLocking(locker: Locker, name: string): BusyLocker {
  const [begun, acknowledged]: [string[], string[]] = [[], []]
  let isStopped = false
  const work = async (): Promise<void> => {
    while (!isStopped) {
      const next = `${name}-${begun.length}`
      begun.push(next)
      const isDone = await locker.lock(next).then(
        () => true,
        () => false,
      )
      if (isDone) acknowledged.push(next)
      // So that what is asked of a store that is down does not fill the turn.
      await new Promise((resolve) => setTimeout(resolve, isDone ? 5 : 20))
    }
  }
  const working = work()
  return {
    ...{ acknowledged, begun },
    async stop() {
      isStopped = true
      await working
    },
  }
}
