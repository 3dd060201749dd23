/** The port to the journal that this process works with; implemented where rooms are wired. */
import type { AccessEvent } from './events.ts'
import type { Command, Declined } from './command.ts'
import type { AccessState } from './state.ts'
import type { ReplicaNotice } from '../domain/journal.ts'

/** What became newer. */
export interface Applied {
  readonly before: AccessState
  readonly after: AccessState
  /** In order, each with its number and the store's time; empty after a snapshot was taken over. */
  readonly events: readonly {
    readonly seq: number
    readonly at: number
    readonly event: AccessEvent
  }[]
}

/** The state as this process has it. */
export interface AccessReplica {
  readonly state: AccessState
  /** Milliseconds since this process last knew that it was up to date; Infinity before the first time. */
  readonly stalenessMs: number
  /**
   * Whether privileged actions may rely on the state: read within `store.max_staleness`, and of the
   * journal that was known before.
   */
  readonly fresh: boolean
  /** The store's time, as far as it is known here; never goes back. */
  now(): number
  /**
   * Brings the state up to date, runs `command` on it and appends what it says; again when somebody
   * was faster. Returns once this process has applied it.
   * @throws ERR_STORE_UNAVAILABLE when it is not known whether it was done
   */
  run<T>(command: Command<T>): Promise<{ readonly done: T } | Declined>
  /** Calls `listener` after every change, in the turn in which it is applied. Must not throw. */
  onApplied(listener: (applied: Applied) => void): void
  /** Who else works with this journal, as of the last announcement. */
  readonly replicas: readonly ReplicaNotice[]
}
