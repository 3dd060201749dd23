/** What commands on requests and grants need besides the state. */
import type { ResourceAttributes } from '../../domain/access.ts'
import type { ApprovalRules } from '../approvals/rule.ts'
import type { ElevationGrant, ElevationRequest } from '../elevation.ts'
import type { Person } from '../person.ts'

/** The rules in force, and the call that is made, as far as commands ask about it. */
export interface ElevationDeps {
  readonly rules: ApprovalRules
  /** Everything a person holds by the rules in force: id, groups, roles, also by way of others. */
  holdingsOf(person: Person): ReadonlySet<string>
  /** Of `kind:name[@version]`. */
  attributesOf(resource: string): ResourceAttributes | undefined
  /** Whether an expression over conditions is known to hold for the call that is made. */
  filterHolds(expression: string): boolean
}

/** What a command on a request leads to: the request as it is then, and the grant if it came of it. */
export interface RequestOutcome {
  readonly request: ElevationRequest
  readonly grant?: ElevationGrant
}

/** Requests that one person may have waiting. */
export const PENDING_PER_PERSON_MAX = 20

/** The time in which `requests_per_day` of approvals.yaml counts. */
export const DAY_MS = 86_400_000

/** Requests that may wait at all. */
export const PENDING_MAX = 5_000

/** People who may vote on one version of a request. */
export const VOTES_MAX = 32

/** How far ahead a grant may start. */
export const STARTS_AHEAD_MAX_MS = 90 * 86_400_000
