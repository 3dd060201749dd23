/** Taking a grant back. */
import { decline, isDeclined, type Command, type Declined } from '../command.ts'
import type { ElevationGrant } from '../elevation.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import { demandedNow, stricter } from './demanded.ts'
import type { ElevationDeps } from './deps.ts'
import { standingOf } from './eligible.ts'
import { badText, unknownPerson } from './texts.ts'

/** The end of a grant before its time. */
export interface RevokeAsk {
  readonly id: string
  readonly by: Person
  readonly reason: string
  /** The caller may administer grants: then it is enough to say why. */
  readonly override?: boolean
}

/**
 * Takes a grant back: `grant.revoked`. Its holder may, and everybody who could approve such a
 * request; others need the privilege to administer grants. Declines: `person_unknown`, `invalid`,
 * `not_found`, `closed`, `not_eligible`.
 */
export function revokeGrant(deps: ElevationDeps, ask: RevokeAsk): Command<ElevationGrant> {
  return (state, now) => {
    const wrong = unknownPerson(ask.by) ?? badText('a reason', ask.reason)
    const grant = wrong ?? liveGrant(state, ask.id, now)
    if (isDeclined(grant)) return grant
    const isOwn = grant.holder.person === ask.by.person && grant.holder.id === ask.by.id
    if (ask.override !== true && !isOwn && !couldApprove({ deps, state, now }, grant, ask.by)) {
      return decline('not_eligible', 'Its holder, or one of those who approve such requests, may.')
    }
    const { id, reason } = ask
    const by = ask.by.id
    return {
      events: [{ type: 'grant.revoked', id, by, reason }],
      result: { ...grant, revoked: { by, at: now, reason } },
    }
  }
}

/** The grant, or why nothing can be done about it: `not_found` or `closed`. */
export function liveGrant(
  { grants }: Pick<AccessState, 'grants'>,
  id: string,
  now: number,
): ElevationGrant | Declined {
  const grant = grants.get(id)
  if (grant === undefined) return decline('not_found', 'There is no such grant.')
  if (grant.revoked !== undefined) return decline('closed', 'The grant was taken back.')
  return grant.expiresAt <= now ? decline('closed', 'The grant is over.') : grant
}

function couldApprove(
  judged: { readonly deps: ElevationDeps; readonly state: AccessState; readonly now: number },
  { terms, sealed, demands }: ElevationGrant,
  by: Person,
): boolean {
  const { deps, state, now } = judged
  const kind = sealed === undefined ? 'elevation' : 'break-glass'
  const demanded = demandedNow(deps, terms, kind)
  const sets = stricter(demands, isDeclined(demanded) ? [] : demanded.sets)
  // What the caller's token says is newer than what is known of them.
  const people = new Map<string, Person>()
  const holds = standingOf({ deps, state: { ...state, people }, now }, by)
  if (holds === undefined) return false
  const names = sets.flatMap(({ requirements }) => requirements.flatMap(({ from }) => from))
  return names.some((name) => holds.has(name))
}
