/** Whether a grant is still worth something: judged anew whenever it is made use of. */
import type { ApprovalRule } from '../approvals/rule.ts'
import { isDeclined, type Declined } from '../command.ts'
import type { ElevationGrant, RequirementSet } from '../elevation.ts'
import type { AccessState } from '../state.ts'
import { missingPlaces, overBounds } from './bounds.ts'
import { demandedNow, stricter, type Demanded } from './demanded.ts'
import type { ElevationDeps } from './deps.ts'
import { approversOf, areMet, type Approver } from './eligible.ts'
import { isLockedOut } from './lockouts.ts'
import { mayNotAsk } from './request.ts'

/**
 * Why a grant that is in force by its times is worth nothing.
 *
 * - `no_approval_rule`: the rules in force no longer say who could agree to it.
 * - `approver_missing`: with those who agreed and may still do so, not all demands are met.
 * - `not_automatic`: nobody looked at it, and the rules in force want somebody to.
 * - `holder_locked`, `holder_changed`: its holder is locked out, or the account is another person's.
 * - `may_not_ask`: its holder could not ask for it any more.
 * - `demand_missing`: the rules in force want it bound to devices or networks, and it is to none.
 * - `over_bounds`: it is longer, or for more uses or bytes, than the rules in force allow.
 */
export type GrantFault =
  | 'no_approval_rule'
  | 'approver_missing'
  | 'not_automatic'
  | 'holder_locked'
  | 'holder_changed'
  | 'may_not_ask'
  | 'demand_missing'
  | 'over_bounds'

/** What is demanded of a grant, as long as neither it nor the rules change. */
interface Wanted {
  readonly now: Demanded
  /** Of now and of then. */
  readonly sets: readonly RequirementSet[]
}

const wanted = new WeakMap<ElevationDeps, WeakMap<ElevationGrant, Wanted | Declined>>()

/**
 * Whether `grant` stands at `now`: what was demanded then and what is demanded now is met by those
 * who agreed and are still eligible, it is no more than the rules in force allow, and its holder is
 * not locked out. Times, seals and revocation are not looked at here; nor are the reasons, which were
 * for those who decided. Judged by what people were last known to hold.
 */
export function grantStands(
  grant: ElevationGrant,
  state: Pick<AccessState, 'people' | 'locks'>,
  deps: ElevationDeps,
  now: number,
): true | GrantFault {
  const judged = judgeGrant(grant, state, deps, now)
  return typeof judged === 'string' ? judged : true
}

/** As {@link grantStands}: those who agreed and still count, or why the grant does not stand. */
export function judgeGrant(
  grant: ElevationGrant,
  state: Pick<AccessState, 'people' | 'locks'>,
  deps: ElevationDeps,
  now: number,
): readonly Approver[] | GrantFault {
  const demanded = wantedOf(grant, deps)
  if (isDeclined(demanded)) return 'no_approval_rule'
  const fault = holderFault(grant, state, deps, { now, demanded: demanded.now })
  if (fault !== undefined) return fault
  const { rules } = demanded.now
  if (missingPlaces(grant.terms, rules) !== undefined) return 'demand_missing'
  if (exceeds(grant, rules)) return 'over_bounds'
  if (grant.auto !== undefined) return isAutomatic(grant, rules) ? [] : 'not_automatic'
  const { holder, votes, digest } = grant
  const approvers = approversOf({ state, deps, now }, { by: holder, votes, digest })
  const isMet = demanded.sets.every(({ requirements }) => areMet(requirements, approvers))
  return isMet ? approvers : 'approver_missing'
}

/** A seal that is not open yet has no end that counts: opening gives it the one of then. */
function exceeds(
  { terms, sealed, expiresAt }: ElevationGrant,
  rules: readonly ApprovalRule[],
): boolean {
  if (sealed === undefined) return overBounds(terms, rules, 'elevation') !== undefined
  const durationMs = sealed.openedAt === undefined ? 0 : expiresAt - sealed.openedAt
  return overBounds({ ...terms, durationMs }, rules, 'break-glass') !== undefined
}

function isAutomatic({ terms }: ElevationGrant, rules: readonly ApprovalRule[]): boolean {
  return rules.every(
    ({ auto }) => auto !== undefined && terms.durationMs <= (auto.grantTtlMaxMs ?? Infinity),
  )
}

/** Whether who holds `holdings` could ask for `grant` by the rules in force. */
export function couldAsk(
  grant: ElevationGrant,
  deps: ElevationDeps,
  holdings: ReadonlySet<string>,
): boolean {
  const demanded = wantedOf(grant, deps)
  return !isDeclined(demanded) && mayNotAsk(demanded.now, holdings) === undefined
}

function wantedOf(grant: ElevationGrant, deps: ElevationDeps): Wanted | Declined {
  const known = wanted.get(deps) ?? new WeakMap<ElevationGrant, Wanted | Declined>()
  wanted.set(deps, known)
  const found = known.get(grant) ?? worked(grant, deps)
  known.set(grant, found)
  return found
}

function worked(
  { sealed, terms, demands }: ElevationGrant,
  deps: ElevationDeps,
): Wanted | Declined {
  const now = demandedNow(deps, terms, sealed === undefined ? 'elevation' : 'break-glass')
  return isDeclined(now) ? now : { now, sets: stricter(demands, now.sets) }
}

function holderFault(
  { holder, terms }: ElevationGrant,
  state: Pick<AccessState, 'people' | 'locks'>,
  deps: ElevationDeps,
  { now, demanded }: { readonly now: number; readonly demanded: Demanded },
): GrantFault | undefined {
  const latest = state.people.get(holder.id) ?? holder
  if (latest.person !== holder.person) return 'holder_changed'
  const holds = deps.holdingsOf(latest)
  if (isLockedOut(state, now, { person: latest, holds }, terms.actions)) return 'holder_locked'
  return mayNotAsk(demanded, holds) === undefined ? undefined : 'may_not_ask'
}
