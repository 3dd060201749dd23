/** Replicas of a journal whose time and faults a test moves by hand. */
import type { Command } from '../../gateway/access/command.ts'
import type { ReadEntry } from '../../gateway/access/fold/entry.ts'
import type { Lock } from '../../gateway/access/lock.ts'
import { readSeen, type AcceptedLoss } from '../../gateway/assembly/replica/seen-file.ts'
import type { ReplicaEvent } from '../../gateway/assembly/replica/events.ts'
import {
  createReplica,
  type ReplicaDeps,
  type RunningReplica,
} from '../../gateway/assembly/replica/replica.ts'
import type { Clock } from '../../gateway/domain/clock.ts'
import { GatewayError } from '../../gateway/domain/errors.ts'
import type { JournalStore } from '../../gateway/domain/journal.ts'

/** A clock that stands still until it is told. */
export interface HandClock extends Clock {
  advance(ms: number): void
  /** Moves the wall clock alone. */
  step(ms: number): void
}

/** Begins at an instant of 2023. */
export function handClock(): HandClock {
  let [wall, mono] = [1_700_000_000_000, 5_000]
  return {
    now: () => wall,
    monotonicMs: () => mono,
    advance(ms) {
      wall += ms
      mono += ms
    },
    step: (ms) => void (wall += ms),
  }
}

/** What a test does to the store on the way. */
export interface Faults {
  /** Every ask fails. */
  isDown: boolean
  /** Appends are done, and their answers lost. */
  losesAnswers: number
  /** Appends fail and are not done. */
  losesAppends: number
  /** Called before each append reaches the store. */
  beforeAppend: (() => Promise<unknown>) | undefined
}

/** `journal` with faults. */
export function faulty(journal: () => JournalStore): JournalStore & { readonly faults: Faults } {
  const faults: Faults = {
    isDown: false,
    losesAnswers: 0,
    losesAppends: 0,
    beforeAppend: undefined,
  }
  const down = () => new GatewayError('ERR_STORE_UNAVAILABLE', 'the test says so')
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    if (faults.isDown) throw down()
    return work()
  }
  return {
    faults,
    head: () => ask(() => journal().head()),
    async append(texts, after) {
      const { beforeAppend } = faults
      faults.beforeAppend = undefined
      await beforeAppend?.()
      if (faults.losesAppends-- > 0) throw down()
      const appended = await ask(() => journal().append(texts, after))
      if (faults.losesAnswers-- > 0) throw down()
      return appended
    },
    entriesAfter: (...parts) => ask(() => journal().entriesAfter(...parts)),
    snapshot: () => ask(() => journal().snapshot()),
    keepSnapshot: (...parts) => ask(() => journal().keepSnapshot(...parts)),
    onHint: (listener) => journal().onHint(listener),
    announce: (...parts) => ask(() => journal().announce(...parts)),
    noteUses: (uses) => ask(() => journal().noteUses(uses)),
    uses: () => ask(() => journal().uses()),
    cursor: (...parts) => ask(() => journal().cursor(...parts)),
  }
}

/** A replica, and what it told. */
export interface TestReplica {
  readonly replica: RunningReplica
  readonly events: ReplicaEvent[]
  readonly recorded: ReadEntry[]
  readonly losses: AcceptedLoss[]
  /** Runs what is scheduled, and waits until it has read on. */
  readonly tick: () => Promise<void>
  readonly kinds: () => readonly string[]
}

/** Starts one. `dir` is where it remembers. */
export async function startReplica(
  options: Pick<ReplicaDeps, 'journal' | 'clock' | 'dir'> & Partial<ReplicaDeps>,
): Promise<TestReplica> {
  const events: ReplicaEvent[] = []
  const recorded: ReadEntry[] = []
  const losses: AcceptedLoss[] = []
  const due: (() => void)[] = []
  const id = options.id ?? 'one'
  const replica = createReplica({
    id,
    name: `test:${id}`,
    pollMs: 100,
    maxStalenessMs: 5_000,
    seen: await readSeen(options.dir),
    schedule(run, delayMs) {
      // Only polls are moved by hand: waits after lost answers are short.
      if (delayMs !== 100) setImmediate(run)
      else due.push(run)
      return () => undefined
    },
    onEvent: (event) => void events.push(event),
    record: (entries) => Promise.resolve(void recorded.push(...entries)),
    recordLoss: (accepted) => Promise.resolve(void losses.push(accepted)),
    ...options,
  })
  await replica.start()
  return {
    replica,
    events,
    recorded,
    losses,
    async tick() {
      for (const run of due.splice(0)) run()
      const isBack = () => due.length > 0
      for (let turn = 0; turn < 1_000 && !isBack(); turn += 1) {
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    kinds: () => events.map(({ type }) => type),
  }
}

/** A lock on `user:dev/<name>`. */
export function lockOf(name: string, more: Partial<Lock> = {}): Lock {
  return {
    id: `lock-${name}`,
    target: { kind: 'user', id: `user:dev/${name}` },
    reason: 'a test',
    cause: { kind: 'operator' },
    by: 'user:dev/olga',
    person: 'person:olga',
    at: 1,
    ...more,
  }
}

/** Sets it, unless it is set. */
export function setLock(name: string): Command<string> {
  return (state) => {
    const lock = lockOf(name)
    if (state.locks.has(lock.id)) return { declined: 'already_done', detail: 'It is set.' }
    return { events: [{ type: 'lock.set', lock }], result: lock.id }
  }
}
