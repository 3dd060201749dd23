/**
 * Rules compiled to an index: the same answers as the interpreter, at a cost that does not grow with
 * the rules. A request finds the patterns that cover its resource (`resource-index.ts`), in them the
 * rules of its action and of subjects its caller holds (`rule-cells.ts`), and of those the first in
 * the file whose conditions say so (`when-program.ts`).
 *
 * No decision is remembered: a memory would have to be keyed by the moment and everything else that
 * conditions read, and callers could fill it with names (docs/adr/0011-compiled-engine.md).
 */
import { ACTIONS } from '../../domain/vocabulary.ts'
import type { ConditionNumbers } from '../conditions/condition-numbers.ts'
import { saysGate, type RuleEffect } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import { isMet, RequestEvaluation, type Evaluation, type RuleMatcher } from './evaluation.ts'
import { IntList } from './int-list.ts'
import {
  createResourceIndexBuilder,
  type ResourceIndex,
  type ResourceIndexBuilder,
} from './resource-index.ts'
import { FoundRules, RuleCellsBuilder, type RuleCells } from './rule-cells.ts'
import { compileWhen, FALSE, TRUE, type TruthReader, type WhenProgram } from './when-program.ts'

/** Builds a matcher over `rules`, in the order of the file; conditions go by `numbers`. */
export function createCompiledMatcher(
  rules: readonly Rule[],
  numbers: ConditionNumbers,
): RuleMatcher {
  const { resources, cells, subjects, programs } = indexRules(rules, numbers)
  const numbersHeld = createNumbersHeld(subjects)
  // A match is synchronous and asks nothing that could start another: the lists are free again.
  const addresses = new IntList()
  const found = new FoundRules()
  /** What `found` was found for, as long as the next question may be about the same. */
  let foundFor: Evaluation | undefined

  const lookUp = ({ request, holdings }: Evaluation): void => {
    addresses.clear()
    found.clear()
    resources.find(request.resource, addresses)
    cells.collect(addresses, { action: request.action, held: numbersHeld(holdings) }, found)
  }
  const first = (list: IntList, effect: RuleEffect, evaluation: Evaluation): Rule | undefined => {
    // Numbers of another set would name other conditions.
    const truths = numberedBy(numbers, evaluation)
    let best = rules.length
    for (let i = 0; i < list.size; i += 2) {
      const place = list.at(i)
      if (place >= best) continue
      const program = programs[list.at(i + 1)]
      const applies =
        truths === undefined || program === undefined
          ? isMetByName(rules[place], effect, evaluation)
          : isMetAs(effect, program(truths))
      if (applies) best = place
    }
    return best < rules.length ? rules[best] : undefined
  }
  return {
    match(evaluation) {
      lookUp(evaluation)
      const rule =
        first(found.denies, 'deny', evaluation) ?? first(found.allows, 'allow', evaluation)
      // A refusal asks for what concerns it next.
      foundFor = rule === undefined ? evaluation : undefined
      return rule
    },
    concerning(evaluation) {
      if (foundFor !== evaluation) lookUp(evaluation)
      foundFor = undefined
      return inOrder(rules, found)
    },
  }
}

function numberedBy(numbers: ConditionNumbers, evaluation: Evaluation): TruthReader | undefined {
  if (!(evaluation instanceof RequestEvaluation)) return undefined
  return evaluation.numbers === numbers ? evaluation : undefined
}

function isMetByName(rule: Rule | undefined, effect: RuleEffect, evaluation: Evaluation): boolean {
  return rule === undefined ? effect === 'deny' : isMet(rule.when, effect, evaluation)
}

function isMetAs(effect: RuleEffect, truth: number): boolean {
  return effect === 'allow' ? truth === TRUE : truth !== FALSE
}

const NONE: readonly Rule[] = Object.freeze([])

function inOrder(rules: readonly Rule[], { denies, allows }: FoundRules): readonly Rule[] {
  const places: number[] = []
  for (let i = 0; i < denies.size; i += 2) places.push(denies.at(i))
  for (let i = 0; i < allows.size; i += 2) places.push(allows.at(i))
  if (places.length === 0) return NONE
  if (places.length > 1) places.sort((a, b) => a - b)
  const found: Rule[] = []
  for (const place of places) {
    const rule = rules[place]
    if (rule !== undefined) found.push(rule)
  }
  return found
}

interface Indexed {
  readonly resources: ResourceIndex
  readonly cells: RuleCells
  readonly subjects: ReadonlyMap<string, number>
  /** Each distinct `when`, compiled. */
  readonly programs: readonly WhenProgram[]
}

function indexRules(rules: readonly Rule[], numbers: ConditionNumbers): Indexed {
  const builder = createResourceIndexBuilder()
  const entries = new RuleCellsBuilder()
  const subjects = new Map<string, number>()
  const whens = new Map<string, number>()
  const programs: WhenProgram[] = []
  const whenOf = ({ when, whenText }: Rule): number => {
    const known = whens.get(whenText)
    if (known !== undefined) return known
    whens.set(whenText, programs.length)
    return programs.push(compileWhen(when, numbers)) - 1
  }
  for (const [place, rule] of rules.entries()) {
    const { effect, action: column } = rule
    const subject = subjects.get(rule.subject) ?? subjects.size
    subjects.set(rule.subject, subject)
    const when = whenOf(rule)
    const buckets = bucketsOf(rule, builder)
    for (const action of column === '*' ? ACTIONS : [column]) {
      if (!coversAction(column, action)) continue
      const entry = { action, effect, subject, place, when }
      for (const bucket of buckets) entries.add({ bucket, ...entry })
    }
  }
  const cells = entries.build({ buckets: builder.size, subjects: subjects.size })
  return {
    resources: builder.build((bucket) => cells.addressOf(bucket)),
    cells,
    subjects,
    programs,
  }
}

/** Everywhere a rule is found: what `coversResource` says, as places. No request finds it in two. */
function bucketsOf({ resource, effect }: Rule, builder: ResourceIndexBuilder): readonly number[] {
  if (saysGate(resource)) return [builder.bucketOfGate(resource)]
  const bucket = builder.bucketOf(resource)
  if (effect === 'allow') return [bucket]
  if (resource.kind === '*' || resource.kind === 'server') {
    return [bucket, builder.bucketOfGate(resource)]
  }
  return resource.version === undefined
    ? [bucket]
    : [bucket, builder.bucketWithoutVersion(resource)]
}

/** Holdings as ascending numbers, kept as long as the holdings are: those of one token are shared. */
function createNumbersHeld(subjects: ReadonlyMap<string, number>) {
  const kept = new WeakMap<ReadonlySet<string>, Int32Array>()
  return (holdings: ReadonlySet<string>): Int32Array => {
    const known = kept.get(holdings)
    if (known !== undefined) return known
    const numbers: number[] = []
    for (const name of holdings) {
      const number = subjects.get(name)
      if (number !== undefined) numbers.push(number)
    }
    const held = Int32Array.from(numbers).sort()
    kept.set(holdings, held)
    return held
  }
}
