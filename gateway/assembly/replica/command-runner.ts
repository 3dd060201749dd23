/** Runs commands on the journal, one after the other, each decided on the newest state. */
import { isDeclined, type Command, type Declined } from '../../access/command.ts'
import type { ReadEntry } from '../../access/fold/entry.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { JournalStore } from '../../domain/journal.ts'
import { decideOn, entriesOf, landingOf, readBack, type Attempt } from './commands.ts'
import type { ReplicaEvent } from './events.ts'
import type { Follower } from './follower.ts'
import { isRestricting } from './regression.ts'

/** Times a command is decided because somebody else was faster, or an answer was lost. */
const ATTEMPTS_MAX = 8

/** Commands that may wait for their turn. */
const WAITING_MAX = 1_000

/** First wait after an answer was lost; each is twice the one before. */
const LOST_WAIT_MS = 25

/** What {@link createCommandRunner} needs. */
export interface CommandRunnerDeps {
  readonly follower: Follower
  readonly journal: Pick<JournalStore, 'append'>
  readonly schedule: (run: () => void, delayMs: number) => () => void
  readonly onEvent: (event: ReplicaEvent) => void
  /** Puts on record what this process has appended; what was done stays done when it cannot. */
  readonly record: (entries: readonly ReadEntry[]) => Promise<void>
}

/** See `AccessReplica.run`. */
export type RunCommand = <T>(command: Command<T>) => Promise<{ readonly done: T } | Declined>

interface Done<T> {
  readonly result: T
  readonly entries: readonly ReadEntry[]
}

/** What a command came to; `undefined`: it is to be tried again. */
type Outcome<T> = Done<T> | Declined | undefined

/** Builds `run`. Commands wait for each other; one that fails does not hold up the next. */
export function createCommandRunner(deps: CommandRunnerDeps): RunCommand {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return (command) => {
    if (waiting >= WAITING_MAX) return Promise.reject(unavailable('too many commands wait'))
    waiting += 1
    const result = last.then(() => runNow(deps, command))
    last = result.catch(() => undefined).finally(() => (waiting -= 1))
    return result
  }
}

async function runNow<T>(
  deps: CommandRunnerDeps,
  command: Command<T>,
): Promise<{ readonly done: T } | Declined> {
  const lost: Attempt<T>[] = []
  for (let turn = 0; turn < ATTEMPTS_MAX; turn += 1) {
    const outcome = await deps.follower.exclusive(() => attempt(deps, command, lost))
    if (outcome === undefined) {
      if (lost.length > 0) await wait(deps, LOST_WAIT_MS * 2 ** turn)
    } else if (isDeclined(outcome)) {
      return outcome
    } else {
      if (outcome.entries.length > 0) await deps.record(outcome.entries)
      return { done: outcome.result }
    }
  }
  throw unavailable('it is not known whether the command was done')
}

async function attempt<T>(
  deps: CommandRunnerDeps,
  command: Command<T>,
  lost: Attempt<T>[],
): Promise<Outcome<T>> {
  const { follower } = deps
  try {
    await follower.read()
  } catch (error) {
    if (lost.length === 0) throw unavailable('the journal cannot be read', error)
    return undefined
  }
  const landed = landedOf(lost, follower)
  if (landed !== undefined) return landed
  const decided = decideOn(command, follower.journalled, follower.now())
  if (isDeclined(decided)) return decided
  if (decided.texts.length === 0) return { result: decided.result, entries: [] }
  const isAllowed = decided.events.every(({ type }) => isRestricting(type))
  if (follower.regression !== undefined && !isAllowed) {
    throw unavailable('the journal is not the one that was known, and nobody has accepted it')
  }
  return append(deps, decided, lost)
}

async function append<T>(
  { follower, journal, onEvent }: CommandRunnerDeps,
  decided: Attempt<T>,
  lost: Attempt<T>[],
): Promise<Outcome<T>> {
  const { epoch, after, texts, result } = decided
  const appended = await journal.append(texts, { epoch, seq: after }).catch((error: unknown) => {
    onEvent({ type: 'unavailable', error })
    lost.push(decided)
    return undefined
  })
  if (appended?.appended !== true) return undefined
  const events = readBack(decided, appended.at)
  follower.takeOwn(entriesOf(decided, appended.at), events)
  return { result, entries: events }
}

/** The attempt that turned out to have been done, if one did; forgets those that were not. */
function landedOf<T>(lost: Attempt<T>[], follower: Follower): Done<T> | undefined {
  const { state } = follower.journalled
  for (const one of [...lost]) {
    const landing = landingOf(one, state, (seq, text) => follower.isAt(seq, text))
    if (landing === 'done') return { result: one.result, entries: readBack(one, state.at) }
    if (landing === 'not-done') lost.splice(lost.indexOf(one), 1)
  }
  return undefined
}

function wait({ schedule }: CommandRunnerDeps, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    schedule(resolve, delayMs)
  })
}

function unavailable(why: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_STORE_UNAVAILABLE', why, { cause })
}
