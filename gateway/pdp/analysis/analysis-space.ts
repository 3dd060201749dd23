/**
 * The ground on which rules are compared or described: classes of resources, conditions as
 * variables, and for each action the groups of classes that the same rules concern in the same way.
 */
import type { Truth } from '../../domain/access.ts'
import type { Action, ResourceKind } from '../../domain/vocabulary.ts'
import type { Rule } from '../policy/rule.ts'
import type { ResourcePattern } from '../policy/resource-pattern.ts'
import { createRuleBook, powersOf, type Powers } from './access-functions.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { createConditionVariables, createWhenDiagrams } from './condition-variables.ts'
import type { ConditionVariables } from './condition-variables.ts'
import { createDiagrams, type Diagrams } from './diagrams.ts'
import {
  createResourceClasses,
  type ResourceClass,
  type ResourceClasses,
} from './resource-classes.ts'
import { createRoleReach, type RoleReach } from './role-reach.ts'

/** One revision on this ground. */
export interface AnalysedRevision {
  readonly rules: AnalysedRules
  readonly reach: RoleReach
}

/** Classes of resources that no rule of any revision tells apart for one action. */
export interface ClassGroup {
  readonly classes: readonly ResourceClass[]
  /** One for each revision, in order. */
  readonly powers: readonly Powers[]
}

/** See the module. */
export interface AnalysisSpace {
  readonly diagrams: Diagrams
  readonly variables: ConditionVariables
  readonly resources: ResourceClasses
  readonly revisions: readonly AnalysedRevision[]
  /** The groups of an action, those without any rule about it included. */
  groupsOf(action: Action, among?: readonly ResourceClass[]): readonly ClassGroup[]
}

/** What is settled beforehand: the truth of a condition, or `undefined` to leave it open. */
export type Settled = (rules: AnalysedRules, name: string) => Truth | undefined

/** Prepares one revision, or an old and a new one. @throws ERR_RULES_INVALID past its bounds */
export function createAnalysisSpace(
  all: readonly AnalysedRules[],
  options: {
    readonly settled?: Settled
    /** Patterns that matter beside those of rules, such as those of limits. */
    readonly patterns?: readonly ResourcePattern[]
  } = {},
): AnalysisSpace {
  const { settled = () => undefined, patterns = [] } = options
  const diagrams = createDiagrams()
  const variables = createConditionVariables(all)
  const resources = createResourceClasses({
    patterns: [
      ...patterns,
      ...all.flatMap(({ policy }) => policy.table.rules.map(({ resource }) => resource)),
    ],
    described: describedNames(all),
  })
  const books = all.map((rules) => ({
    book: createRuleBook(rules.policy.table.rules),
    whenOf: createWhenDiagrams({ diagrams, rules, variables }, (name) => settled(rules, name)),
  }))
  const groupsOf: AnalysisSpace['groupsOf'] = (action, among = resources.classes) => {
    const groups = new Map<string, { classes: ResourceClass[]; powers: readonly Powers[] }>()
    for (const where of among) {
      const concerning = books.map(({ book, whenOf }) =>
        book.concerning(action, where).map((rule) => ({ rule, ...whenOf(rule, where) })),
      )
      const key = concerning.map((entries) => entries.map(entryKey).join()).join(';')
      const known = groups.get(key)
      if (known !== undefined) known.classes.push(where)
      else {
        const powers = concerning.map((entries) => powersOf(diagrams, entries))
        groups.set(key, { classes: [where], powers })
      }
    }
    return [...groups.values()]
  }
  const revisions = all.map((rules) => ({
    rules,
    reach: createRoleReach(rules.policy.table.links),
  }))
  return { diagrams, variables, resources, revisions, groupsOf }
}

/** Numbers only, so that no two different entries share a key. */
function entryKey(entry: { rule: Rule; holds: number; fails: number }): string {
  return `${entry.rule.reference.line}:${entry.holds}:${entry.fails}`
}

function describedNames(all: readonly AnalysedRules[]) {
  const keys = (kind: ResourceKind) =>
    all.flatMap(({ described }) => Object.keys(described[kind] ?? {}))
  return { model: keys('model'), dataset: keys('dataset') }
}
