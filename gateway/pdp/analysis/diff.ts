/**
 * What changes for whom between two revisions: exactly, over classes of resources and conditions,
 * nothing sampled. Reports nothing if and only if no caller could be answered differently, the
 * truths of conditions taken as independent of each other and of who asks.
 */
import type { RuleReference, Truth } from '../../domain/access.ts'
import { ACTIONS, resourceText, type Action } from '../../domain/vocabulary.ts'
import type { Rule } from '../policy/rule.ts'
import { accessChanges } from './access-changes.ts'
import type { RawChange } from './change-merger.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { createAnalysisSpace, type AnalysisSpace } from './analysis-space.ts'
import { circumstancesOf, exampleOf, type Circumstances } from './circumstances.ts'
import { listChanges, type ListedChanges } from './listed-changes.ts'
import type { ResourceClass } from './resource-classes.ts'
import { createResourceWords, type ResourceWords } from './resource-words.ts'
import { compareTexts } from './compare-texts.ts'

/** One line of the report: equal changes of many callers, actions and resources are one. */
export interface AccessChange {
  readonly direction: 'gain' | 'loss'
  /**
   * Whoever has any of `anyOf` (and, where `with` is not empty, any of those too). `role:anyone` is
   * a caller with nothing that rules name; lines about others then say only what goes beyond it.
   */
  readonly callers: {
    readonly anyOf: readonly string[]
    readonly with: readonly string[]
    /** Principals for which the same is true because they hold one of those. */
    readonly also: readonly string[]
  }
  readonly actions: readonly Action[]
  readonly resources: ResourceWords
  readonly when: Circumstances
  /** Rules of the revision that permits: the new one for a gain, the old one for a loss. */
  readonly permittedBy: readonly RuleReference[]
  /** Denies of the other revision; none when nothing permits there. */
  readonly refusedBy: readonly RuleReference[]
  /** Allows for the same callers in the other revision, under other conditions. */
  readonly otherwise: readonly RuleReference[]
  readonly example: ChangeExample
}

/** One case that is decided differently. */
export interface ChangeExample {
  readonly caller: readonly string[]
  readonly action: Action
  readonly resource: string
  /** Conditions by name, as each revision means them; those that do not matter are left out. */
  readonly conditions: Readonly<Record<'old' | 'new', Readonly<Record<string, Truth>>>>
}

/** The whole comparison. */
export interface RuleComparison extends ListedChanges {
  readonly old: { readonly revision: string }
  readonly new: { readonly revision: string }
  readonly gains: readonly AccessChange[]
  readonly losses: readonly AccessChange[]
  /** How many classes of resources the rules tell apart. */
  readonly classes: number
}

/** Compares. @throws ERR_RULES_INVALID when the rules are past what can be compared exactly */
export function compareRules(before: AnalysedRules, after: AnalysedRules): RuleComparison {
  const space = createAnalysisSpace([before, after])
  const changes = collect(space)
  const words = createResourceWords(space.resources)
  const described = changes.map((change) => describe(space, change, words))
  described.sort(byReadingOrder)
  return {
    old: { revision: before.policy.revision },
    new: { revision: after.policy.revision },
    gains: described.filter(({ direction }) => direction === 'gain'),
    losses: described.filter(({ direction }) => direction === 'loss'),
    classes: space.resources.classes.length,
    ...listChanges(before, after),
  }
}

/** A change with everything it was found for. */
interface MergedChange extends RawChange {
  readonly actions: readonly Action[]
  readonly classes: readonly ResourceClass[]
}

interface Gathered {
  readonly change: RawChange
  readonly classes: ResourceClass[]
  readonly rules: Record<'permittedBy' | 'refusedBy' | 'otherwise', Set<Rule>>
}

function collect(space: AnalysisSpace): MergedChange[] {
  const merged = new Map<string, MergedChange>()
  for (const action of ACTIONS) {
    for (const change of changesOf(space, action)) {
      const { classes } = change
      const key = JSON.stringify([changeKey(change), classes.map(({ index }) => index)])
      const known = merged.get(key)
      const actions = [...(known?.actions ?? []), action]
      merged.set(key, { ...(known ?? change), actions })
    }
  }
  return [...merged.values()]
}

/** The changes of one action, classes with the same change put together. */
function changesOf(space: AnalysisSpace, action: Action) {
  const gathered = new Map<string, Gathered>()
  for (const group of space.groupsOf(action)) {
    for (const change of accessChanges(space, group)) {
      const key = changeKey(change)
      const { permittedBy, refusedBy, otherwise } = change
      const known = gathered.get(key)
      if (known === undefined) {
        const rules = {
          permittedBy: new Set(permittedBy),
          refusedBy: new Set(refusedBy),
          otherwise: new Set(otherwise),
        }
        gathered.set(key, { change, classes: [...group.classes], rules })
        continue
      }
      known.classes.push(...group.classes)
      for (const rule of permittedBy) known.rules.permittedBy.add(rule)
      for (const rule of refusedBy) known.rules.refusedBy.add(rule)
      for (const rule of otherwise) known.rules.otherwise.add(rule)
    }
  }
  return [...gathered.values()].map(({ change, classes, rules }) => ({
    ...change,
    permittedBy: inFileOrder(rules.permittedBy),
    refusedBy: inFileOrder(rules.refusedBy),
    otherwise: inFileOrder(rules.otherwise),
    classes: classes.sort((a, b) => a.index - b.index),
    actions: [action],
  }))
}

function inFileOrder(rules: ReadonlySet<Rule>): Rule[] {
  return [...rules].sort((a, b) => a.reference.line - b.reference.line)
}

/**
 * What must be the same for two changes to be one line: who, when, and the rules of the new
 * revision that bring it about. Those of the old one may differ; all of them are then named.
 */
function changeKey(change: RawChange): string {
  const { direction, anyOf, with: partners, when, permittedBy, refusedBy } = change
  const cause = direction === 'gain' ? permittedBy : refusedBy
  const lines = cause.map(({ reference }) => reference.line)
  return JSON.stringify([direction, anyOf, partners, when, lines])
}

function describe(
  space: AnalysisSpace,
  change: MergedChange,
  words: (some: readonly ResourceClass[]) => ResourceWords,
): AccessChange {
  const { diagrams, variables } = space
  const plain = [...new Set(change.permittedBy.map(({ whenText }) => `(${whenText})`))].join(' | ')
  const references = (rules: readonly Rule[]) => rules.map(({ reference }) => reference)
  return {
    direction: change.direction,
    callers: callersOf(space, change),
    actions: change.actions,
    resources: words(change.classes),
    when: circumstancesOf(
      diagrams,
      change.when,
      (variable) => variables.labelOf(variable),
      `within ${plain}, in more ways than can be listed`,
    ),
    permittedBy: references(change.permittedBy),
    refusedBy: references(change.refusedBy),
    otherwise: references(change.otherwise),
    example: exampleFor(space, change),
  }
}

/** Without those that have the change only through others of the list. */
function callersOf(space: AnalysisSpace, change: RawChange): AccessChange['callers'] {
  const revision = space.revisions[change.direction === 'gain' ? 1 : 0]
  const names = new Set(change.anyOf)
  const isImplied = (name: string) =>
    [...(revision?.reach.heldBy(name).keys() ?? [])].some(
      (held) => held !== name && names.has(held),
    )
  return {
    anyOf: change.anyOf.filter((name) => !isImplied(name)),
    with: change.with,
    also: change.anyOf.filter(isImplied),
  }
}

function exampleFor(space: AnalysisSpace, change: MergedChange): ChangeExample {
  const truths = exampleOf(space.diagrams, change.when)
  const conditionsOf = (rules: AnalysedRules | undefined): Record<string, Truth> => {
    const named: Record<string, Truth> = {}
    for (const name of rules?.definitions.keys() ?? []) {
      const variable = rules === undefined ? undefined : space.variables.variableOf(rules, name)
      const truth = variable === undefined ? undefined : truths.get(variable)
      if (truth !== undefined) named[name] = truth
    }
    return named
  }
  const [before, after] = space.revisions
  const witness = change.classes[0]?.witness
  return {
    caller: [change.anyOf[0] ?? '', ...change.with.slice(0, 1)],
    action: change.actions[0] ?? 'read',
    resource: witness === undefined ? '' : resourceText(witness),
    conditions: { old: conditionsOf(before?.rules), new: conditionsOf(after?.rules) },
  }
}

function byReadingOrder(a: AccessChange, b: AccessChange): number {
  const [first, second] = [a, b].map((change) => ACTIONS.indexOf(change.actions[0] ?? 'read'))
  return (
    (first ?? 0) - (second ?? 0) ||
    compareTexts(a.resources.text, b.resources.text) ||
    compareTexts(a.callers.anyOf.join(), b.callers.anyOf.join()) ||
    compareTexts(a.callers.with.join(), b.callers.with.join()) ||
    compareTexts(a.when.text, b.when.text)
  )
}
