/** A replica of a journal that nobody else writes, in memory: commands and folding are the real ones. */
import { isDeclined } from '../../gateway/access/command.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import type { AccessReplica, Applied } from '../../gateway/access/replica.ts'
import {
  createLiving,
  type LivingDeps,
  type LivingRegistrations,
} from '../../gateway/access/versions/living.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'
import type { ReplicaNotice } from '../../gateway/domain/journal.ts'
import { GatewayError } from '../../gateway/domain/errors.ts'

/** What tests do with it besides. */
export interface MemoryReplica extends AccessReplica {
  /** The store's time; tests set it. */
  time: number
  stalenessMs: number
  replicas: readonly ReplicaNotice[]
  /** Every event so far, in order. */
  readonly events: AccessEvent[]
  /**
   * The next run fails as a store does that does not answer: before it is done, or after; `always`:
   * every one, before it is done, until this is taken back.
   */
  failing: 'before' | 'after' | 'always' | undefined
  /** Adds events as another replica would. */
  add(...events: readonly AccessEvent[]): void
}

/** A replica of an empty journal. */
export function createMemoryReplica(time = Date.parse('2026-11-22T12:00:00Z')): MemoryReplica {
  let state: AccessState = emptyState('0123456789abcdef0123456789abcdef')
  const listeners: ((applied: Applied) => void)[] = []
  const append = (events: readonly AccessEvent[], call?: Parameters<typeof entryOf>[3]) => {
    const before = state
    const entries = events.map((event, index) =>
      entryOf(event, state.seq + 1 + index, self.time, index === 0 ? call : undefined),
    )
    state = fold(state, entries)
    self.events.push(...events)
    const seen = entries.map(({ seq, at, event }) => ({ seq, at, event }))
    for (const listener of listeners) listener({ before, after: state, events: seen })
  }
  const unavailable = () =>
    new GatewayError('ERR_STORE_UNAVAILABLE', 'the store of the test is off')
  const self: MemoryReplica = {
    time,
    stalenessMs: 3,
    replicas: [],
    events: [],
    failing: undefined,
    get state() {
      return state
    },
    get fresh() {
      return self.stalenessMs < 5_000
    },
    now: () => self.time,
    add: (...events) => append(events),
    async run(command) {
      await Promise.resolve()
      const failing = self.failing
      if (failing !== 'always') self.failing = undefined
      if (failing === 'before' || failing === 'always') throw unavailable()
      const ruled = command(state, self.time)
      if (isDeclined(ruled)) return ruled
      if (ruled.events.length > 0) append(ruled.events, ruled.call)
      if (failing === 'after') throw unavailable()
      return { done: ruled.result }
    },
    onApplied: (listener) => void listeners.push(listener),
  }
  return self
}

/** Registrations over this replica; nothing is due by itself. What is given up is told. */
export function livingOver(
  replica: AccessReplica,
  told: Partial<Pick<LivingDeps, 'onGivenUp' | 'onFailed'>> = {},
): LivingRegistrations {
  const onGivenUp = () => Promise.resolve()
  return createLiving({ replica, onGivenUp, onFailed: () => undefined, ...told })
}

function entryOf(
  event: AccessEvent,
  seq: number,
  at: number,
  call: { readonly key: string; readonly body: string; readonly result: string } | undefined,
) {
  return { v: 1, event, seq, at, ...(call === undefined ? {} : { call }) }
}
