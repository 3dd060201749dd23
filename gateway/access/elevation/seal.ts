/** Break-glass: opening what two people sealed beforehand, and looking at it afterwards. */
import { decline, isDeclined, type Command, type Declined } from '../command.ts'
import type { ElevationGrant } from '../elevation.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import { longestMs } from './bounds.ts'
import { demandedNow } from './demanded.ts'
import type { ElevationDeps } from './deps.ts'
import { standingOf } from './eligible.ts'
import { liveGrant } from './revoke.ts'
import { grantStands, type GrantFault } from './stands.ts'
import { badText, unknownPerson } from './texts.ts'

/** The opening of a seal by its holder. */
export interface OpenAsk {
  readonly id: string
  readonly by: Person
  /** What the emergency is. */
  readonly reason: string
}

/** What somebody found who looked at what was done. */
export interface ReviewAsk {
  readonly id: string
  readonly by: Person
  readonly findings: string
}

/**
 * Opens a seal: `grant.opened`; the grant is in force from now on, for the time that was agreed to
 * and not longer than the rules in force allow. Only its holder can, and only once the last one they
 * opened was reviewed. Declines: `person_unknown`, `invalid`, `not_found`, `closed`, `already_done`,
 * `review_outstanding`, `no_approval_rule`, `demand_missing`, `over_bounds`, `not_eligible`.
 */
export function openSeal(deps: ElevationDeps, ask: OpenAsk): Command<ElevationGrant> {
  return (state, now) => {
    const wrong = unknownPerson(ask.by) ?? badText('the emergency', ask.reason)
    const grant = wrong ?? ownSeal(state, ask, now)
    if (isDeclined(grant)) return grant
    const people = new Map([...state.people, [ask.by.id, ask.by] as const])
    const stands = grantStands(grant, { people, locks: state.locks }, deps, now)
    if (stands !== true) return FALLEN[stands]
    const demanded = demandedNow(deps, grant.terms, 'break-glass')
    if (isDeclined(demanded)) return demanded
    const expiresAt =
      now + Math.min(grant.terms.durationMs, longestMs(demanded.rules, 'break-glass'))
    const { id, reason } = ask
    return {
      events: [
        { type: 'grant.opened', id, by: ask.by.id, reason, openedAt: now, expiresAt },
        { type: 'person.seen', person: ask.by },
      ],
      result: { ...grant, expiresAt, sealed: { openedAt: now, reason } },
    }
  }
}

function ownSeal(state: AccessState, { id, by }: OpenAsk, now: number): ElevationGrant | Declined {
  const found = state.grants.get(id)
  const isOwn = found?.holder.id === by.id && found.holder.person === by.person
  if (found?.sealed === undefined || !isOwn) return decline('not_found', 'You have no such seal.')
  if (found.sealed.openedAt !== undefined) {
    return decline('already_done', 'It was opened already; a seal is opened once.')
  }
  const open = outstandingReview(state, by.person)
  if (open !== undefined) {
    return decline('review_outstanding', `Somebody has to review ${open.id} first.`)
  }
  return liveGrant(state, id, now)
}

/** What this person opened and nobody has reviewed. */
export function outstandingReview(
  { grants }: Pick<AccessState, 'grants'>,
  person: string,
): ElevationGrant | undefined {
  for (const grant of grants.values()) {
    const { sealed, holder } = grant
    const isOpen = sealed?.openedAt !== undefined && sealed.reviewed === undefined
    if (isOpen && holder.person === person) return grant
  }
  return undefined
}

/** What its holder is told, for each way in which a grant stopped being worth anything. */
const FALLEN: Readonly<Record<GrantFault, Declined>> = {
  no_approval_rule: decline(
    'no_approval_rule',
    'The rules in force no longer say who may agree to it.',
  ),
  approver_missing: decline(
    'not_eligible',
    'Those who sealed it may no longer do so, or too few of them.',
  ),
  not_automatic: decline('not_eligible', 'The rules in force want somebody to look at it.'),
  holder_locked: decline('not_eligible', 'You are locked out.'),
  holder_changed: decline('not_eligible', 'Your account was another person’s when it was sealed.'),
  may_not_ask: decline('not_eligible', 'The rules in force do not let you ask for it any more.'),
  demand_missing: decline(
    'demand_missing',
    'The rules in force want it bound to devices or networks; seal it anew.',
  ),
  over_bounds: decline('over_bounds', 'The rules in force no longer allow so much; seal it anew.'),
}

/**
 * Says what was found of an emergency: `grant.reviewed`, after which its holder can open another
 * seal. Somebody else does it, of those whom the rules of then and of now name, and when it is over.
 * Declines: `person_unknown`, `invalid`, `not_found`, `already_done`, `self_approval`,
 * `not_eligible`.
 */
export function reviewSeal(deps: ElevationDeps, ask: ReviewAsk): Command<ElevationGrant> {
  return (state, now) => {
    const wrong = unknownPerson(ask.by) ?? badText('findings', ask.findings)
    const grant = wrong ?? openedSeal(state, ask, now)
    if (isDeclined(grant)) return grant
    if (!mayReview({ deps, state, now }, grant, ask.by)) {
      return decline('not_eligible', 'The rules name others to review it.')
    }
    const { id, findings } = ask
    const by = ask.by.id
    const sealed = { ...grant.sealed, reviewed: { by, at: now, findings } }
    return {
      events: [
        { type: 'grant.reviewed', id, by, findings },
        { type: 'person.seen', person: ask.by },
      ],
      result: { ...grant, sealed },
    }
  }
}

function openedSeal(
  { grants }: AccessState,
  { id, by }: ReviewAsk,
  now: number,
): ElevationGrant | Declined {
  const grant = grants.get(id)
  if (grant?.sealed?.openedAt === undefined) {
    return decline('not_found', 'There is no seal of this id that was opened.')
  }
  if (grant.sealed.reviewed !== undefined) {
    return decline('already_done', 'It was reviewed already.')
  }
  if (grant.holder.person === by.person || grant.holder.id === by.id) {
    return decline('self_approval', 'Nobody reviews what they did themselves.')
  }
  if (grant.revoked !== undefined || grant.expiresAt <= now) return grant
  return decline('invalid', 'It is still open: take it back first, or wait for its end.')
}

function mayReview(
  judged: { readonly deps: ElevationDeps; readonly state: AccessState; readonly now: number },
  { demands, terms }: ElevationGrant,
  by: Person,
): boolean {
  const { deps, state, now } = judged
  const people = new Map<string, Person>()
  const holds = standingOf({ deps, state: { ...state, people }, now }, by)
  if (holds === undefined) return false
  const demanded = demandedNow(deps, terms, 'break-glass')
  const sets = [...demands, ...(isDeclined(demanded) ? [] : demanded.sets)]
  return sets.every(({ reviewers }) => reviewers?.some((one) => holds.has(one)) ?? true)
}
