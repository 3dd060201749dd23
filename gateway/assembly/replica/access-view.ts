/** The state as requests see it: what finds locks, grants and the rest, put together. */
import type { Applied } from '../../access/replica.ts'
import type { Lock } from '../../access/lock.ts'
import type { AccessState } from '../../access/state.ts'
import type { AccessView, LockFacts, RevokedPrivilege } from '../../access/view.ts'
import type { GrantAsk, GrantFound } from '../../domain/ports.ts'
import type { RunningReplica } from './replica.ts'

/** Finds locks; follows the state by what is applied. */
export interface LockFinder {
  find(facts: LockFacts, now: number): Lock | undefined
  follow(applied: Applied): void
}

/** Finds grants in a state; keeps what it made of one for as long as the maps are the same. */
export interface GrantFinder {
  find(state: AccessState, ask: GrantAsk, holdings: ReadonlySet<string>): GrantFound
}

/** Finds what reviews took away, as {@link GrantFinder} finds grants. */
export interface ReviewFinder {
  revokedBy(
    state: AccessState,
    rule: string,
    ask: { readonly holdings: ReadonlySet<string>; readonly now: number },
  ): RevokedPrivilege | undefined
}

/** Knows the versions that were not released. */
export interface VersionFinder {
  isRestricted(state: AccessState, operation: Parameters<AccessView['isRestricted']>[0]): boolean
}

/** What a view is put together from. */
export interface ViewParts {
  readonly replica: Pick<
    RunningReplica,
    'state' | 'fresh' | 'stalenessMs' | 'now' | 'onApplied' | 'used' | 'regression'
  >
  readonly locks: LockFinder
  readonly grants: GrantFinder
  readonly reviews: ReviewFinder
  readonly versions: VersionFinder
  readonly seen: AccessView['seen']
}

/** Said where it is not known what the journal says now: what was approved may have been taken back. */
const NOT_NOW: GrantFound = Object.freeze({
  hint: 'Grants cannot be used now: it is not known whether they were taken back.',
})

/** Builds the view. Everything in it is judged by the time of the store. */
export function createAccessView(parts: ViewParts): AccessView {
  const { replica, locks, grants, reviews, versions } = parts
  replica.onApplied((applied) => locks.follow(applied))
  return {
    get fresh() {
      return replica.fresh
    },
    get stalenessMs() {
      return replica.stalenessMs
    },
    now: () => replica.now(),
    lockOn: (facts) => locks.find(facts, replica.now()),
    findGrant(ask, holdings) {
      if (replica.state.grants.size === 0) return NOTHING
      if (replica.regression !== undefined || !replica.fresh) return NOT_NOW
      return grants.find(replica.state, { ...ask, now: replica.now() }, holdings)
    },
    revokedBy: (rule, holdings) =>
      reviews.revokedBy(replica.state, rule, { holdings, now: replica.now() }),
    isRestricted: (operation) => versions.isRestricted(replica.state, operation),
    used: (privilege, holder) => replica.used(privilege, holder),
    seen: parts.seen,
  }
}

const NOTHING: GrantFound = Object.freeze({})
