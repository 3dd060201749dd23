/** Break-glass that is open, and what of it nobody has looked at yet: for whoever watches. */
import { isDeclined } from '../command.ts'
import type { ElevationGrant } from '../elevation.ts'
import type { AccessState } from '../state.ts'
import { demandedNow } from './demanded.ts'
import type { ElevationDeps } from './deps.ts'

/** How many there are. */
export interface Emergencies {
  /** Opened, and in force. */
  readonly open: number
  /** Opened, and nobody has reviewed what was done. */
  readonly unreviewed: number
  /** Of those, such whose review was due before now. */
  readonly overdue: number
}

/** Counts those of `state` at `now`, by the rules in force. */
export function emergenciesOf(
  { grants }: Pick<AccessState, 'grants'>,
  deps: ElevationDeps,
  now: number,
): Emergencies {
  let open = 0
  let unreviewed = 0
  let overdue = 0
  for (const grant of grants.values()) {
    const { sealed, revoked, expiresAt } = grant
    if (sealed?.openedAt === undefined) continue
    if (revoked === undefined && expiresAt > now) open += 1
    const dueAt = reviewDueAt(grant, deps)
    if (dueAt === undefined) continue
    unreviewed += 1
    if (dueAt <= now) overdue += 1
  }
  return { open, unreviewed, overdue }
}

/** When a review of `grant` is due; `undefined` when none is. For whoever shows or reports it. */
export function reviewDueAt(grant: ElevationGrant, deps: ElevationDeps): number | undefined {
  const { sealed, terms } = grant
  if (sealed?.openedAt === undefined || sealed.reviewed !== undefined) return undefined
  const demanded = demandedNow(deps, terms, 'break-glass')
  if (isDeclined(demanded)) return sealed.openedAt
  const within = demanded.rules.map(({ breakGlass }) => breakGlass?.reviewWithinMs ?? 0)
  return sealed.openedAt + Math.min(...within)
}
