/** The whole matrix as a document for people, before it is written in any format. Deterministic. */
import type { RuleReference } from '../../domain/access.ts'
import { ACTIONS, isPrivileged, type Action } from '../../domain/vocabulary.ts'
import { namesIn } from '../policy/expression.ts'
import { ANYONE, type Rule } from '../policy/rule.ts'
import { permittedBy, togetherPower, type Powers } from './access-functions.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { createAnalysisSpace, type AnalysisSpace } from './analysis-space.ts'
import { conditionWords, whenWords } from './condition-words.ts'
import { NEVER } from './diagrams.ts'
import { limitWords, type LimitWords } from './limit-words.ts'

/** Rules that say the same of several actions or resources. */
export interface DocumentRule {
  readonly effect: 'allow' | 'deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** The `when` column. */
  readonly when: string
  /** The same in words. */
  readonly whenWords: string
  readonly rules: readonly RuleReference[]
}

/** One subject that rules or memberships name. */
export interface DocumentSubject {
  readonly name: string
  /** Who has it directly, and through other roles. */
  readonly members: readonly string[]
  readonly indirectMembers: readonly string[]
  /** Roles it has in turn, all of them. */
  readonly alsoHas: readonly string[]
  readonly rules: readonly DocumentRule[]
}

/** Two privileged actions, and who can do both, on whatever resources, whenever. */
export interface SeparationNote {
  readonly actions: readonly [Action, Action]
  /** Principals that have both by themselves; nobody who has two of them is counted. */
  readonly both: readonly string[]
}

/** A condition of the glossary. */
export interface DocumentCondition {
  readonly name: string
  readonly kind: string
  readonly words: string
  readonly description?: string
  /** Rules that use it. */
  readonly uses: number
}

/** The document. */
export interface MatrixDocument {
  readonly revision: string
  readonly subjects: readonly DocumentSubject[]
  readonly separation: readonly SeparationNote[]
  readonly limits: readonly LimitWords[]
  readonly conditions: readonly DocumentCondition[]
}

/** Collects everything there is to say of a revision. */
export function matrixDocument(rules: AnalysedRules): MatrixDocument {
  const space = createAnalysisSpace([rules])
  return {
    revision: rules.policy.revision,
    subjects: subjectsOf(rules, space),
    separation: separationOf(space),
    limits: Object.entries(rules.limits).map(([name, spec]) => limitWords(name, spec)),
    conditions: conditionsOf(rules),
  }
}

function subjectsOf(analysed: AnalysedRules, space: AnalysisSpace): DocumentSubject[] {
  const { policy, definitions } = analysed
  const specOf = (name: string) => definitions.get(name)?.spec
  const { rules, links } = policy.table
  const reach = space.revisions[0]?.reach
  const names = new Set([...rules.map(({ subject }) => subject), ...(reach?.principals ?? [])])
  return [...names].sort(bySubject).map((name) => {
    const members = links.filter(({ role }) => role === name).map(({ member }) => member)
    const holders = reach?.holdersOf(name) ?? []
    return {
      name,
      members: [...new Set(members)].sort(),
      indirectMembers: holders.filter((h) => h !== name && !members.includes(h)).sort(),
      alsoHas: [...(reach?.heldBy(name).keys() ?? [])].filter((held) => held !== name).sort(),
      rules: documentRules(
        rules.filter(({ subject }) => subject === name),
        (when) => whenWords(when, specOf),
      ),
    }
  })
}

/** Everybody first, then roles, groups and users by name. */
function bySubject(a: string, b: string): number {
  const rank = (name: string) =>
    name === ANYONE ? 0 : 1 + ['role', 'group', 'user'].indexOf(name.split(':', 1)[0] ?? '')
  return rank(a) - rank(b) || (a < b ? -1 : 1)
}

/** Denies first, and rows that differ in their action or in their resource only put together. */
function documentRules(
  rules: readonly Rule[],
  wordsOf: (when: Rule['when']) => string,
): DocumentRule[] {
  const byResource = mergedBy(
    rules.map((rule) => ({
      effect: rule.effect,
      actions: actionsOf(rule),
      resources: [rule.resource.text],
      when: rule.whenText,
      whenWords: wordsOf(rule.when),
      rules: [rule.reference],
    })),
    ({ effect, resources, when }) => JSON.stringify([effect, resources, when]),
  )
  const merged = mergedBy(byResource, ({ effect, actions, when }) =>
    JSON.stringify([effect, actions, when]),
  )
  return [
    ...merged.filter(({ effect }) => effect === 'deny'),
    ...merged.filter(({ effect }) => effect === 'allow'),
  ]
}

function actionsOf({ action }: Rule): string[] {
  return action === '*' ? ACTIONS.filter((one) => !isPrivileged(one)) : [action]
}

function mergedBy(rules: readonly DocumentRule[], keyOf: (rule: DocumentRule) => string) {
  const merged = new Map<string, DocumentRule>()
  for (const rule of rules) {
    const key = keyOf(rule)
    const known = merged.get(key)
    const actions = new Set([...(known?.actions ?? []), ...rule.actions])
    merged.set(key, {
      ...rule,
      actions: ACTIONS.filter((action) => actions.has(action)),
      resources: [...new Set([...(known?.resources ?? []), ...rule.resources])],
      rules: [...(known?.rules ?? []), ...rule.rules],
    })
  }
  return [...merged.values()]
}

function separationOf(space: AnalysisSpace): SeparationNote[] {
  const privileged = ACTIONS.filter(isPrivileged)
  const who = new Map(privileged.map((action) => [action, ableTo(space, action)]))
  return privileged.flatMap((first, i) =>
    privileged.slice(i + 1).map((second) => ({
      actions: [first, second] as const,
      both: [...(who.get(first) ?? [])]
        .filter((name) => who.get(second)?.has(name) === true)
        .sort(),
    })),
  )
}

const NO_POWERS: Powers = new Map()

/** Principals that may do it to something under some circumstances, with nothing else in hand. */
function ableTo(space: AnalysisSpace, action: Action): ReadonlySet<string> {
  const reach = space.revisions[0]?.reach
  const able = new Set<string>()
  if (reach === undefined) return able
  for (const { powers } of space.groupsOf(action)) {
    const [here = NO_POWERS] = powers
    for (const subject of here.keys()) {
      for (const principal of reach.holdersOf(subject)) {
        if (able.has(principal)) continue
        const held = [...reach.heldBy(ANYONE).keys(), ...reach.heldBy(principal).keys()]
        const power = togetherPower(space.diagrams, here, held)
        if (permittedBy(space.diagrams, power) !== NEVER) able.add(principal)
      }
    }
  }
  return able
}

function conditionsOf({ definitions, policy }: AnalysedRules): DocumentCondition[] {
  const uses = new Map<string, number>()
  for (const { when } of policy.table.rules) {
    for (const name of new Set(namesIn(when).map((n) => n.name))) {
      uses.set(name, (uses.get(name) ?? 0) + 1)
    }
  }
  return [...definitions].map(([name, { spec }]) => ({
    name,
    kind: spec.kind,
    words: conditionWords(spec),
    ...(spec.description !== undefined && { description: spec.description }),
    uses: uses.get(name) ?? 0,
  }))
}
