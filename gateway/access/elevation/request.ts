/** Asking for privilege, changing what was asked, and thinking better of it. */
import { digestOf, type Json } from '../canonical.ts'
import { decline, isDeclined, type Command, type Declined } from '../command.ts'
import type { ElevationRequest, Reasons } from '../elevation.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import { automatic } from './auto.ts'
import { badReasons, missingDemand, overBounds, plainReasons } from './bounds.ts'
import { demandedNow, type Demanded } from './demanded.ts'
import {
  DAY_MS,
  PENDING_MAX,
  PENDING_PER_PERSON_MAX,
  STARTS_AHEAD_MAX_MS,
  type ElevationDeps,
  type RequestOutcome,
} from './deps.ts'
import { isLockedOut } from './lockouts.ts'
import { isPending, pendingRequest } from './pending.ts'
import { checkedTerms, type TermsAsk } from './terms.ts'
import { badText, tooLong, unknownPerson } from './texts.ts'

/** A request as it comes in. */
export interface RequestAsk {
  /** From `newId('req', …)`. */
  readonly newId: string
  readonly kind: ElevationRequest['kind']
  readonly by: Person
  readonly terms: TermsAsk
  readonly reasons: Reasons
}

/** The whole new content of a request. */
export interface EditAsk {
  readonly id: string
  readonly by: Person
  /** Of the version that is changed; any when absent. */
  readonly digest?: string
  readonly terms: TermsAsk
  readonly reasons: Reasons
}

/** The end of a request by who made it. */
export interface CancelAsk {
  readonly id: string
  readonly by: Person
  readonly reason: string
  /** The caller may administer requests: then also those of others. */
  readonly override?: boolean
}

/**
 * Asks for privilege: `request.created`, and `grant.issued` with it where every rule that matches
 * approves by itself. Declines: `person_unknown`, `invalid`, `wildcard_refused`, `no_approval_rule`,
 * `not_eligible`, `demand_missing`, `over_bounds`, `too_many`, `already_done`.
 */
export function createRequest(deps: ElevationDeps, ask: RequestAsk): Command<RequestOutcome> {
  return (state, now) => {
    const { newId: id, kind, by } = ask
    if (state.requests.has(id)) return decline('already_done', 'There is a request of this id.')
    const drafted = tooMany({ deps, state, now }, by) ?? draft({ deps, state, now }, ask, kind)
    if (isDeclined(drafted)) return drafted
    const { demanded, terms, reasons } = drafted
    const expiresAt = now + shortestTtlMs(demanded)
    const content = { id, version: 1, by, kind, terms, reasons, demands: demanded.sets }
    const request = requestOf(content, { createdAt: now, expiresAt })
    const event = { type: 'request.created', request } as const
    const grant = automatic(deps, { state, now }, request, demanded.rules)
    const wrong = tooLong([event])
    if (wrong !== undefined) return wrong
    if (grant === undefined) return { events: [event], result: { request } }
    const approved = { ...request, status: 'approved' as const, grant: grant.id }
    const events = [event, { type: 'grant.issued', grant } as const]
    return { events, result: { request: approved, grant } }
  }
}

/**
 * Makes another version of a request that waits, and voids all votes on the one before (threats
 * §2.H 271): `request.edited`. Nobody has longer to decide on it. Declines as {@link createRequest},
 * and: `not_found`, `closed`, `edited`.
 */
export function editRequest(deps: ElevationDeps, ask: EditAsk): Command<RequestOutcome> {
  return (state, now) => {
    const before = pendingRequest(state, ask.id, now)
    if (isDeclined(before)) return before
    if (!isOf(before, ask.by)) return decline('not_found', 'You have no such request.')
    if (ask.digest !== undefined && ask.digest !== before.digest) {
      return decline('edited', 'Look at the request again; it was changed meanwhile.')
    }
    const drafted = draft({ deps, state, now }, ask, before.kind)
    if (isDeclined(drafted)) return drafted
    const { demanded, terms, reasons } = drafted
    const { id, version, kind, createdAt } = before
    const expiresAt = Math.min(before.expiresAt, createdAt + shortestTtlMs(demanded))
    if (expiresAt <= now) return decline('closed', 'Its time is over; make a new request.')
    const next = { id, version: version + 1, by: ask.by, kind, terms, reasons }
    const request = requestOf({ ...next, demands: demanded.sets }, { createdAt, expiresAt })
    const events = [{ type: 'request.edited', request } as const]
    return tooLong(events) ?? { events, result: { request } }
  }
}

/** Ends a request that waits: `request.cancelled`. Declines: `invalid`, `not_found`, `closed`. */
export function cancelRequest(_deps: ElevationDeps, ask: CancelAsk): Command<RequestOutcome> {
  return (state, now) => {
    const wrong = unknownPerson(ask.by) ?? badText('a reason', ask.reason)
    const before = wrong ?? pendingRequest(state, ask.id, now)
    if (isDeclined(before)) return before
    if (ask.override !== true && !isOf(before, ask.by)) {
      return decline('not_found', 'You have no such request.')
    }
    const { reason } = ask
    const by = ask.by.id
    const request = { ...before, status: 'cancelled' as const, closed: { by, at: now, reason } }
    return {
      events: [{ type: 'request.cancelled', id: ask.id, by, reason }],
      result: { request },
    }
  }
}

/** Of the same account of the same person. */
function isOf({ by }: ElevationRequest, { id, person }: Person): boolean {
  return by.id === id && by.person === person
}

interface Now {
  readonly deps: ElevationDeps
  readonly state: AccessState
  readonly now: number
}

type Draft = Pick<ElevationRequest, 'terms' | 'reasons'> & { readonly demanded: Demanded }

function draft(
  { deps, state, now }: Now,
  ask: Pick<RequestAsk, 'by' | 'terms' | 'reasons'>,
  kind: ElevationRequest['kind'],
): Draft | Declined {
  const terms = unknownPerson(ask.by) ?? checkedTerms(ask.terms, ask.by.id)
  if (isDeclined(terms)) return terms
  const wrong = badReasons(ask.reasons) ?? badStart(terms, kind, now)
  const demanded = wrong ?? demandedNow(deps, terms, kind)
  if (isDeclined(demanded)) return demanded
  const holds = deps.holdingsOf(ask.by)
  const { rules } = demanded
  if (isLockedOut(state, now, { person: ask.by, holds }, terms.actions)) {
    return decline('not_eligible', 'You are locked out.')
  }
  const reasons = plainReasons(ask.reasons)
  const declined =
    mayNotAsk(demanded, holds) ??
    missingDemand({ reasons, terms }, rules) ??
    overBounds(terms, rules, kind)
  return declined ?? { terms, reasons, demanded }
}

/** Declined with `not_eligible` when a rule lets only others ask. */
export function mayNotAsk(
  { rules }: Pick<Demanded, 'rules'>,
  holds: ReadonlySet<string>,
): Declined | undefined {
  const closed = rules.find(({ whoMayAsk }) => whoMayAsk?.some((one) => holds.has(one)) === false)
  if (closed === undefined) return undefined
  return decline('not_eligible', `Rule ${closed.name} does not let you ask for this.`)
}

function badStart(
  { startsAt, durationMs }: ElevationRequest['terms'],
  kind: ElevationRequest['kind'],
  now: number,
): Declined | undefined {
  if (startsAt === undefined) return undefined
  if (kind === 'break-glass') return decline('invalid', 'A seal has no start; it is opened.')
  if (startsAt + durationMs <= now) return decline('invalid', 'That time is over.')
  if (startsAt <= now + STARTS_AHEAD_MAX_MS) return undefined
  return decline('over_bounds', 'It can start 90 days from now at the latest.')
}

function tooMany({ deps, state, now }: Now, by: Person): Declined | undefined {
  const ofToday: number[] = []
  let all = 0
  let own = 0
  for (const request of state.requests.values()) {
    const { createdAt } = request
    if (request.by.person === by.person && createdAt > now - DAY_MS) ofToday.push(createdAt)
    if (!isPending(request, now)) continue
    all += 1
    if (request.by.person === by.person) own += 1
  }
  if (own >= PENDING_PER_PERSON_MAX) {
    return decline('too_many', `You have ${own} requests that wait; cancel one.`)
  }
  if (all >= PENDING_MAX) {
    return decline('too_many', 'More requests wait than people can look at; try again later.')
  }
  return tooManyToday(ofToday, deps.rules.requestsPerDay, now)
}

/** However many of them are closed: what was asked for in a day is kept for a quarter. */
function tooManyToday(times: number[], max: number, now: number): Declined | undefined {
  if (times.length < max) return undefined
  times.sort((a, b) => a - b)
  const free = times[times.length - max] ?? now
  const seconds = Math.max(1, Math.ceil((free + DAY_MS - now) / 1_000))
  return decline('too_many', `You have made ${times.length} requests within a day.`, seconds)
}

function shortestTtlMs({ rules }: Demanded): number {
  return Math.min(...rules.map(({ requestTtlMs }) => requestTtlMs))
}

type Content = Pick<
  ElevationRequest,
  'id' | 'version' | 'by' | 'kind' | 'terms' | 'reasons' | 'demands'
>

function requestOf(
  content: Content,
  times: Pick<ElevationRequest, 'createdAt' | 'expiresAt'>,
): ElevationRequest {
  return { ...content, ...times, digest: requestDigest(content), votes: [], status: 'pending' }
}

/** `sha256:<hex>` of what an approval signs: the canonical form (RFC 8785) of one version. */
export function requestDigest(content: Content): string {
  const { id, version, by, kind, terms, reasons, demands } = content
  const signed = { id, version, by, kind, terms, reasons, demands }
  // These are objects of JSON; their interfaces have no index signature that would say so.
  return digestOf(signed as unknown as Json)
}
