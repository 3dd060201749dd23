/**
 * The state as this process has it: follows the journal and says how far it can be relied on. A
 * journal that has lost what was acknowledged is followed too, for what it takes away; nothing
 * privileged relies on it until it is itself again, or somebody accepts the loss (threats §2.L).
 */
import type { ReadEntry } from '../../access/fold/entry.ts'
import { fold } from '../../access/fold/fold.ts'
import type { Lock } from '../../access/lock.ts'
import type { Applied } from '../../access/replica.ts'
import type { AccessState } from '../../access/state.ts'
import type { Clock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { JournalEntry, JournalStore } from '../../domain/journal.ts'
import type { ReplicaEvent } from './events.ts'
import { readOn, readWhole, type FollowDeps, type FollowedTo, type ReadOn } from './follow.ts'
import { placeOf } from './history.ts'
import {
  digestOf,
  markOf,
  NOWHERE,
  readToOf,
  seenOf,
  type Position,
  type Seen,
} from './position.ts'
import { locksInForce, withLocks, type Regression } from './regression.ts'
import { createStoreTime } from './store-time.ts'

/** Entries of which is known how they read, to find an append whose answer was lost. */
const RECENT_MAX = 512

/** What {@link Follower} needs. */
export interface FollowerDeps {
  readonly journal: JournalStore
  readonly clock: Clock
  readonly maxStalenessMs: number
  /** How far the journal was known before this start. */
  readonly seen: Seen | undefined
  readonly onEvent: (event: ReplicaEvent) => void
}

/** Follows one journal. Work on it goes through {@link Follower.exclusive}, one after the other. */
export class Follower {
  /** What the journal itself amounts to. */
  journalled: Position = NOWHERE
  /** As requests see it: with the locks that the journal has lost. */
  shown: AccessState = NOWHERE.state
  /** Up to where the journal has only a snapshot. */
  trimmedTo = 0
  /** Set while the journal is not the one that was known. */
  regression: Regression | undefined
  /** Why the journal cannot be understood; for as long as this process lives. */
  damage: unknown
  /** In force by what was known, and not in the journal any more. */
  lostLocks: readonly Lock[] = []
  hasRead = false
  private knownAtMs = -Infinity
  private askedAtMs = -Infinity
  private readonly listeners: ((applied: Applied) => void)[] = []
  private readonly recent = new Map<number, string>()
  private turn: Promise<unknown> = Promise.resolve()
  private nextRead: Promise<void> | undefined
  private readonly deps: FollowerDeps
  private readonly time
  private readonly following: FollowDeps

  constructor(deps: FollowerDeps) {
    const { clock, journal } = deps
    this.deps = deps
    this.time = createStoreTime(clock)
    this.following = {
      journal,
      monotonicMs: () => clock.monotonicMs(),
      onAnswer: ({ now }, askedAtMs) => {
        this.time.observe(now, askedAtMs)
        this.askedAtMs = askedAtMs
      },
    }
  }

  get stalenessMs(): number {
    return this.deps.clock.monotonicMs() - this.knownAtMs
  }

  get fresh(): boolean {
    const isKnown = this.regression === undefined && this.damage === undefined
    return isKnown && this.stalenessMs <= this.deps.maxStalenessMs
  }

  now(): number {
    return this.time.now()
  }

  onApplied(listener: (applied: Applied) => void): void {
    this.listeners.push(listener)
  }

  /** Does `work` when everything that was asked for before is over. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work)
    this.turn = result.catch(() => undefined)
    return result
  }

  /** Reads on; calls before it begins are one. Never rejects: failures are told. */
  refresh(): Promise<void> {
    this.nextRead ??= this.exclusive(() => {
      this.nextRead = undefined
      return this.read().catch(() => undefined)
    })
    return this.nextRead
  }

  /** Only within {@link exclusive}. @throws ERR_STORE_UNAVAILABLE, and it was told */
  async read(): Promise<void> {
    try {
      if (this.damage === undefined) await this.readNow()
    } catch (error) {
      this.deps.onEvent({ type: 'unavailable', error })
      throw error
    }
    if (this.damage !== undefined) throw notUnderstood(this.damage)
  }

  /** Takes over what this process itself has added. Only within {@link exclusive}. */
  takeOwn(entries: readonly JournalEntry[], events: readonly ReadEntry[]): void {
    const last = entries.at(-1)
    if (last === undefined) return
    const { journalled } = this
    const state = fold(journalled.state, events)
    const position = { state, last: markOf(last), readTo: readToOf(journalled) }
    this.apply(position, entries, events)
  }

  /** Whether the entry has this text; `undefined` when that is not known any more. */
  isAt(seq: number, text: string): boolean | undefined {
    const digest = this.recent.get(seq)
    return digest === undefined ? undefined : digest === digestOf(text)
  }

  /** The journal is relied on again. */
  settle(how: 'returned' | 'accepted'): void {
    this.regression = undefined
    if (how === 'returned') this.lostLocks = []
    this.deps.onEvent({ type: 'settled', how })
    this.apply(this.journalled, [], [])
  }

  private async readNow(): Promise<void> {
    const { following, hasRead, journalled } = this
    let read = hasRead ? await readOn(following, journalled) : await readWhole(following)
    if (read.followed.kind === 'regressed') {
      this.regress(read.followed.lost ?? seenOf(journalled), read.followed.head)
      read = await readWhole(following)
    }
    const { followed } = read
    // It changed once more between two asks: the next reading sees what it is then.
    if (followed.kind === 'regressed') throw changing()
    if (!hasRead) await this.compareWithSeen(followed.position)
    const knownTo = hasRead ? readToOf(journalled) : this.deps.seen?.seq
    this.lookForLost(followed, knownTo)
    this.take(followed, read.damage)
    await this.lookForKnown()
  }

  private take(followed: FollowedTo, damage: ReadOn['damage']): void {
    const { position, entries, events, trimmedTo } = followed
    this.hasRead = true
    this.trimmedTo = trimmedTo
    this.apply(position, entries, events)
    if (damage === undefined) {
      this.knownAtMs = this.askedAtMs
      this.deps.onEvent({ type: 'read', seq: position.state.seq })
      return
    }
    this.damage = damage
    this.deps.onEvent({ type: 'damaged', seq: position.state.seq + 1, error: damage })
  }

  private apply(
    position: Position,
    entries: readonly JournalEntry[],
    events: Applied['events'],
  ): void {
    const before = this.shown
    this.journalled = position
    this.lostLocks = this.lostLocks.filter(({ id }) => !position.state.locks.has(id))
    this.shown = withLocks(position.state, this.lostLocks)
    for (const { seq, text } of entries) this.recent.set(seq, digestOf(text))
    for (const seq of this.recent.keys()) {
      if (this.recent.size <= RECENT_MAX) break
      this.recent.delete(seq)
    }
    const { epoch, seq, locks } = this.shown
    if (before.epoch === epoch && before.seq === seq && before.locks === locks) return
    // Who follows events alone must begin anew where they do not tell everything.
    const tellsAll = before.epoch === epoch && before.seq + events.length === seq
    const applied = { before, after: this.shown, events: tellsAll ? events : [] }
    for (const listener of this.listeners) this.tell(listener, applied)
  }

  private tell(listener: (applied: Applied) => void, applied: Applied): void {
    try {
      listener(applied)
    } catch (error) {
      this.deps.onEvent({ type: 'upkeep-failed', what: 'a listener', error })
    }
  }

  /** What was known first stays what is looked for. */
  private regress(lost: Seen, { epoch, seq }: { epoch: string; seq: number }): void {
    const known = this.regression?.known ?? lost
    const isNew = this.regression?.found.epoch !== epoch
    this.lostLocks = locksInForce(this.shown, this.now())
    this.regression = { known, found: { epoch, seq } }
    this.recent.clear()
    if (isNew) this.deps.onEvent({ type: 'regressed', known, found: { epoch, seq } })
  }

  private async compareWithSeen({ state }: Position): Promise<void> {
    const { seen, journal } = this.deps
    if (seen === undefined) return
    const place = await placeOf(seen, state, journal)
    if (place === 'other') this.regress(seen, state)
  }

  /** Somebody has added to it what was decided on entries that are not there. */
  private lookForLost({ lost, position }: FollowedTo, knownTo = Infinity): void {
    if (lost !== undefined && lost.seq >= knownTo) this.regress(lost, position.state)
  }

  /** A replica that talked to the wrong one for a while is back where it was. */
  private async lookForKnown(): Promise<void> {
    if (this.regression === undefined) return
    const place = await placeOf(this.regression.known, this.journalled.state, this.deps.journal)
    if (place === 'same') this.settle('returned')
  }
}

function notUnderstood(cause: unknown): GatewayError {
  return new GatewayError('ERR_STORE_UNAVAILABLE', 'the journal cannot be understood', { cause })
}

function changing(): GatewayError {
  return new GatewayError('ERR_STORE_UNAVAILABLE', 'the journal changes while it is read')
}
