/** What rules of approval say about the terms of a request and about the reasons for it. */
import { globMatches } from '../../domain/glob.ts'
import type { ApprovalRule, Demands } from '../approvals/rule.ts'
import { decline, type Declined } from '../command.ts'
import type { ElevationRequest, ElevationTerms, Reasons } from '../elevation.ts'
import { isText } from './texts.ts'

type Kind = ElevationRequest['kind']

const TICKET_CHARACTERS_MAX = 128
const ANSWER_CHARACTERS_MAX = 1_000
const CRITERIA_MAX = 32

/** Longest a grant of `kind` may be of use, by the strictest of `rules`. */
export function longestMs(rules: readonly ApprovalRule[], kind: Kind): number {
  return Math.min(
    ...rules.map(({ grantTtlMaxMs, breakGlass }) =>
      kind === 'break-glass' ? (breakGlass?.openForMaxMs ?? 0) : grantTtlMaxMs,
    ),
  )
}

/** The smallest that `rules` allow; `undefined` when they do not say. */
export function smallest(
  rules: readonly ApprovalRule[],
  key: 'usesMax' | 'bytesMax',
): number | undefined {
  const given = rules.flatMap((rule) => rule[key] ?? [])
  return given.length === 0 ? undefined : Math.min(...given)
}

/** Declined with `over_bounds` when `terms` are more than a rule allows. */
export function overBounds(
  terms: ElevationTerms,
  rules: readonly ApprovalRule[],
  kind: Kind,
): Declined | undefined {
  const longest = longestMs(rules, kind)
  if (terms.durationMs > longest) {
    return decline('over_bounds', `It may last ${Math.floor(longest / 1_000)} s at most.`)
  }
  for (const key of ['usesMax', 'bytesMax'] as const) {
    const most = smallest(rules, key)
    if (most === undefined || (terms[key] ?? Infinity) <= most) continue
    const what = key === 'usesMax' ? 'uses' : 'bytes'
    return decline('over_bounds', `Say how many ${what} it is for, ${most} at most.`)
  }
  return undefined
}

/** Declined with `demand_missing` when something that a rule demands was not said. */
export function missingDemand(
  { reasons, terms }: { readonly reasons: Reasons; readonly terms: ElevationTerms },
  rules: readonly ApprovalRule[],
): Declined | undefined {
  const unsaid = (demands: Demands): string | undefined =>
    missingWord(reasons, demands) ?? missingPlace(terms, demands)
  return firstMissing(rules, unsaid)
}

/**
 * Declined with `demand_missing` when a rule demands that it be said where something is used from,
 * and `terms` do not: what a grant is bound to wherever it is used, not only why it was given.
 */
export function missingPlaces(
  terms: ElevationTerms,
  rules: readonly ApprovalRule[],
): Declined | undefined {
  return firstMissing(rules, (demands) => missingPlace(terms, demands))
}

function firstMissing(
  rules: readonly ApprovalRule[],
  missingOf: (demands: Demands) => string | undefined,
): Declined | undefined {
  for (const { name, demands } of rules) {
    const missing = missingOf(demands)
    if (missing !== undefined) return decline('demand_missing', `Rule ${name} demands ${missing}.`)
  }
  return undefined
}

function missingWord(reasons: Reasons, demands: Demands): string | undefined {
  if (!said(reasons.justification, demands.justificationMin)) return shortOf(demands)
  if (!ticketFits(demands.ticket, reasons.ticket)) return `a ticket like ${demands.ticket}`
  if (demands.riskAssessment && !said(reasons.riskAssessment, 1)) return 'a risk assessment'
  return unanswered(demands.criteria, reasons.criteria)
}

function missingPlace({ devices, networks }: ElevationTerms, demands: Demands): string | undefined {
  if (demands.device && devices === undefined) return 'the devices it is used from'
  return demands.network && networks === undefined ? 'the networks it is used from' : undefined
}

function shortOf({ justificationMin }: Demands): string {
  return `a justification of ${justificationMin} characters or more`
}

function said(text: string | undefined, min: number): boolean {
  return text !== undefined && text.trim().length >= min
}

function ticketFits(wanted: string | undefined, ticket: string | undefined): boolean {
  return wanted === undefined || (ticket !== undefined && globMatches(wanted, ticket))
}

function unanswered(criteria: readonly string[], answers: Reasons['criteria']): string | undefined {
  const open = criteria.find((name) => {
    return answers === undefined || !Object.hasOwn(answers, name) || !said(answers[name], 1)
  })
  return open === undefined ? undefined : `an answer to ${open}`
}

/** Declined with `invalid` when a text is none, or longer than people read. */
export function badReasons(reasons: Reasons): Declined | undefined {
  const { justification, ticket, riskAssessment, criteria } = reasons
  const answers = Object.entries(criteria ?? {})
  const isFine =
    isText(justification) &&
    (ticket === undefined || isText(ticket, TICKET_CHARACTERS_MAX)) &&
    (riskAssessment === undefined || isText(riskAssessment)) &&
    answers.length <= CRITERIA_MAX &&
    answers.every(
      ([name, text]) => /^[a-z][a-z0-9-]{0,63}$/.test(name) && isText(text, ANSWER_CHARACTERS_MAX),
    )
  if (isFine) return undefined
  const detail = 'Give a justification, and what else is said, in texts of some 4,000 characters.'
  return decline('invalid', detail)
}

/** `reasons` and nothing else that may have come with them. */
export function plainReasons({
  justification,
  ticket,
  riskAssessment,
  criteria,
}: Reasons): Reasons {
  return {
    justification,
    ...(ticket === undefined ? {} : { ticket }),
    ...(riskAssessment === undefined ? {} : { riskAssessment }),
    ...(criteria === undefined ? {} : { criteria: { ...criteria } }),
  }
}
