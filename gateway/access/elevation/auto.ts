/** Approval without people: where every rule that matches gives it, and not too often. */
import type { ApprovalRule, AutoApproval } from '../approvals/rule.ts'
import type { ElevationGrant, ElevationRequest } from '../elevation.ts'
import type { AccessState } from '../state.ts'
import type { ElevationDeps } from './deps.ts'
import { issued } from './issue.ts'

/** Between the names of rules that approved together. */
const AND = ','

/**
 * The grant that `rules` give by themselves, all of them together; `undefined` when people have to
 * look. The rate is that of the person, over all accounts.
 */
export function automatic(
  deps: Pick<ElevationDeps, 'filterHolds'>,
  { state, now }: { readonly state: AccessState; readonly now: number },
  request: ElevationRequest,
  rules: readonly ApprovalRule[],
): ElevationGrant | undefined {
  if (request.kind !== 'elevation') return undefined
  const gives = rules.every(({ name, auto }) => {
    if (auto === undefined || request.terms.durationMs > (auto.grantTtlMaxMs ?? Infinity))
      return false
    const given = givenSince(state, name, request.by.person, now - auto.rate.perMs)
    return given < auto.rate.count && holds(deps, auto)
  })
  if (!gives) return undefined
  const auto = rules.map(({ name }) => name).join(AND)
  const grant = issued({ request, votes: [], demands: request.demands, rules, now, auto })
  return 'declined' in grant ? undefined : grant
}

function holds(deps: Pick<ElevationDeps, 'filterHolds'>, { when }: AutoApproval): boolean {
  return deps.filterHolds(when)
}

function givenSince(
  { autoApprovals }: Pick<AccessState, 'autoApprovals'>,
  rule: string,
  person: string,
  since: number,
): number {
  let given = 0
  for (const [key, times] of autoApprovals) {
    const space = key.indexOf(' ')
    if (key.slice(space + 1) !== person) continue
    if (!key.slice(0, space).split(AND).includes(rule)) continue
    given += times.filter((at) => at > since).length
  }
  return given
}
