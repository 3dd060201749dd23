/** One person's word on a request, and what comes of it. */
import { decline, isDeclined, type Command, type Declined, type Ruled } from '../command.ts'
import type {
  ApprovalVote,
  ElevationGrant,
  ElevationRequest,
  ElevationTerms,
  Narrowing,
  RequirementSet,
} from '../elevation.ts'
import type { AccessEvent } from '../events.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import { missingDemand } from './bounds.ts'
import { demandedNow, filtersOf, stricter, type Demanded } from './demanded.ts'
import { VOTES_MAX, type ElevationDeps, type RequestOutcome } from './deps.ts'
import { approversOf, areMet, counts, standingOf, type Judged } from './eligible.ts'
import { issued, widens } from './issue.ts'
import { isLockedOut } from './lockouts.ts'
import { pendingRequest } from './pending.ts'
import { mayNotAsk } from './request.ts'
import { checkedNarrowing } from './terms.ts'
import { badText, tooLong, unknownPerson } from './texts.ts'

/** A vote as it comes in. */
export interface VoteAsk {
  readonly id: string
  readonly by: Person
  readonly decision: 'approve' | 'deny'
  /** Of the request as the caller saw it: what they sign. */
  readonly digest: string
  /** With an approval: only this much. */
  readonly narrowing?: Narrowing
  readonly comment?: string
}

/**
 * Takes a vote: `request.voted`, and with it `grant.issued` when nothing is missing any more, or
 * `request.denied`. Everything is judged anew: the approvers by what they hold now, the thresholds by
 * those of then and those of now, the holder by the rules in force. Declines: `person_unknown`,
 * `invalid`, `not_found`, `closed`, `edited`, `self_approval`, `already_done`, `not_eligible`,
 * `no_approval_rule`, `demand_missing`, `over_bounds`, `too_many`.
 */
export function voteOn(deps: ElevationDeps, ask: VoteAsk): Command<RequestOutcome> {
  return (state, now) => {
    const votable = unknownPerson(ask.by) ?? votableRequest(state, ask, now)
    if (isDeclined(votable)) return votable
    const demanded = demandedNow(deps, votable.terms, votable.kind)
    // Whoever may deny can do so by the rules of then when there are none any more.
    if (isDeclined(demanded) && ask.decision === 'approve') return demanded
    const sets = stricter(votable.demands, isDeclined(demanded) ? [] : demanded.sets)
    const judged = { state, deps, now }
    const vote = voteFrom(judged, ask, votable.terms, sets)
    if (isDeclined(vote)) return vote
    const voted = { type: 'request.voted', id: ask.id, version: votable.version, vote } as const
    const request = { ...votable, votes: [...votable.votes, vote] }
    if (ask.decision === 'deny') return denied(request, vote, voted)
    return isDeclined(demanded)
      ? demanded
      : approvedWith(voted, request, grantOf(withSeen(judged, ask.by), request, demanded))
  }
}

function approvedWith(
  voted: Extract<AccessEvent, { readonly type: 'request.voted' }>,
  request: ElevationRequest,
  grant: ElevationGrant | Declined | undefined,
): Ruled<RequestOutcome> {
  if (isDeclined(grant)) return grant
  if (grant === undefined) return tooLong([voted]) ?? { events: [voted], result: { request } }
  const approved = { ...request, status: 'approved' as const, grant: grant.id }
  const events = [voted, { type: 'grant.issued', grant } as const]
  return tooLong(events) ?? { events, result: { request: approved, grant } }
}

type Now = Judged & {
  readonly deps: ElevationDeps
  readonly state: AccessState
}

/** As `judged`, knowing what the caller's token says. */
function withSeen<T extends Judged>(judged: T, person: Person): T {
  const { state } = judged
  const people = new Map([...state.people, [person.id, person] as const])
  return { ...judged, state: { ...state, people } }
}

function votableRequest(
  state: AccessState,
  { id, by, digest }: VoteAsk,
  now: number,
): ElevationRequest | Declined {
  const request = pendingRequest(state, id, now)
  if (isDeclined(request)) return request
  if (request.digest !== digest) {
    return decline('edited', 'The request is not the one that you saw; look at it again.')
  }
  if (request.by.person === by.person || request.by.id === by.id) {
    return decline('self_approval', 'Somebody else has to decide; you can cancel your request.')
  }
  if (request.votes.some((vote) => vote.by.person === by.person || vote.by.id === by.id)) {
    return decline('already_done', 'You have decided on this request already.')
  }
  if (request.votes.length < VOTES_MAX) return request
  return decline('too_many', 'Too many people have decided on it; a new request is needed.')
}

function voteFrom(
  { state, deps, now }: Now,
  ask: VoteAsk,
  terms: ElevationTerms,
  sets: readonly RequirementSet[],
): ApprovalVote | Declined {
  const { by, decision, digest, comment } = ask
  if (comment !== undefined && badText('a comment', comment)) return badComment()
  const narrowing = decision === 'deny' ? undefined : lessOf(terms, ask.narrowing)
  if (isDeclined(narrowing)) return narrowing
  const filtersHeld = filtersOf(sets).filter((filter) => deps.filterHolds(filter))
  // What the caller's token says is newer than what is known of them.
  const fresh = { state: { ...state, people: new Map<string, Person>() }, deps, now }
  const holds = standingOf(fresh, by)
  const counting = sets.filter((set) => decision === 'approve' || set.denyBy === 'any-eligible')
  const requirements = counting.flatMap((set) => set.requirements)
  const isEligible =
    holds !== undefined && requirements.some((one) => counts(one, holds, filtersHeld))
  if (!isEligible) {
    const detail = `You are not among those who may ${decision} this, or not as you call.`
    return decline('not_eligible', detail)
  }
  return {
    by,
    decision,
    digest,
    filtersHeld,
    ...(narrowing === undefined ? {} : { narrowing }),
    ...(comment === undefined ? {} : { comment }),
    at: now,
  }
}

function lessOf(
  terms: ElevationTerms,
  narrowing: Narrowing | undefined,
): Narrowing | undefined | Declined {
  if (narrowing === undefined) return undefined
  const less = checkedNarrowing(narrowing)
  return isDeclined(less) ? less : (widens(terms, less) ?? less)
}

function badComment(): Declined {
  return decline('invalid', 'Give a comment of 1 to 4,000 characters, or none.')
}

function denied(
  voted: ElevationRequest,
  vote: ApprovalVote,
  event: { readonly type: 'request.voted' } & { id: string; version: number; vote: ApprovalVote },
) {
  const { id } = voted
  const by = vote.by.id
  const reason = vote.comment ?? 'No reason was given.'
  const closed = { by, at: vote.at, reason }
  return {
    events: [event, { type: 'request.denied', id, by, reason } as const],
    result: { request: { ...voted, status: 'denied' as const, closed } },
  }
}

/** The grant, when nothing is missing; `undefined` while people are. */
function grantOf(judged: Now, request: ElevationRequest, demanded: Demanded) {
  const { state, deps, now } = judged
  const approvers = approversOf(judged, request)
  const demands = stricter(request.demands, demanded.sets)
  if (!demands.every(({ requirements }) => areMet(requirements, approvers))) return undefined
  const holder = state.people.get(request.by.id) ?? request.by
  if (holder.person !== request.by.person) {
    return decline('not_eligible', 'The account that asked for it is another person’s now.')
  }
  const holds = deps.holdingsOf(holder)
  if (isLockedOut(state, now, { person: holder, holds }, request.terms.actions)) {
    return decline('not_eligible', 'Who asked for it is locked out.')
  }
  const declined = mayNotAsk(demanded, holds)
  if (declined !== undefined) return declined
  const votes = request.votes.filter((vote) => approvers.some((one) => one.vote === vote))
  const grant = issued({ request, votes, demands, rules: demanded.rules, now })
  return isDeclined(grant) ? grant : (unsaidOf(request, grant, demanded) ?? grant)
}

/**
 * Declined with `demand_missing` when the rules in force demand more than was said: those of then were
 * satisfied when it was asked for. What approvers left of the terms is what counts.
 */
function unsaidOf(
  { reasons }: ElevationRequest,
  { terms }: ElevationGrant,
  { rules }: Demanded,
): Declined | undefined {
  const missing = missingDemand({ reasons, terms }, rules)
  if (missing === undefined) return undefined
  return decline('demand_missing', `${missing.detail} Who asked has to edit the request.`)
}
