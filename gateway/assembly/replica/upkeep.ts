/** What has to be done beside following a journal: saying that one is there, snapshots, uses. */
import { sizeOfState } from '../../access/size.ts'
import { snapshotText } from '../../access/snapshot.ts'
import type { Clock } from '../../domain/clock.ts'
import {
  JOURNAL_SNAPSHOT_MAX,
  type JournalStore,
  type ReplicaNotice,
} from '../../domain/journal.ts'
import type { ReplicaEvent } from './events.ts'
import type { Follower } from './follower.ts'
import type { UseBuffer } from './uses.ts'

/** Time between two announcements, and how long one holds. */
const ANNOUNCE_MS = 2_000
const ANNOUNCED_MS = 10_000

/** How long the last announcement holds: the least that a store takes. */
const GONE_MS = 1

/** Entries between two snapshots. */
const SNAPSHOT_EVERY = 1_024

/** Time between two snapshots when there were fewer. */
const SNAPSHOT_MS = 600_000

/** Entries that stay beside the snapshot that has them. */
const ENTRIES_KEPT = 2_048

/** Entries that stay for somebody who has not come so far. */
const ENTRIES_KEPT_MAX = 65_536

/** Time between two times that the store is told of uses. */
const USES_MS = 30_000

/** Whose cursor entries are kept for. */
const WEBHOOKS = 'webhooks'

/** What {@link createUpkeep} needs. */
export interface UpkeepDeps {
  readonly journal: JournalStore
  readonly follower: Follower
  readonly clock: Clock
  readonly id: string
  readonly name: string
  readonly uses: UseBuffer
  readonly onEvent: (event: ReplicaEvent) => void
}

/** Does each thing when it is due; what fails is told, and done with the next turn. */
export interface Upkeep {
  /** Begins what is due and not under way. Never throws. */
  turn(): void
  /** Says that nobody is there any more. Never rejects: without it, that is known a little later. */
  leave(): Promise<void>
  /** Who works with this journal, as of the last announcement. */
  readonly replicas: readonly ReplicaNotice[]
}

/** Begins with everything due. */
export function createUpkeep(deps: UpkeepDeps): Upkeep {
  const { journal, follower, clock, id, name, uses, onEvent } = deps
  let replicas: readonly ReplicaNotice[] = []
  const announce = async (): Promise<void> => {
    const { seq } = follower.journalled.state
    replicas = await journal.announce({ id, name, seq }, ANNOUNCED_MS)
    onEvent({ type: 'replicas', count: replicas.length })
  }
  const keepSnapshot = snapshotKeeper(deps, () => replicas)
  const jobs = [
    job(clock, { what: 'the announcement', everyMs: ANNOUNCE_MS, run: announce }, onEvent),
    job(clock, { what: 'uses', everyMs: USES_MS, run: () => uses.flush() }, onEvent),
    job(clock, { what: 'a snapshot', everyMs: ANNOUNCE_MS, run: keepSnapshot }, onEvent),
  ]
  return {
    get replicas() {
      return replicas
    },
    turn() {
      if (follower.hasRead) for (const begin of jobs) begin()
    },
    async leave() {
      if (!follower.hasRead) return
      const { seq } = follower.journalled.state
      await journal.announce({ id, name, seq }, GONE_MS).catch(() => undefined)
    },
  }
}

interface Job {
  readonly what: string
  readonly everyMs: number
  readonly run: () => Promise<void>
}

function job(
  clock: Clock,
  { what, everyMs, run }: Job,
  onEvent: UpkeepDeps['onEvent'],
): () => void {
  let begunAtMs = -Infinity
  let isUnderWay = false
  return () => {
    const nowMs = clock.monotonicMs()
    if (isUnderWay || nowMs - begunAtMs < everyMs) return
    begunAtMs = nowMs
    isUnderWay = true
    run()
      .catch((error: unknown) => onEvent({ type: 'upkeep-failed', what, error }))
      .finally(() => (isUnderWay = false))
  }
}

/** Keeps a snapshot when it is this replica's turn; never of what is not relied on. */
function snapshotKeeper(
  { journal, follower, clock, id, onEvent }: UpkeepDeps,
  replicas: () => readonly ReplicaNotice[],
): () => Promise<void> {
  let kept = { seq: follower.journalled.state.seq, atMs: clock.monotonicMs() }
  return async () => {
    const { state } = follower.journalled
    if (state.seq < kept.seq) kept = { seq: 0, atMs: kept.atMs }
    const isLate = state.seq - follower.trimmedTo > ENTRIES_KEPT + 2 * SNAPSHOT_EVERY
    const isMine = isLate || turnOf(replicas(), state.seq) === id
    const news = state.seq - Math.max(kept.seq, follower.trimmedTo)
    const isOld = news > 0 && clock.monotonicMs() - kept.atMs >= SNAPSHOT_MS
    if (!follower.fresh || !isMine || (news < SNAPSHOT_EVERY && !isOld)) return
    // Known beforehand: to write what is too large would hold up every request.
    if (sizeOfState(state) > JOURNAL_SNAPSHOT_MAX) throw new RangeError('the state is too large')
    const text = snapshotText(state)
    if (text.length > JOURNAL_SNAPSHOT_MAX) throw new RangeError('the state is too large')
    const cursor = await journal.cursor(WEBHOOKS)
    const missed = cursor === 0 ? 0 : state.seq - cursor
    const keep = Math.min(Math.max(ENTRIES_KEPT, missed), ENTRIES_KEPT_MAX)
    await journal.keepSnapshot({ epoch: state.epoch, seq: state.seq, text }, keep)
    kept = { seq: state.seq, atMs: clock.monotonicMs() }
    onEvent({ type: 'snapshot-kept', seq: state.seq })
  }
}

/** Who keeps the snapshot of these entries: each of the replicas in turn. */
function turnOf(replicas: readonly ReplicaNotice[], seq: number): string | undefined {
  const ids = replicas.map(({ id }) => id).sort()
  return ids[Math.floor(seq / SNAPSHOT_EVERY) % Math.max(ids.length, 1)]
}
