/** Who counts as an approver: then, when they said so, and now, by all that is known. */
import type { Action } from '../../domain/vocabulary.ts'
import type { ApprovalVote, Requirement } from '../elevation.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import type { ElevationDeps } from './deps.ts'
import { isLockedOut } from './lockouts.ts'

/** Deciding about requests is an administrative act; a lock of that action takes it away. */
const ACTS: readonly Action[] = ['admin']

/** The state, the rules and the time that eligibility is judged by. */
export interface Judged {
  readonly state: Pick<AccessState, 'people' | 'locks'>
  readonly deps: Pick<ElevationDeps, 'holdingsOf'>
  readonly now: number
}

/** Somebody who may count, and all of what they count for. */
export interface Approver {
  readonly vote: ApprovalVote
  readonly holds: ReadonlySet<string>
}

/**
 * What `person` holds for certain: what they held when they acted and hold still, as far as they were
 * last heard of (threats §2.H 268). Nothing when they are locked out, or when the account has become
 * somebody else's.
 */
export function standingOf(
  { state, deps, now }: Judged,
  person: Person,
): ReadonlySet<string> | undefined {
  const then = deps.holdingsOf(person)
  if (isLockedOut(state, now, { person, holds: then }, ACTS)) return undefined
  const latest = state.people.get(person.id)
  if (latest === undefined || latest === person) return then
  if (latest.person !== person.person) return undefined
  const held = deps.holdingsOf(latest)
  if (isLockedOut(state, now, { person: latest, holds: held }, ACTS)) return undefined
  return new Set([...then].filter((one) => held.has(one)))
}

/**
 * The approvers among `votes`, each person once: never who asked, nobody who is locked out, and only
 * for what they agreed to.
 */
export function approversOf(judged: Judged, { votes, by, digest }: Voted): readonly Approver[] {
  const counted = new Map<string, Approver>()
  for (const vote of votes) {
    const { person, id } = vote.by
    if (vote.decision !== 'approve' || vote.digest !== digest) continue
    if (person === by.person || id === by.id || counted.has(person)) continue
    const holds = standingOf(judged, vote.by)
    if (holds !== undefined) counted.set(person, { vote, holds })
  }
  return [...counted.values()]
}

/** What votes were given on, and for whom. */
export interface Voted {
  readonly by: Person
  readonly votes: readonly ApprovalVote[]
  readonly digest: string
}

/** Whether somebody who holds `holds`, and for whose call `filters` held, counts for `requirement`. */
export function counts(
  { from, filter }: Requirement,
  holds: ReadonlySet<string>,
  filters: readonly string[],
): boolean {
  if (filter !== undefined && !filters.includes(filter)) return false
  return from.some((one) => holds.has(one))
}

/**
 * Whether all of `requirements` can be met at once, each person counting for one of them only: a
 * bipartite matching by augmenting paths, over at most 64 seats and 32 people.
 */
export function areMet(
  requirements: readonly Requirement[],
  approvers: readonly Approver[],
): boolean {
  const seats = requirements.flatMap((one) => Array.from({ length: one.count }, () => one))
  if (approvers.length < seats.length) return false
  const seatOf = new Map<number, Requirement>()
  const sit = (seat: Requirement, tried: Set<number>): boolean =>
    approvers.some(({ vote, holds }, index) => {
      if (tried.has(index) || !counts(seat, holds, vote.filtersHeld)) return false
      tried.add(index)
      const taken = seatOf.get(index)
      if (taken !== undefined && !sit(taken, tried)) return false
      seatOf.set(index, seat)
      return true
    })
  return seats.every((seat) => sit(seat, new Set()))
}
