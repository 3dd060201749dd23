/** A replica of a journal in memory, for tests of what puts something on record. */
import { isDeclined } from '../../gateway/access/command.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import type { AccessReplica, Applied } from '../../gateway/access/replica.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'
import { GatewayError } from '../../gateway/domain/errors.ts'

/** A replica that tests can look into and take away. */
export interface MemoryReplica extends AccessReplica {
  readonly events: AccessEvent[]
  /** The store cannot be reached from now on, or can again. */
  breakStore(isBroken: boolean): void
  /** Adds entries of others. */
  apply(events: readonly AccessEvent[]): void
}

/** Begins with nothing; `now` is the time of the store. */
export function memoryReplica(now: () => number): MemoryReplica {
  let state: AccessState = emptyState('0'.repeat(32))
  let isBroken = false
  const events: AccessEvent[] = []
  const listeners: ((applied: Applied) => void)[] = []
  const apply = (added: readonly AccessEvent[]): void => {
    const before = state
    for (const event of added) {
      state = fold(state, [{ v: 1, event, seq: state.seq + 1, at: now() }])
      events.push(event)
    }
    for (const listener of listeners) listener({ before, after: state, events: [] })
  }
  return {
    get state() {
      return state
    },
    events,
    stalenessMs: 0,
    fresh: true,
    replicas: [],
    now,
    apply,
    breakStore: (broken) => void (isBroken = broken),
    onApplied: (listener) => void listeners.push(listener),
    run(command) {
      if (isBroken) return Promise.reject(new GatewayError('ERR_STORE_UNAVAILABLE', 'away'))
      const ruled = command(state, now())
      if (isDeclined(ruled)) return Promise.resolve(ruled)
      apply(ruled.events)
      return Promise.resolve({ done: ruled.result })
    },
  }
}
