/**
 * Conditions as variables of diagrams. Conditions with the same definition are one variable, in
 * both revisions and whatever their names; conditions with different definitions are different
 * variables, even under one name. Variables are independent of each other: that 10.0.0.0/8 lies in
 * 0.0.0.0/1 is not known here, so a comparison may name circumstances that cannot occur, and never
 * leaves out any that can.
 */
import type { AccessRequest, Truth } from '../../domain/access.ts'
import { namesIn, type Expression } from '../policy/expression.ts'
import type { Rule } from '../policy/rule.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { ALWAYS, NEVER, type Diagram, type Diagrams } from './diagrams.ts'
import type { ResourceClass } from './resource-classes.ts'
import { askForNobody } from './ask-for-nobody.ts'

/** When a `when` is true and when it is known to be false; what is left is unknown. */
export interface WhenDiagrams {
  readonly holds: Diagram
  readonly fails: Diagram
}

/** The conditions of one revision or of two. */
export interface ConditionVariables {
  /** The variable of a condition of a revision; `undefined` when it is no variable at all. */
  variableOf(rules: AnalysedRules, name: string): number | undefined
  /** Its name for people, with `(old)` or `(new)` where the name means two things. */
  labelOf(variable: number): string
}

/** Names the variables. With two revisions the first is the old one. */
export function createConditionVariables(revisions: readonly AnalysedRules[]): ConditionVariables {
  const variables = new Map<string, number>()
  const labels: string[] = []
  for (const rules of [...revisions].reverse()) {
    for (const [name, { canonical, spec }] of rules.definitions) {
      if (spec.kind === 'resource' || variables.has(canonical)) continue
      variables.set(canonical, labels.length)
      labels.push(`${name}${ageOf(name, rules, revisions)}`)
    }
  }
  return {
    variableOf(rules, name) {
      const definition = rules.definitions.get(name)
      return definition === undefined ? undefined : variables.get(definition.canonical)
    },
    labelOf: (variable) => labels[variable] ?? `condition ${variable}`,
  }
}

/** Nothing, unless the other revision means something else by the name. */
function ageOf(name: string, rules: AnalysedRules, revisions: readonly AnalysedRules[]): string {
  const meanings = revisions.map(({ definitions }) => definitions.get(name)?.canonical)
  if (new Set(meanings.filter((meaning) => meaning !== undefined)).size < 2) return ''
  return rules === revisions[0] ? ' (old)' : ' (new)'
}

/** What is known of a condition beforehand; `undefined` leaves it open. */
export type Known = (name: string) => Truth | undefined

/**
 * Turns the `when` of rules of one revision into diagrams. Conditions of kind `resource` are judged
 * at once, by what `resources.yaml` says of the class; `known` settles others.
 */
export function createWhenDiagrams(
  context: {
    readonly diagrams: Diagrams
    readonly rules: AnalysedRules
    readonly variables: ConditionVariables
  },
  known: Known = () => undefined,
): (rule: Rule, where: ResourceClass) => WhenDiagrams {
  const { diagrams, rules, variables } = context
  const truthOfResource = createResourceTruths(rules)
  const kept = new Map<string, WhenDiagrams>()
  const about = new Map<string, readonly string[]>()
  const resourceNames = (rule: Rule): readonly string[] => {
    const found = about.get(rule.whenText) ?? namesAboutResource(rule.when, rules)
    about.set(rule.whenText, found)
    return found
  }
  const leaf = (name: string, where: ResourceClass): WhenDiagrams => {
    if (name === 'always') return constant('true')
    const truth =
      rules.definitions.get(name)?.spec.kind === 'resource'
        ? truthOfResource(name, where)
        : known(name)
    if (truth !== undefined) return constant(truth)
    const variable = variables.variableOf(rules, name)
    if (variable === undefined) return constant('unknown')
    return { holds: diagrams.test(variable, 'true'), fails: diagrams.test(variable, 'false') }
  }
  return (rule, where) => {
    const truths = resourceNames(rule).map((name) => truthOfResource(name, where))
    const key = JSON.stringify([rule.whenText, ...truths])
    const found = kept.get(key) ?? build(diagrams, rule.when, (name) => leaf(name, where))
    kept.set(key, found)
    return found
  }
}

function constant(truth: Truth): WhenDiagrams {
  return { holds: truth === 'true' ? ALWAYS : NEVER, fails: truth === 'false' ? ALWAYS : NEVER }
}

/** Kleene's logic on both halves. */
function build(
  diagrams: Diagrams,
  when: Expression,
  leaf: (name: string) => WhenDiagrams,
): WhenDiagrams {
  if (when.type === 'name') return leaf(when.name)
  if (when.type === 'not') {
    const { holds, fails } = build(diagrams, when.operand, leaf)
    return { holds: fails, fails: holds }
  }
  const left = build(diagrams, when.left, leaf)
  const right = build(diagrams, when.right, leaf)
  const { and, or } = diagrams
  return when.type === 'and'
    ? { holds: and(left.holds, right.holds), fails: or(left.fails, right.fails) }
    : { holds: or(left.holds, right.holds), fails: and(left.fails, right.fails) }
}

function namesAboutResource(when: Expression, rules: AnalysedRules): readonly string[] {
  const names = new Set(namesIn(when).map(({ name }) => name))
  return [...names].filter((name) => rules.definitions.get(name)?.spec.kind === 'resource')
}

/** The truth of a condition of kind `resource` for every resource of a class. */
function createResourceTruths(rules: AnalysedRules) {
  const kept = new Map<string, Map<number, Truth>>()
  return (name: string, where: ResourceClass): Truth => {
    const byClass = kept.get(name) ?? new Map<number, Truth>()
    kept.set(name, byClass)
    const known = byClass.get(where.index)
    if (known !== undefined) return known
    const { truth } = rules.policy.conditions.get(name).test(askAbout(rules, where))
    byClass.set(where.index, truth)
    return truth
  }
}

/** Nothing is known but the resource: conditions about it read nothing else. */
function askAbout(rules: AnalysedRules, { witness }: ResourceClass): AccessRequest {
  const environment = { now: 0, client: { ip: '192.0.2.1', source: 'peer' } } as const
  const attributes = rules.resources.attributesOf(witness)
  return { ...askForNobody(witness, environment), resourceAttributes: attributes }
}
