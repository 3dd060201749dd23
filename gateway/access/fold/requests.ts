/** Requests, votes and grants. */
import type { AccessState } from '../state.ts'
import type { EventOf, Folds } from './entry.ts'
import { withChanged, withEntry } from './maps.ts'

/** Automatic approvals remembered of one person by one rule: more than any rate asks about. */
const AUTO_KEPT = 1_000

type Kinds =
  | 'request.created'
  | 'request.edited'
  | 'request.voted'
  | 'request.denied'
  | 'request.cancelled'
  | 'grant.issued'
  | 'grant.revoked'
  | 'grant.opened'
  | 'grant.reviewed'
  | 'person.seen'

/** What becomes of the state. */
export const REQUEST_FOLDS: Folds<Kinds> = {
  'request.created': withRequest,
  'request.edited': withRequest,
  'request.voted': voted,
  'request.denied': (state, event, at) => closed(state, event, 'denied', at),
  'request.cancelled': (state, event, at) => closed(state, event, 'cancelled', at),
  'grant.issued': issued,
  'grant.revoked': (state, { id, by, reason }, at) =>
    withGrant(state, id, { revoked: { by, at, reason } }),
  'grant.opened': (state, { id, openedAt, expiresAt, reason }) =>
    withGrant(state, id, { expiresAt, sealed: { openedAt, reason } }),
  'grant.reviewed': (state, { id, by, findings }, at) => {
    const sealed = state.grants.get(id)?.sealed
    return withGrant(state, id, { sealed: { ...sealed, reviewed: { by, at, findings } } })
  },
  'person.seen': (state, { person }) => withPerson(state, person),
}

function withRequest(
  state: AccessState,
  { request }: EventOf<'request.created' | 'request.edited'>,
): AccessState {
  const requests = withEntry(state.requests, request.id, request)
  return withPerson({ ...state, requests }, request.by)
}

function voted(state: AccessState, { id, version, vote }: EventOf<'request.voted'>): AccessState {
  const requests = withChanged(state.requests, id, (request) =>
    request.version === version ? { ...request, votes: [...request.votes, vote] } : request,
  )
  return withPerson({ ...state, requests }, vote.by)
}

function closed(
  state: AccessState,
  { id, by, reason }: EventOf<'request.denied' | 'request.cancelled'>,
  status: 'denied' | 'cancelled',
  at: number,
): AccessState {
  const requests = withChanged(state.requests, id, (request) => ({
    ...request,
    status,
    closed: { by, at, reason },
  }))
  return { ...state, requests }
}

function withGrant(
  state: AccessState,
  id: string,
  change: Partial<EventOf<'grant.issued'>['grant']>,
): AccessState {
  return { ...state, grants: withChanged(state.grants, id, (grant) => ({ ...grant, ...change })) }
}

function issued(before: AccessState, { grant }: EventOf<'grant.issued'>): AccessState {
  const requests = withChanged(before.requests, grant.request, (request) => ({
    ...request,
    status: 'approved' as const,
    grant: grant.id,
  }))
  const grants = withEntry(before.grants, grant.id, grant)
  const state = { ...before, requests, grants, people: withHolder(before.people, grant.holder) }
  if (grant.auto === undefined) return state
  const key = `${grant.auto} ${grant.holder.person}`
  const given = [...(state.autoApprovals.get(key) ?? []), grant.issuedAt].slice(-AUTO_KEPT)
  return { ...state, autoApprovals: withEntry(state.autoApprovals, key, given) }
}

/** The holder is as it was when it asked; what was heard of it since then is newer. */
function withHolder(
  people: AccessState['people'],
  holder: EventOf<'grant.issued'>['grant']['holder'],
): AccessState['people'] {
  return people.has(holder.id) ? people : withEntry(people, holder.id, holder)
}

function withPerson(state: AccessState, person: EventOf<'person.seen'>['person']): AccessState {
  const known = state.people.get(person.id)
  // Whoever looks at what changed must not be woken for nothing.
  if (known?.person === person.person && sameTexts(known.holds, person.holds)) return state
  return { ...state, people: withEntry(state.people, person.id, person) }
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at])
}
