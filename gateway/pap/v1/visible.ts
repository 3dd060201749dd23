/** Whose requests and grants a caller may see: own ones, those they could decide on, or all. */
import type { ElevationGrant, ElevationRequest, RequirementSet } from '../../access/elevation.ts'
import { decline } from '../../access/command.ts'
import { isLockedOut } from '../../access/elevation/lockouts.ts'
import type { Person } from '../../access/person.ts'
import type { AccessState } from '../../access/state.ts'
import type { ApiCaller } from './api-caller.ts'
import type { ApiParts } from './api-parts.ts'
import type { ChangeContext, ChangeRefusal } from './api-route.ts'
import { notFound } from './commanded.ts'

/** Whether something of `owner`, decided on by `demands`, may be shown. */
export type IsVisible = (owner: Person, demands: readonly RequirementSet[]) => boolean

/** What `caller` may see in `area`; asked for many things at once. */
export function visibleTo(
  caller: ApiCaller,
  parts: ApiParts,
  area: 'requests' | 'grants',
): IsVisible {
  if (caller.may('admin', area)) return () => true
  const { person } = caller
  const holds = person === undefined ? undefined : parts.elevation(caller).holdingsOf(person)
  return (owner, demands) => {
    if (isOwn(owner, caller)) return true
    const names = demands.flatMap(({ requirements, reviewers = [] }) => [
      ...requirements.flatMap(({ from }) => from),
      ...reviewers,
    ])
    return holds !== undefined && names.some((one) => holds.has(one))
  }
}

/** What is looked at to say whether something may be shown. */
interface Owned {
  readonly owner: Person
  readonly demands: readonly RequirementSet[]
}

/**
 * Refuses what the caller may not see, as if it were not there, and everything to somebody who was
 * locked out since the call was let in: the state that is decided on may know of a newer lock.
 */
export function refusalFor(
  { caller, parts }: Pick<ChangeContext, 'caller' | 'parts'>,
  area: 'requests' | 'grants',
  ownedIn: (state: AccessState, id: string) => Owned | undefined,
): ChangeRefusal {
  const isVisible = visibleTo(caller, parts, area)
  const { person } = caller
  const holds = person === undefined ? undefined : parts.elevation(caller).holdingsOf(person)
  return (state, id, now) => {
    const found = ownedIn(state, id)
    if (found === undefined || !isVisible(found.owner, found.demands)) {
      return notFound(area === 'requests' ? 'request' : 'grant')
    }
    if (person === undefined || holds === undefined) return undefined
    if (!isLockedOut(state, now, { person, holds }, ['read'])) return undefined
    return decline('not_eligible', 'Your access was taken away meanwhile.')
  }
}

/** Whether `owner` is the caller. */
export function isOwn(owner: Person, { subject, person }: ApiCaller): boolean {
  return owner.id === subject.id && (person === undefined || owner.person === person.person)
}

/** What lists of requests and grants can be narrowed to. */
export interface Filter {
  readonly mine?: boolean | undefined
  readonly model?: string | undefined
}

/** Whether `filter` lets something of `owner` through. */
export function passes(
  { mine, model }: Filter,
  { terms }: Pick<ElevationRequest | ElevationGrant, 'terms'>,
  isOfCaller: boolean,
): boolean {
  if (mine !== undefined && mine !== isOfCaller) return false
  if (model === undefined) return true
  const name = `model:${model}`
  return terms.resources.some((one) => one === name || one.startsWith(`${name}@`))
}
