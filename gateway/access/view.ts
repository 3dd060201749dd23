/** What the way of a request asks of the state: from memory, in constant time, never failing. */
import type { GrantAsk, GrantFound } from '../domain/ports.ts'
import type { Subject } from '../domain/subject.ts'
import type { Action, Operation } from '../domain/vocabulary.ts'
import type { Lock } from './lock.ts'

/** Everything a lock can be on. */
export interface LockFacts {
  readonly subject: Subject
  /** Everything the subject holds, its id included, prefixes written; roles by way of others too. */
  readonly holdings: ReadonlySet<string>
  /** Canonical text of the client's address. */
  readonly client: string
  /** Ids of every device that the request is said to come from. */
  readonly devices?: readonly string[]
  readonly operations: readonly Operation[]
  /** Name of the upstream; absent before it is known, and for what goes to none. */
  readonly upstream?: string
  /**
   * A call of the control API: locks on callers and on where they call from count, those on
   * everybody, models and upstreams do not, or nobody could lift them. `local`: it comes from the
   * machine itself, on which no lock on a network counts, for the same reason.
   */
  readonly control?: 'local' | 'remote'
}

/** A privilege that a review took away. */
export interface RevokedPrivilege {
  /** Id of the campaign. */
  readonly review: string
  /** Who no longer has it: the `user:`, `group:` or `role:` of the line. */
  readonly holder: string
  readonly lapsed: boolean
}

/** The state, as requests see it. */
export interface AccessView {
  /** See `AccessReplica.fresh`. */
  readonly fresh: boolean
  readonly stalenessMs: number
  /** The store's time, as far as it is known here: grants of the journal end by it. */
  now(): number
  /** The lock in force on any of `facts`; of several, the oldest. */
  lockOn(facts: LockFacts): Lock | undefined
  /** A grant of the journal that fits; see `GrantCatalog`. `holdings`: of the subject. */
  findGrant(ask: GrantAsk, holdings: ReadonlySet<string>): GrantFound
  /**
   * Whether what `rule` (as written, or `grant <id>`) gives was taken from one of `names`: those that
   * the token gives (`namesOf`). With everything the subject holds it refuses more, never less.
   */
  revokedBy(rule: string, names: ReadonlySet<string>): RevokedPrivilege | undefined
  /** Whether `operation` is on a version that came of a retraining and was not released. */
  isRestricted(operation: {
    readonly action: Action
    readonly resource: Operation['resource']
  }): boolean
  /** Made use of: `privilege` is the rule as written or `grant <id>`; told to the store later. */
  used(privilege: string, holder: string): void
  /**
   * Told of everybody whose token was verified: who has agreed to a grant and holds something else
   * now is written down. In constant time, and by itself.
   */
  seen(subject: Subject): void
}
