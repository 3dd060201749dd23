/** What the entries of the journal amount to: the same on every replica that has read the same. */
import type { ElevationGrant, ElevationRequest } from './elevation.ts'
import type { IdempotentCall } from './events.ts'
import type { Drill, Lock } from './lock.ts'
import type { Person } from './person.ts'
import type { ReviewCampaign } from './review.ts'
import type { BegunRegistration, RegisteredVersion, TrainingRun } from './version.ts'

/** Something that is kept until a time. */
export interface Kept<T> {
  readonly value: T
  /** Milliseconds since the epoch. */
  readonly until: number
}

/**
 * One state. Maps are never changed once a state was handed out: folding makes new ones, so that
 * whoever compares two states by reference sees what changed.
 */
export interface AccessState {
  readonly epoch: string
  /** The last entry in it. */
  readonly seq: number
  /** When the store took that entry. */
  readonly at: number
  readonly requests: ReadonlyMap<string, ElevationRequest>
  readonly grants: ReadonlyMap<string, ElevationGrant>
  readonly locks: ReadonlyMap<string, Lock>
  readonly drills: ReadonlyMap<string, Drill>
  readonly reviews: ReadonlyMap<string, ReviewCampaign>
  readonly runs: ReadonlyMap<string, TrainingRun>
  /** Those of which it is not known yet what came of them, by their id. */
  readonly registrations: ReadonlyMap<string, BegunRegistration>
  /** By `model:<name>@<version>`. */
  readonly versions: ReadonlyMap<string, RegisteredVersion>
  /** What people held when they were last heard of, by `user:…`. */
  readonly people: ReadonlyMap<string, Person>
  /** Signals that were taken, by `<issuer name> <jti>`. */
  readonly signals: ReadonlyMap<string, Kept<string>>
  /** Calls that were done, by their key. */
  readonly calls: ReadonlyMap<string, Kept<IdempotentCall>>
  /** When automatic approvals were given, by `<rule> <person>`; the newest last. */
  readonly autoApprovals: ReadonlyMap<string, readonly number[]>
}

/** The state of a journal in which nothing has happened. */
export function emptyState(epoch: string): AccessState {
  return {
    epoch,
    seq: 0,
    at: 0,
    requests: new Map(),
    grants: new Map(),
    locks: new Map(),
    drills: new Map(),
    reviews: new Map(),
    runs: new Map(),
    registrations: new Map(),
    versions: new Map(),
    people: new Map(),
    signals: new Map(),
    calls: new Map(),
    autoApprovals: new Map(),
  }
}
