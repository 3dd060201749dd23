/**
 * What is over stays for a while and within bounds: when there is more of it than a snapshot should
 * hold, the oldest falls out first. By the entries alone, so that every replica keeps the same; the
 * ledger has what was forgotten (threats §2.L 382).
 */
import type { ElevationRequest } from '../elevation.ts'
import type { Person } from '../person.ts'
import { sizeOfEntry, sumOf } from '../size.ts'
import type { AccessState } from '../state.ts'
import { filtered } from './maps.ts'

const MI = 1_048_576

/** Characters that stay of what is over, as JSON, by what it is. */
export const OVER_CHARS_MAX = {
  /** Requests that are closed, with their grants. */
  requests: 12 * MI,
  locks: 4 * MI,
  drills: 2 * MI,
  /** Versions that were released. */
  versions: 4 * MI,
  /** Calls that can be repeated with their key: of the last day, when they are not more. */
  calls: 4 * MI,
  signals: 4 * MI,
  /** Accounts of which it is known whose they are, and that nothing else speaks of. */
  people: 4 * MI,
} as const

/** Of what is too much, so much more goes that there is room for a while. */
const ROOM = 1 / 8

/** Automatic approvals that a rate can ask about: those of 30 days. */
const AUTO_KEPT_MS = 31 * 86_400_000

/** `state` within {@link OVER_CHARS_MAX}. */
export function bounded(before: AccessState): AccessState {
  const state = withoutOldRequests(before)
  const { at } = state
  return {
    ...state,
    locks: newest(state.locks, OVER_CHARS_MAX.locks, ({ expiresAt, lifted }) =>
      overAt(Math.min(expiresAt ?? Infinity, lifted?.at ?? Infinity), at),
    ),
    drills: newest(state.drills, OVER_CHARS_MAX.drills, (drill) => drill.at),
    versions: newest(state.versions, OVER_CHARS_MAX.versions, ({ released }) => released?.at),
    calls: newest(state.calls, OVER_CHARS_MAX.calls, ({ until }) => until),
    signals: newest(state.signals, OVER_CHARS_MAX.signals, ({ until }) => until),
    people: withoutStrangers(state),
    autoApprovals: recentApprovals(state),
  }
}

function overAt(endedAt: number, now: number): number | undefined {
  return endedAt <= now ? endedAt : undefined
}

/**
 * `map` without the oldest of what is over, when that is more than `max` characters; `since` says
 * since when an entry is, and nothing of one that is not. Of the same time, by key.
 */
function newest<V>(
  map: ReadonlyMap<string, V>,
  max: number,
  since: (value: V, key: string) => number | undefined,
): ReadonlyMap<string, V> {
  // What is not over counts for nothing here: most often all of it is far less than what may be.
  if (sumOf(map) <= max) return map
  const dropped = oldest(map, max, since)
  return dropped.size === 0 ? map : filtered(map, (_value, key) => !dropped.has(key))
}

function oldest<V>(
  map: ReadonlyMap<string, V>,
  max: number,
  since: (value: V, key: string) => number | undefined,
): ReadonlySet<string> {
  const over: { readonly key: string; readonly at: number; readonly size: number }[] = []
  let total = 0
  for (const [key, value] of map) {
    const at = since(value, key)
    if (at === undefined) continue
    const size = sizeOfEntry(key, value)
    over.push({ key, at, size })
    total += size
  }
  const dropped = new Set<string>()
  if (total <= max) return dropped
  over.sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1))
  for (const { key, size } of over) {
    if (total <= max * (1 - ROOM)) break
    dropped.add(key)
    total -= size
  }
  return dropped
}

/** A request and its grant are forgotten together: they say what the other leaves out. */
function withoutOldRequests(state: AccessState): AccessState {
  const { requests, grants } = state
  if (sumOf(requests) + sumOf(grants) <= OVER_CHARS_MAX.requests) return state
  const pairs = new Map(
    [...requests].map(([id, request]) => {
      const grant = request.grant === undefined ? undefined : grants.get(request.grant)
      return [id, { request, ...(grant === undefined ? {} : { grant }) }] as const
    }),
  )
  const dropped = oldest(pairs, OVER_CHARS_MAX.requests, ({ request }) => endOf(request, state))
  if (dropped.size === 0) return state
  return {
    ...state,
    requests: filtered(requests, (_request, id) => !dropped.has(id)),
    grants: filtered(grants, ({ request }) => !dropped.has(request)),
  }
}

/** Since when nothing can come of a request any more; `undefined` while something can. */
function endOf(request: ElevationRequest, { grants, at }: AccessState): number | undefined {
  const grant = request.grant === undefined ? undefined : grants.get(request.grant)
  if (grant === undefined) return overAt(request.closed?.at ?? request.expiresAt, at)
  const { sealed, revoked, expiresAt } = grant
  // A break-glass that was opened stays until somebody has reviewed it.
  if (sealed?.openedAt !== undefined && sealed.reviewed === undefined) return undefined
  return overAt(Math.min(revoked?.at ?? Infinity, expiresAt), at)
}

/**
 * People, without those that were heard of first and that nothing speaks of. They stay while there is
 * room: that two accounts are one person's is known of many from their calls alone (threats §2.H 266).
 */
function withoutStrangers(state: AccessState): AccessState['people'] {
  const { people } = state
  if (sumOf(people) <= OVER_CHARS_MAX.people) return people
  const named = namedIn(state)
  const places = new Map([...people.keys()].map((id, place) => [id, place] as const))
  return newest(people, OVER_CHARS_MAX.people, (_person, id) =>
    named.has(id) ? undefined : places.get(id),
  )
}

/** Accounts of which it has to be known whose they are, and what they hold. */
function namedIn(state: AccessState): ReadonlySet<string> {
  const { requests, grants, locks, runs, registrations, versions } = state
  const named = new Set<string>()
  for (const { by, votes } of requests.values()) addVoters(named, by, votes)
  for (const { holder, votes } of grants.values()) addVoters(named, holder, votes)
  for (const { by, target, liftAsked } of locks.values()) {
    named.add(by)
    if (liftAsked !== undefined) named.add(liftAsked.by)
    if (target.kind === 'user') named.add(target.id)
    if (target.kind === 'issued-before') named.add(target.subject)
  }
  for (const { by } of runs.values()) named.add(by)
  for (const { by } of registrations.values()) named.add(by)
  for (const { by } of versions.values()) named.add(by)
  return named
}

function addVoters(
  named: Set<string>,
  { id }: Pick<Person, 'id'>,
  votes: ElevationRequest['votes'],
): void {
  named.add(id)
  for (const { by } of votes) named.add(by.id)
}

function recentApprovals({ autoApprovals, at }: AccessState): AccessState['autoApprovals'] {
  const since = at - AUTO_KEPT_MS
  const isOld = (times: readonly number[]): boolean => times.some((one) => one <= since)
  if (![...autoApprovals.values()].some(isOld)) return autoApprovals
  const recent = [...autoApprovals].map(
    ([key, times]) => [key, isOld(times) ? times.filter((one) => one > since) : times] as const,
  )
  return new Map(recent.filter(([, times]) => times.length > 0))
}
