/** Which rules of approval a request has to satisfy. */
import type { ResourceAttributes } from '../../domain/access.ts'
import { globMatches } from '../../domain/glob.ts'
import type { Action } from '../../domain/vocabulary.ts'
import { decline, type Declined } from '../command.ts'
import type { ApprovalRule, ApprovalRules } from './rule.ts'

/** What rules are looked for with. */
export interface MatchFacts {
  readonly rules: ApprovalRules
  attributesOf(resource: string): ResourceAttributes | undefined
}

/** What rules are looked for about. */
export interface MatchAsk {
  readonly actions: readonly Action[]
  readonly resources: readonly string[]
}

/**
 * `unknown`: it is not known whether the rule is about this. Such a rule must be satisfied like one
 * that is, and is not enough: something known has to say who can agree.
 */
type Match = 'yes' | 'no' | 'unknown'

/**
 * Every rule that has to be satisfied for `ask`, in the order in which they are written; declined
 * with `no_approval_rule` when one of its actions on one of its resources is in none for certain.
 */
export function rulesFor(facts: MatchFacts, ask: MatchAsk): readonly ApprovalRule[] | Declined {
  const { rules } = facts.rules
  const matched = new Set<ApprovalRule>()
  for (const resource of ask.resources) {
    const attributes = facts.attributesOf(resource)
    for (const action of ask.actions) {
      let isCovered = false
      for (const rule of rules) {
        const match = rule.actions.has(action) ? matchOf(rule, resource, attributes) : 'no'
        if (match !== 'no') matched.add(rule)
        if (match === 'yes') isCovered = true
      }
      if (!isCovered) return noRule(action, resource)
    }
  }
  return rules.filter((rule) => matched.has(rule))
}

function noRule(action: Action, resource: string): Declined {
  const detail = `No rule of approvals.yaml says who may agree to ${action} of ${resource}.`
  return decline('no_approval_rule', detail)
}

function matchOf(
  rule: ApprovalRule,
  resource: string,
  attributes: ResourceAttributes | undefined,
): Match {
  const { classification, environment, tags } = rule
  return weakest([
    nameMatch(rule.resources, resource),
    wordMatch(classification, attributes?.classification),
    wordMatch(environment, attributes?.environment),
    tagMatch(tags, attributes?.tags),
  ])
}

function weakest(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('unknown') ? 'unknown' : 'yes'
}

function nameMatch(globs: readonly string[], resource: string): Match {
  const matches = globs.map((glob) => globMatch(glob, resource))
  if (matches.includes('yes')) return 'yes'
  return matches.includes('unknown') ? 'unknown' : 'no'
}

/**
 * A glob without a version is about every version. One with a version is about a request that names
 * none too, for it is for this version among others.
 */
function globMatch(glob: string, resource: string): Match {
  if (glob === '*') return 'yes'
  const [wantedName, wantedVersion] = splitVersion(glob)
  const [name, version] = splitVersion(resource)
  if (!globMatches(wantedName, name)) return 'no'
  if (wantedVersion === undefined) return 'yes'
  if (version === undefined) return 'unknown'
  return globMatches(wantedVersion, version) ? 'yes' : 'no'
}

function splitVersion(text: string): [string, string | undefined] {
  const at = text.indexOf('@')
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function wordMatch(wanted: readonly string[] | undefined, is: string | undefined): Match {
  if (wanted === undefined) return 'yes'
  if (is === undefined) return 'unknown'
  return wanted.includes(is) ? 'yes' : 'no'
}

/** What is described and has no such tag has it not; what is not described could. */
function tagMatch(
  wanted: readonly string[] | undefined,
  are: readonly string[] | undefined,
): Match {
  if (wanted === undefined) return 'yes'
  if (are === undefined) return 'unknown'
  return are.some((tag) => wanted.includes(tag)) ? 'yes' : 'no'
}
