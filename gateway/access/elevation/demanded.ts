/** What has to be satisfied: what was demanded when it was asked for, and what is demanded now. */
import type { ApprovalRule } from '../approvals/rule.ts'
import { rulesFor } from '../approvals/match.ts'
import { decline, isDeclined, type Declined } from '../command.ts'
import type { ElevationRequest, ElevationTerms, RequirementSet } from '../elevation.ts'
import type { ElevationDeps } from './deps.ts'

type Kind = ElevationRequest['kind']

/** Rules and what they demand. */
export interface Demanded {
  readonly rules: readonly ApprovalRule[]
  readonly sets: readonly RequirementSet[]
}

/** What the rules in force demand for `terms`, or `no_approval_rule`. */
export function demandedNow(
  deps: ElevationDeps,
  terms: Pick<ElevationTerms, 'actions' | 'resources'>,
  kind: Kind,
): Demanded | Declined {
  const rules = rulesFor(deps, terms)
  if (isDeclined(rules)) return rules
  const without = rules.find(({ breakGlass }) => breakGlass === undefined)
  if (kind === 'break-glass' && without !== undefined) {
    const detail = `Rule ${without.name} of approvals.yaml allows no break-glass.`
    return decline('no_approval_rule', detail)
  }
  return { rules, sets: rules.map((rule) => setOf(rule, kind)) }
}

function setOf({ name, require, denyBy, breakGlass }: ApprovalRule, kind: Kind): RequirementSet {
  if (kind === 'elevation' || breakGlass === undefined) {
    return { rule: name, requirements: require, denyBy }
  }
  const { seal, reviewers } = breakGlass
  return { rule: name, requirements: seal, denyBy, reviewers }
}

/**
 * What was captured, and what is demanded now where that is something else: both have to be
 * satisfied, so that nobody lowers a threshold under a request (threats §2.H 278).
 */
export function stricter(
  captured: readonly RequirementSet[],
  now: readonly RequirementSet[],
): readonly RequirementSet[] {
  const texts = new Set(captured.map((set) => JSON.stringify(set)))
  return [...captured, ...now.filter((set) => !texts.has(JSON.stringify(set)))]
}

/** Every filter of `sets`, once. */
export function filtersOf(sets: readonly RequirementSet[]): readonly string[] {
  const filters = sets.flatMap(({ requirements }) => requirements.map(({ filter }) => filter))
  return [...new Set(filters.filter((one) => one !== undefined))]
}
