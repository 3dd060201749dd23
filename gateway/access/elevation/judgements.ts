/** Whether grants stand, known for as long as nothing is different that it depends on. */
import type { ElevationGrant } from '../elevation.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import type { ElevationDeps } from './deps.ts'
import type { Approver } from './eligible.ts'
import { nextLockoutEnd } from './lockouts.ts'
import { judgeGrant, type GrantFault } from './stands.ts'

/** What came of {@link judgeGrant}; the same object as long as it is the same judgement. */
export type Judged = readonly Approver[] | GrantFault

/** What grants are judged by. */
export interface Circumstances {
  readonly state: Pick<AccessState, 'people' | 'locks'>
  readonly deps: ElevationDeps
  readonly now: number
}

/** A judgement and what it was made by. It holds no map, or old states would stay in memory. */
export interface Judgement {
  readonly judged: Judged
  readonly era: number
  /** The holder and those who voted, as they were known. */
  readonly people: readonly (Person | undefined)[]
  readonly since: number
  /** When a lock ends: judged again from then on. */
  readonly until: number
}

/** Judges grants of one state after the other. */
export interface Judgements {
  /**
   * As `judgeGrant` says it: `known`, unless the rules, the locks, or what is known of the holder or
   * of those who voted are others, a lock on somebody has ended, or time went back.
   */
  of(grant: ElevationGrant, by: Circumstances, known: Judgement | undefined): Judgement
}

/** Begins without rules and locks. */
export function createJudgements(): Judgements {
  let rules: ElevationDeps | undefined
  let locks: AccessState['locks'] | undefined
  /** One more with every change of rules or locks. */
  let era = 0
  return {
    of(grant, by, known) {
      if (by.deps !== rules || by.state.locks !== locks) {
        era += 1
        rules = by.deps
        locks = by.state.locks
      }
      if (known?.era === era && stillHolds(grant, by, known)) return known
      const { state, deps, now } = by
      const { holder, votes } = grant
      return {
        judged: judgeGrant(grant, state, deps, now),
        era,
        people: [state.people.get(holder.id), ...votes.map((one) => state.people.get(one.by.id))],
        since: now,
        until: nextLockoutEnd(state, now),
      }
    },
  }
}

function stillHolds(
  { holder, votes }: ElevationGrant,
  { state: { people }, now }: Circumstances,
  known: Judgement,
): boolean {
  if (now < known.since || now >= known.until) return false
  if (people.get(holder.id) !== known.people[0]) return false
  return votes.every((one, i) => people.get(one.by.id) === known.people[i + 1])
}
