/**
 * Carries signed checkpoints to witnesses, in rounds: the newest to all of them, at most once a
 * second. Who does not answer is asked again later and later, without holding up the others.
 */
import type { WitnessResult } from '../../metrics/labels.ts'
import type { Clock } from '../../domain/clock.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { SignedNotice, WitnessAnswer, WitnessClient } from './witness-client.ts'

/** What {@link createWitnessPusher} needs. */
export interface PusherOptions {
  readonly witnesses: readonly WitnessClient[]
  readonly clock: Clock
  /** Runs `run` once after `delayMs`; returns how to cancel. */
  readonly schedule: (delayMs: number, run: () => void) => () => void
  /** 0 to 1, for back-off; of no meaning for security. */
  readonly random: () => number
  /** When given, the newest checkpoint is cosigned again after so long, though nothing was appended. */
  readonly refreshMs?: number | undefined
  /** Keeps a note with its cosignatures; `isLasting` for those that are kept for ever. May throw. */
  readonly keep: (note: string, isLasting: boolean) => void
  /** Appends a record of what came of it, at most a few per minute. Must not throw. */
  readonly record: (record: LedgerRecord) => void
  /** Told of every answer. Must not throw. */
  readonly onAnswer?: (witness: string, answer: WitnessAnswer) => void
  /** Told when cosignatures could not be kept. Must not throw. */
  readonly onKeepError?: (error: Error) => void
}

/** See the head of this file. */
export interface WitnessPusher {
  /** A checkpoint was signed. Cheap; never throws. */
  signed(notice: SignedNotice): void
  /** When a checkpoint was last cosigned, milliseconds of the monotonic clock. */
  witnessedAtMs(): number | undefined
  /** Whether the last word of every witness is that the log is not what it was. */
  isDisputed(): boolean
  /** Carries what is left, once, and stops. */
  finish(): Promise<void>
}

const ROUND_MS = 1_000
const BACKOFF_MAX_MS = 60_000
const RECORD_MS = 60_000
/** Witnesses that come and go must not fill the ledger. */
const CHANGE_MS = 5_000
const FAILURES_AT_END_MAX = 3

interface Peer {
  readonly client: WitnessClient
  failures: number
  /** Monotonic. */
  nextAtMs: number
  result: WitnessResult | undefined
  recordedAtMs: number
  /** Whether it has cosigned the newest checkpoint. */
  hasLatest: boolean
}

interface State {
  readonly options: PusherOptions
  readonly peers: readonly Peer[]
  latest: SignedNotice | undefined
  roundAtMs: number
  round: Promise<void> | undefined
  witnessedAtMs: number | undefined
  lastingAtMs: number
  lastingNames: string
  isFinished: boolean
  cancel: () => void
}

/** Builds a {@link WitnessPusher}. */
export function createWitnessPusher(options: PusherOptions): WitnessPusher {
  const state: State = {
    options,
    peers: options.witnesses.map((client) => ({
      client,
      failures: 0,
      nextAtMs: Number.NEGATIVE_INFINITY,
      result: undefined,
      recordedAtMs: Number.NEGATIVE_INFINITY,
      hasLatest: false,
    })),
    latest: undefined,
    roundAtMs: Number.NEGATIVE_INFINITY,
    round: undefined,
    witnessedAtMs: undefined,
    lastingAtMs: Number.NEGATIVE_INFINITY,
    lastingNames: '',
    isFinished: false,
    cancel: () => undefined,
  }
  return {
    signed(notice) {
      state.latest = notice
      for (const peer of state.peers) peer.hasLatest = false
      wake(state)
    },
    witnessedAtMs: () => state.witnessedAtMs,
    isDisputed: () => state.peers.every(({ result }) => result === 'ahead' || result === 'forked'),
    async finish() {
      state.isFinished = true
      state.cancel()
      await state.round
      // Who has not answered for a while must not hold up the end.
      await runRound(state, (peer) => !peer.hasLatest && peer.failures < FAILURES_AT_END_MAX)
      for (const { client } of state.peers) client.close()
    },
  }
}

/** Has the next round run when it is due, unless one is under way: its end calls this again. */
function wake(state: State): void {
  if (state.isFinished || state.round !== undefined || state.latest === undefined) return
  const { clock, schedule } = state.options
  const dueAtMs = Math.max(dueAt(state), state.roundAtMs + ROUND_MS)
  state.cancel()
  if (dueAtMs === Number.POSITIVE_INFINITY) return
  const waitMs = Math.max(0, dueAtMs - clock.monotonicMs())
  state.cancel = schedule(waitMs, () => {
    if (state.isFinished) return
    state.round = runRound(state, (peer) => isDue(state, peer)).finally(() => {
      state.round = undefined
      wake(state)
    })
  })
}

function dueAt(state: State): number {
  const { refreshMs = Number.POSITIVE_INFINITY } = state.options
  const dues = state.peers.map(({ hasLatest, nextAtMs }) =>
    hasLatest ? Math.max(nextAtMs, state.roundAtMs + refreshMs) : nextAtMs,
  )
  return Math.min(Number.POSITIVE_INFINITY, ...dues)
}

function isDue(state: State, { hasLatest, nextAtMs }: Peer): boolean {
  const nowMs = state.options.clock.monotonicMs()
  const { refreshMs } = state.options
  return nowMs >= nextAtMs && (!hasLatest || refreshMs !== undefined)
}

async function runRound(state: State, isAsked: (peer: Peer) => boolean): Promise<void> {
  const { latest: notice, options } = state
  const asked = state.peers.filter(isAsked)
  if (notice === undefined || asked.length === 0) return
  state.roundAtMs = options.clock.monotonicMs()
  const answers = await Promise.all(asked.map((peer) => askOne(state, peer, notice)))
  const lines = answers.flatMap((answer) => (answer.result === 'cosigned' ? [answer.line] : []))
  if (lines.length === 0) return
  state.witnessedAtMs = options.clock.monotonicMs()
  const names = asked.filter(({ result }) => result === 'cosigned').map(({ client }) => client.name)
  keepCosigned(state, { notice, lines, names })
}

async function askOne(state: State, peer: Peer, notice: SignedNotice): Promise<WitnessAnswer> {
  const { clock, random, onAnswer } = state.options
  const answer = await peer.client.push(notice)
  const hasChanged = peer.result !== answer.result
  peer.result = answer.result
  if (answer.result === 'cosigned') {
    peer.failures = 0
    peer.nextAtMs = clock.monotonicMs()
    // A newer one may have been signed meanwhile.
    peer.hasLatest = state.latest === notice
  } else {
    peer.failures += 1
    const backoffMs = Math.min(BACKOFF_MAX_MS, ROUND_MS * 2 ** Math.min(peer.failures - 1, 10))
    peer.nextAtMs = clock.monotonicMs() + backoffMs * (0.5 + random() / 2)
    recordDispute(state, { peer, notice, answer, hasChanged })
  }
  onAnswer?.(peer.client.name, answer)
  return answer
}

/** Only what speaks of the log itself: that a witness cannot be reached is a metric. */
function recordDispute(
  { options }: State,
  seen: {
    readonly peer: Peer
    readonly notice: SignedNotice
    readonly answer: WitnessAnswer
    readonly hasChanged: boolean
  },
): void {
  const { peer, notice, answer, hasChanged } = seen
  if (answer.result !== 'ahead' && answer.result !== 'forked') return
  const nowMs = options.clock.monotonicMs()
  if (!hasChanged && nowMs - peer.recordedAtMs < RECORD_MS) return
  peer.recordedAtMs = nowMs
  const { size, root } = notice.checkpoint
  const { name: witness } = peer.client
  const fields = { witness, answer: answer.result, size, root: root.toString('base64') }
  options.record({ type: 'witness.disputed', fields })
}

function keepCosigned(
  state: State,
  cosigned: {
    readonly notice: SignedNotice
    readonly lines: readonly string[]
    readonly names: readonly string[]
  },
): void {
  const { options } = state
  const { notice, lines, names } = cosigned
  const nowMs = options.clock.monotonicMs()
  const joined = names.join(' ')
  const dueMs = joined === state.lastingNames ? RECORD_MS : CHANGE_MS
  const isLasting = nowMs - state.lastingAtMs >= dueMs
  try {
    options.keep(notice.note + lines.join(''), isLasting)
  } catch (error) {
    options.onKeepError?.(error as Error)
    return
  }
  if (!isLasting) return
  state.lastingAtMs = nowMs
  state.lastingNames = joined
  if (state.isFinished) return
  const { size, root } = notice.checkpoint
  const fields = { size, root: root.toString('base64'), witnesses: [...names] }
  options.record({ type: 'witness.cosigned', fields })
}
