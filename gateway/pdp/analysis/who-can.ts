/** Everybody who may do one thing to one resource, when, by which rule and through which roles. */
import type { RuleReference } from '../../domain/access.ts'
import { GatewayError } from '../../domain/errors.ts'
import { isPrivileged, resourceText, type Action, type Resource } from '../../domain/vocabulary.ts'
import { ANYONE } from '../policy/rule.ts'
import { permittedBy, togetherPower, type ConcerningRule } from './access-functions.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { createAnalysisSpace, type AnalysisSpace, type Settled } from './analysis-space.ts'
import { circumstancesOf, type Circumstances } from './circumstances.ts'
import { ALWAYS, NEVER, type Diagram } from './diagrams.ts'
import { compareTexts } from './compare-texts.ts'

/** A rule, and how a principal comes to it. */
export interface RuleThrough {
  readonly rule: RuleReference
  readonly when: string
  /** From the principal to the subject of the rule; one entry when they are the same. */
  readonly through: readonly string[]
}

/** A principal, alone: whoever has it and nothing else that rules name. */
export interface Permitted {
  readonly principal: string
  /** Denies it holds itself, and those for everybody, are taken into account. */
  readonly when: Circumstances
  readonly rules: readonly RuleThrough[]
}

/** A deny that speaks of this: it takes the permission from whoever also has `subject`. */
export interface StandingDeny {
  readonly subject: string
  readonly rule: RuleReference
  /** When it applies; it does so too while that is unknown. */
  readonly when: Circumstances
}

/** The whole answer. */
export interface WhoCan {
  readonly revision: string
  readonly action: Action
  readonly resource: string
  readonly privileged: boolean
  readonly permitted: readonly Permitted[]
  /** Principals that a rule allows, and that a deny of their own or for everybody keeps out. */
  readonly blocked: readonly string[]
  readonly denies: readonly StandingDeny[]
}

/** Answers for one resource; `settled` fixes conditions, the others stay open. */
export function whoCan(
  rules: AnalysedRules,
  asked: { readonly action: Action; readonly resource: Resource },
  settled?: Settled,
): WhoCan {
  const space = createAnalysisSpace([rules], settled === undefined ? {} : { settled })
  const where = space.resources.classOf(asked.resource)
  const [group] = where === undefined ? [] : space.groupsOf(asked.action, [where])
  const powers = group?.powers[0]
  const revision = space.revisions[0]
  if (powers === undefined || revision === undefined) {
    throw new GatewayError('ERR_USAGE', 'the name of the resource is empty or too long')
  }
  const { reach } = revision
  const allowing = [...powers].filter(([, { allows }]) => allows.length > 0)
  const principals = new Set(allowing.flatMap(([subject]) => reach.holdersOf(subject)))
  const everybody = [...reach.heldBy(ANYONE).keys()]
  const standings = [...principals].sort(compareTexts).map((principal) => {
    const chains = new Map([...reach.heldBy(ANYONE), ...reach.heldBy(principal)])
    const power = togetherPower(space.diagrams, powers, [...everybody, ...chains.keys()])
    const own = power.allows.filter(({ holds }) => holds !== NEVER)
    const permitted = permittedBy(space.diagrams, power)
    return { principal, permitted, rules: rulesThrough(own, chains) }
  })
  return {
    revision: rules.policy.revision,
    action: asked.action,
    resource: resourceText(asked.resource),
    privileged: isPrivileged(asked.action),
    permitted: standings
      .filter(({ permitted }) => permitted !== NEVER)
      .map(({ principal, permitted, rules: through }) => {
        return { principal, when: whenOf(space, permitted, plainOf(through)), rules: through }
      }),
    blocked: standings
      .filter(({ permitted, rules: through }) => permitted === NEVER && through.length > 0)
      .map(({ principal }) => principal),
    denies: [...powers].flatMap(([subject, { denies }]) =>
      denies.flatMap((entry) => standingDeny(space, subject, entry)),
    ),
  }
}

/** Conditions for people; a way to say them that always fits when they are too many to list. */
export function whenOf(space: AnalysisSpace, diagram: Diagram, plain: string): Circumstances {
  const { diagrams, variables } = space
  return circumstancesOf(diagrams, diagram, (variable) => variables.labelOf(variable), plain)
}

function plainOf(rules: readonly RuleThrough[]): string {
  return `as the rules say: ${[...new Set(rules.map(({ when }) => when))].join(' | ')}`
}

function rulesThrough(
  entries: readonly ConcerningRule[],
  chains: ReadonlyMap<string, readonly string[]>,
): RuleThrough[] {
  const unique = [...new Map(entries.map((entry) => [entry.rule, entry])).values()]
  return unique
    .sort((a, b) => a.rule.reference.line - b.rule.reference.line)
    .map(({ rule }) => ({
      rule: rule.reference,
      when: rule.whenText,
      through: chains.get(rule.subject) ?? [rule.subject],
    }))
}

function standingDeny(
  space: AnalysisSpace,
  subject: string,
  entry: ConcerningRule,
): StandingDeny[] {
  if (entry.fails === ALWAYS) return []
  const applies = space.diagrams.not(entry.fails)
  return [
    {
      subject,
      rule: entry.rule.reference,
      when: whenOf(space, applies, entry.rule.whenText),
    },
  ]
}
