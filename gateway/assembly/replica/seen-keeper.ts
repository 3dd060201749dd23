/** Keeps the file of how far the journal was known, and looks for the word of an operator. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../domain/clock.ts'
import type { ReplicaEvent } from './events.ts'
import type { Follower } from './follower.ts'
import { seenOf } from './position.ts'
import { ACCEPTED_FILE, readAccepted, writeSeen, type AcceptedLoss } from './seen-file.ts'

/** Shortest time between two writes. */
const WRITE_MS = 1_000

/** What {@link createSeenKeeper} needs. */
export interface SeenKeeperDeps {
  /** `audit.dir`. */
  readonly dir: string
  readonly follower: Follower
  readonly clock: Clock
  readonly onEvent: (event: ReplicaEvent) => void
  /** Puts on record that a loss is accepted, on disk; it is not accepted when that fails. */
  readonly recordLoss: (
    accepted: AcceptedLoss,
    found: { readonly epoch: string; readonly seq: number },
  ) => Promise<void>
}

/** See {@link createSeenKeeper}. */
export interface SeenKeeper {
  /** Does what is due. Never throws. */
  turn(): void
  /** Writes what is not written yet. Never rejects. */
  flush(): Promise<void>
}

/** Begins with nothing written. */
export function createSeenKeeper(deps: SeenKeeperDeps): SeenKeeper {
  const { dir, follower, clock, onEvent } = deps
  let written = ''
  let atMs = -Infinity
  let underWay: Promise<void> | undefined
  const write = async (): Promise<void> => {
    const { regression, journalled } = follower
    const content =
      regression === undefined
        ? seenOf(journalled)
        : { ...regression.known, found: regression.found }
    const text = JSON.stringify(content)
    if (text === written) return
    await writeSeen(dir, content)
    written = text
  }
  const work = async (): Promise<void> => {
    try {
      if (follower.regression !== undefined) await takeUp(deps)
      await write()
    } catch (error) {
      onEvent({ type: 'upkeep-failed', what: 'how far the journal is known', error })
    }
  }
  const begin = (): Promise<void> => {
    atMs = clock.monotonicMs()
    underWay = work().finally(() => (underWay = undefined))
    return underWay
  }
  return {
    turn() {
      if (!follower.hasRead || underWay !== undefined) return
      if (clock.monotonicMs() - atMs >= WRITE_MS) void begin()
    },
    async flush() {
      await underWay
      if (follower.hasRead) await begin()
    },
  }
}

/** Only the loss that the operator was shown is accepted. */
async function takeUp({ dir, follower, recordLoss }: SeenKeeperDeps): Promise<void> {
  const accepted = await readAccepted(dir)
  const { regression } = follower
  if (accepted === undefined || regression === undefined) return
  const { known, found } = regression
  const isThis =
    accepted.known.epoch === known.epoch &&
    accepted.known.seq === known.seq &&
    accepted.found.epoch === found.epoch
  if (!isThis) return
  await recordLoss(accepted, found)
  await follower.exclusive(() => {
    if (follower.regression === regression) follower.settle('accepted')
    return Promise.resolve()
  })
  await rm(join(dir, ACCEPTED_FILE), { force: true })
}
