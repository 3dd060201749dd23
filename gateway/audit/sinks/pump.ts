/**
 * Moves records from the ledger to one outlet: in order, at least once, a batch at a time. What was
 * not delivered is read again from the files and tried again; how far it came is in the cursor.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LogPosition } from '../line/chain.ts'
import type { Cursor } from './cursor.ts'
import type { Filterable } from './filter.ts'
import { outgoing } from './outgoing.ts'
import type { PumpOptions } from './pump-options.ts'
import { problemOf, type DropWhy, type Outgoing } from './sink-port.ts'
import type { StartPosition } from './start-position.ts'
import { TailGap, type TailRecord } from './tail.ts'

/** A sink at work. */
export interface Pump {
  readonly name: string
  /** Records that wait. */
  readonly lag: number
  /** Whether as many wait as may, of a sink that must miss none. */
  readonly isBlocking: boolean
  /** The first record that must not be pruned; Infinity when it waits for none. */
  readonly keepFrom: number
  /** Delivers what waits for as long as the time lasts, then ends. Never rejects. */
  stop(timeLeftMs: number): Promise<void>
}

/** New records are looked for so often: nothing of this is on the way of a request. */
const POLL_MS = 100
const BATCH_BYTES_MAX = 192 * 1024
const SAVE_MS = 1_000
const BACKOFF_MS = { first: 500, last: 30_000 } as const
/** Positions that wait to settle; more are taken together. */
const UNSETTLED_MAX = 256

interface State {
  readonly options: PumpOptions
  readonly cursor: Cursor
  /** The last record delivered, and the last of which that is certain. */
  sent: LogPosition
  confirmed: LogPosition
  saved: LogPosition | undefined
  savedMs: number
  unsettled: { readonly at: number; readonly position: LogPosition }[]
  skipped: StartPosition['skipped']
  /** How often what was delivered turned out to be lost. */
  losses: number
  attempts: number
  recordsMax: number
  isStopping: boolean
  isOver: boolean
  readonly abort: AbortController
  wake: () => void
}

/** Starts a sink after `start`. */
export function startPump(options: PumpOptions, start: StartPosition): Pump {
  const state: State = {
    options,
    cursor: options.cursor,
    sent: start.sent,
    confirmed: start.sent,
    saved: undefined,
    savedMs: Number.NEGATIVE_INFINITY,
    unsettled: [],
    skipped: start.skipped,
    losses: 0,
    attempts: 0,
    recordsMax: options.outlet.recordsMax,
    isStopping: false,
    isOver: false,
    abort: new AbortController(),
    wake: () => undefined,
  }
  options.outlet.onLost = () => {
    state.losses += 1
    state.sent = state.confirmed
    state.unsettled = []
    state.wake()
  }
  const running = run(state)
  const lag = (): number => Math.max(0, options.ledger.head().seq - state.sent.seq)
  return {
    name: options.name,
    get lag() {
      return lag()
    },
    get isBlocking() {
      return options.whenFull === 'block' && lag() >= options.lagMax
    },
    get keepFrom() {
      return options.whenFull === 'block' ? state.confirmed.seq + 1 : Infinity
    },
    stop: (timeLeftMs) => stop(state, running, timeLeftMs),
  }
}

async function run(state: State): Promise<void> {
  while (!state.isOver) {
    settle(state)
    await saveWhenDue(state)
    try {
      const isDone = !(await step(state))
      if (isDone && state.isStopping) return
      if (isDone) await nap(state, POLL_MS)
      // Records that are only read past must not keep the event loop to themselves.
      else await nextTurn()
    } catch (error) {
      if (state.isStopping) return
      await failed(state, error)
    }
  }
}

/** One batch. Whether there was something to do. */
async function step(state: State): Promise<boolean> {
  const { options } = state
  const head = options.ledger.head()
  if (await leaveOut(state, head)) return true
  let records: readonly TailRecord[]
  try {
    const limits = { recordsMax: state.recordsMax, bytesMax: BATCH_BYTES_MAX, seqMax: head.seq }
    records = options.tail.readAfter(state.sent, limits)
  } catch (error) {
    if (!(error instanceof TailGap)) throw error
    await drop(state, error.next - 1, 'pruned')
    return true
  }
  const last = records.at(-1)
  if (last === undefined) return false
  const { losses } = state
  await deliver(state, wantedOf(options, records))
  // A connection that is lost may take with it what was just written.
  if (state.losses === losses) advance(state, last)
  return true
}

function wantedOf(options: PumpOptions, records: readonly TailRecord[]): Outgoing[] {
  const wanted: Outgoing[] = []
  for (const record of records) {
    const one = outgoing(record, options.mask)
    if (options.isWanted(one.whole satisfies Filterable)) wanted.push(one)
  }
  return wanted
}

async function deliver(state: State, batch: readonly Outgoing[]): Promise<void> {
  if (batch.length === 0) return
  const { outlet, name, onEvent } = state.options
  try {
    await outlet.deliver(batch, state.abort.signal)
  } catch (error) {
    const [only, ...more] = batch
    const problem = problemOf(error)
    if (problem.isTooLarge) {
      state.recordsMax = Math.max(1, Math.floor(batch.length / 2))
      const canDrop = more.length === 0 && state.options.whenFull === 'drop'
      if (canDrop && only !== undefined) return drop(state, only.seq, 'too-large', only.seq)
    }
    throw problem
  }
  if (state.attempts > 0) onEvent({ type: 'recovered', sink: name, attempts: state.attempts })
  state.attempts = 0
  state.recordsMax = Math.min(outlet.recordsMax, state.recordsMax + 1)
  onEvent({ type: 'sent', sink: name, records: batch.length })
}

function advance(state: State, last: LogPosition): void {
  const { outlet, clock } = state.options
  state.sent = { seq: last.seq, hash: last.hash }
  if (outlet.settleMs === 0) {
    state.confirmed = state.sent
    return
  }
  if (state.unsettled.length >= UNSETTLED_MAX) state.unsettled.pop()
  state.unsettled.push({ at: clock.monotonicMs() + outlet.settleMs, position: state.sent })
}

function settle(state: State): void {
  const now = state.options.clock.monotonicMs()
  while ((state.unsettled[0]?.at ?? Infinity) <= now) {
    state.confirmed = state.unsettled.shift()?.position ?? state.confirmed
  }
}

/** Leaves out what is too much for a sink that may miss some. Whether it did. */
async function leaveOut(state: State, head: LogPosition): Promise<boolean> {
  const { lagMax, whenFull } = state.options
  if (state.isStopping) return false
  if (state.skipped !== undefined) {
    const { from, to } = state.skipped
    await drop(state, to, 'cursor', from)
    state.skipped = undefined
    return true
  }
  if (whenFull === 'block' || head.seq - state.sent.seq <= lagMax) return false
  // A tenth more than needed: or every further record would be a reason to write one about it.
  await drop(state, head.seq - lagMax + Math.ceil(lagMax / 10), 'full')
  return true
}

/** The ledger says what was left out before it is. */
async function drop(
  state: State,
  to: number,
  why: DropWhy,
  from = state.sent.seq + 1,
): Promise<void> {
  const { ledger, name, onEvent, tail } = state.options
  await ledger.append({ type: 'sink.dropped', fields: { sink: name, from, to, why } }, 'kernel')
  onEvent({ type: 'dropped', sink: name, from, to, why })
  if (why === 'too-large' || to <= state.sent.seq) return
  const limits = { recordsMax: 1, bytesMax: 1, seqMax: ledger.head().seq }
  const [last] = why === 'pruned' ? [] : tail.readAfter({ seq: to - 1, hash: '' }, limits)
  advance(state, last ?? { seq: to, hash: '' })
}

async function failed(state: State, error: unknown): Promise<void> {
  const { name, onEvent, random } = state.options
  const problem = problemOf(error)
  if (problem.isTooLarge && state.recordsMax > 1) return
  state.attempts += 1
  onEvent({ type: 'failed', sink: name, why: problem.why, attempt: state.attempts })
  const { first, last } = BACKOFF_MS
  const delayMs = Math.min(last, first * 2 ** Math.min(state.attempts - 1, 16))
  const askedMs = Math.min(last, problem.retryAfterMs ?? 0)
  await nap(state, Math.max(askedMs, delayMs * (0.5 + random() / 2)))
}

async function saveWhenDue(state: State): Promise<void> {
  const { clock, name, onEvent } = state.options
  const { confirmed, saved } = state
  const now = clock.monotonicMs()
  if (saved?.seq === confirmed.seq || now - state.savedMs < SAVE_MS) return
  state.savedMs = now
  try {
    await state.cursor.save(confirmed)
    state.saved = confirmed
  } catch {
    // Nothing is lost by it: what was sent since is sent again after a restart.
    onEvent({ type: 'cursor', sink: name, why: 'unwritable' })
  }
}

/** Waits, or is woken. */
function nap(state: State, ms: number): Promise<void> {
  if (state.isOver) return Promise.resolve()
  return new Promise((resolve) => {
    const cancel = state.options.schedule(ms, resolve)
    state.wake = () => {
      cancel()
      resolve()
    }
  })
}

async function stop(state: State, running: Promise<void>, timeLeftMs: number): Promise<void> {
  const { outlet, schedule } = state.options
  state.isStopping = true
  state.wake()
  const cancel = schedule(timeLeftMs, () => {
    state.isOver = true
    state.abort.abort()
    state.wake()
  })
  await running
  const hasArrived = await outlet.close(state.abort.signal).catch(() => false)
  cancel()
  settle(state)
  if (hasArrived) state.confirmed = state.sent
  state.savedMs = Number.NEGATIVE_INFINITY
  await saveWhenDue(state)
}
