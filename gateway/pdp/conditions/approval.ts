/**
 * Kind `approval`: other people have agreed to this operation by this caller. Only different people
 * count, never the caller, and nobody counts for two groups: whoever is a member of both would
 * otherwise be the four eyes alone. Unknown where nobody keeps approvals.
 */
import type { AccessRequest, Approval } from '../../domain/access.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { CLOCK_SKEW_MS, fails, HOLDS, unknown, type Test } from './condition.ts'

/** So many people, each of whom holds one of `from`; anyone when absent. */
interface Demand {
  readonly count: number
  readonly from: readonly string[] | undefined
}

const NONE = unknown('no approval is on record')

/** Compiles an `approval` condition. */
export function approvalTest(spec: SpecOf<'approval'>): Test {
  const demands: Demand[] = spec.each ?? [{ count: spec.count ?? 1, from: spec.from }]
  const total = demands.reduce((sum, { count }) => sum + count, 0)
  const people = total === 1 ? '1 other person' : `${total} different other people`
  const each = demands.length > 1 ? ', so many of each group that must' : ''
  const recent = spec.max_age === undefined ? '' : ' recently enough'
  const tooFew = fails(`not yet approved${recent} by ${people} who may approve${each}`)
  const seats = demands.flatMap((demand) => Array.from({ length: demand.count }, () => demand))
  return (request) => {
    const { approvals } = request.environment
    if (!Array.isArray(approvals)) return NONE
    return canFill(seats, approversIn(approvals, request, spec.max_age)) ? HOLDS : tooFew
  }
}

/** What each approver holds, one entry per person; later approvals of the same person add to it. */
function approversIn(
  approvals: readonly Approval[],
  { subject, environment }: AccessRequest,
  maxAgeMs: number | undefined,
): ReadonlySet<string>[] {
  const people = new Map<string, Set<string>>()
  for (const { by, holds, at } of approvals) {
    const ageMs = environment.now - at
    // An approval from the future, or without a time, is not one that was given.
    if (!Number.isFinite(ageMs) || ageMs < -CLOCK_SKEW_MS) continue
    if (maxAgeMs !== undefined && ageMs > maxAgeMs) continue
    if (by === '' || by === subject.id) continue
    const held = people.get(by) ?? new Set()
    for (const one of holds) held.add(one)
    people.set(by, held)
  }
  return [...people.values()]
}

const mayTake = ({ from }: Demand, held: ReadonlySet<string>): boolean =>
  from === undefined || from.some((one) => held.has(one))

/**
 * Whether every seat can be given to a person of its own (a bipartite matching, by augmenting
 * paths): at most 128 seats, each tried with every person once per seat.
 */
function canFill(seats: readonly Demand[], people: readonly ReadonlySet<string>[]): boolean {
  if (people.length < seats.length) return false
  const seatOf = new Map<number, number>()
  const seat = (index: number, tried: Set<number>): boolean => {
    const demand = seats[index]
    return people.some((held, person) => {
      if (demand === undefined || tried.has(person) || !mayTake(demand, held)) return false
      tried.add(person)
      const taken = seatOf.get(person)
      if (taken !== undefined && !seat(taken, tried)) return false
      seatOf.set(person, index)
      return true
    })
  }
  return seats.every((_, index) => seat(index, new Set()))
}
