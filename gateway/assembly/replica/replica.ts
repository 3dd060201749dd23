/** The replica of the journal in this process: it follows by itself, from start to stop. */
import type { AccessReplica } from '../../access/replica.ts'
import type { ReadEntry } from '../../access/fold/entry.ts'
import type { AccessEvent } from '../../access/events.ts'
import type { Command } from '../../access/command.ts'
import type { Clock } from '../../domain/clock.ts'
import { JOURNAL_BATCH_MAX, type JournalStore } from '../../domain/journal.ts'
import { createCommandRunner } from './command-runner.ts'
import type { ReplicaEvent } from './events.ts'
import { Follower } from './follower.ts'
import type { Regression } from './regression.ts'
import { createSeenKeeper, type SeenKeeperDeps } from './seen-keeper.ts'
import type { SeenContent } from './seen-file.ts'
import { createUpkeep } from './upkeep.ts'
import { createUseBuffer } from './uses.ts'

/** What {@link createReplica} needs. */
export interface ReplicaDeps extends Pick<SeenKeeperDeps, 'recordLoss'> {
  readonly journal: JournalStore
  readonly clock: Clock
  /** Runs something once, later; the returned function takes it back. */
  readonly schedule: (run: () => void, delayMs: number) => () => void
  /** Of this process; at most 128 characters. */
  readonly id: string
  /** Host and process id, for people. */
  readonly name: string
  /** Time between two readings when nobody says that there is news. */
  readonly pollMs: number
  /** Older state is not relied on for privileged actions. */
  readonly maxStalenessMs: number
  /** `audit.dir`: where it is remembered how far the journal was known. */
  readonly dir: string
  /** What was remembered there; `undefined` at the first start. */
  readonly seen: SeenContent | undefined
  readonly onEvent: (event: ReplicaEvent) => void
  /** Puts on record what this process has appended, on disk; must not reject. */
  readonly record: (entries: readonly ReadEntry[]) => Promise<void>
}

/** The port, with its life. */
export interface RunningReplica extends AccessReplica {
  /** This process, as others know it. */
  readonly self: { readonly id: string; readonly name: string }
  /** Whether the journal was ever read: a replica that never was takes no callers. */
  readonly hasRead: boolean
  /** Set while the journal is not the one that was known. */
  readonly regression: Regression | undefined
  /** Why the journal cannot be understood; for as long as this process lives. */
  readonly damage: unknown
  /** See `AccessView.used`. */
  used(privilege: string, holder: string): void
  /** Resolves after the first reading, whatever came of it; goes on until {@link stop}. */
  start(): Promise<void>
  /** Ends; what is remembered, what was used, and that it leaves is told first. Never rejects. */
  stop(): Promise<void>
}

/** Builds a replica that knows nothing and is not fresh, until {@link RunningReplica.start}. */
export function createReplica(deps: ReplicaDeps): RunningReplica {
  const { journal, schedule, pollMs } = deps
  const follower = new Follower(deps)
  const run = createCommandRunner({ ...deps, follower })
  const uses = createUseBuffer(journal)
  const upkeep = createUpkeep({ ...deps, follower, uses })
  const seen = createSeenKeeper({ ...deps, follower })
  const restore = lockRestorer(deps, follower, run)
  let [isStopped, cancel, endHints] = [false, nothing, nothing]
  const tick = async (): Promise<void> => {
    await follower.refresh()
    if (isStopped) return
    restore()
    seen.turn()
    upkeep.turn()
    cancel = schedule(() => void tick(), pollMs)
  }
  return {
    self: { id: deps.id, name: deps.name },
    get state() {
      return follower.shown
    },
    get stalenessMs() {
      return follower.stalenessMs
    },
    get fresh() {
      return follower.fresh
    },
    get hasRead() {
      return follower.hasRead
    },
    get regression() {
      return follower.regression
    },
    get damage() {
      return follower.damage
    },
    get replicas() {
      return upkeep.replicas
    },
    now: () => follower.now(),
    run,
    onApplied: (listener) => follower.onApplied(listener),
    used: (privilege, holder) => uses.used(privilege, holder, follower.now()),
    start() {
      endHints = journal.onHint(() => void follower.refresh())
      return tick()
    },
    async stop() {
      isStopped = true
      cancel()
      endHints()
      await Promise.all([seen.flush(), uses.flush().catch(nothing), upkeep.leave()])
    },
  }
}

function nothing(): void {
  // There is nothing to take back yet, or nobody left to tell.
}

/** Writes locks that the journal has lost into it again: other replicas do not know them. */
function lockRestorer(
  { onEvent }: ReplicaDeps,
  follower: Follower,
  run: AccessReplica['run'],
): () => void {
  let isUnderWay = false
  const command: Command<readonly string[]> = (state) => {
    const missing = follower.lostLocks
      .filter(({ id }) => !state.locks.has(id))
      .slice(0, JOURNAL_BATCH_MAX)
    const events = missing.map((lock): AccessEvent => ({ type: 'lock.set', lock }))
    return { events, result: missing.map(({ id }) => id) }
  }
  return () => {
    if (isUnderWay || follower.lostLocks.length === 0) return
    isUnderWay = true
    run(command)
      .then((ruled) => {
        if ('done' in ruled) onEvent({ type: 'locks-restored', ids: ruled.done })
      })
      .catch((error: unknown) => onEvent({ type: 'upkeep-failed', what: 'lost locks', error }))
      .finally(() => (isUnderWay = false))
  }
}
