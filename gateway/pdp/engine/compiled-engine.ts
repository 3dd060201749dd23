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
import type { RuleEffect } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import { isMet, RequestEvaluation, type Evaluation, type RuleMatcher } from './evaluation.ts'
import { IntList } from './int-list.ts'
import { createResourceIndexBuilder, type ResourceIndex } from './resource-index.ts'
import { createRuleCells, type RuleCells, type RuleEntry } from './rule-cells.ts'
import { compileWhen, FALSE, TRUE, type WhenProgram } from './when-program.ts'

/** Builds a matcher over `rules`, in the order of the file; conditions go by `numbers`. */
export function createCompiledMatcher(
  rules: readonly Rule[],
  numbers: ConditionNumbers,
): RuleMatcher {
  const { resources, cells, subjects } = indexRules(rules)
  const numbersHeld = createNumbersHeld(subjects)
  const applies = createTest(rules, numbers)
  // A match is synchronous and asks nothing that could start another: the lists are free again.
  const buckets = new IntList()
  const places = new IntList()

  const lookUp = ({ request, holdings }: Evaluation, effect: RuleEffect): void => {
    cells.collect(buckets, { action: request.action, effect, held: numbersHeld(holdings) }, places)
  }
  const first = (evaluation: Evaluation, effect: RuleEffect): Rule | undefined => {
    places.clear()
    lookUp(evaluation, effect)
    let found = rules.length
    for (let i = 0; i < places.size; i++) {
      const place = places.at(i)
      if (place < found && applies(place, effect, evaluation)) found = place
    }
    return rules[found]
  }
  const findBuckets = ({ request }: Evaluation): void => {
    buckets.clear()
    resources.find(request.resource, buckets)
  }
  return {
    match(evaluation) {
      findBuckets(evaluation)
      return first(evaluation, 'deny') ?? first(evaluation, 'allow')
    },
    concerning(evaluation) {
      findBuckets(evaluation)
      places.clear()
      lookUp(evaluation, 'deny')
      lookUp(evaluation, 'allow')
      return inOrder(rules, places)
    },
  }
}

const NONE: readonly Rule[] = Object.freeze([])

function inOrder(rules: readonly Rule[], places: IntList): readonly Rule[] {
  if (places.size === 0) return NONE
  const found: Rule[] = []
  for (const place of places.sorted()) {
    const rule = rules[place]
    if (rule !== undefined) found.push(rule)
  }
  return found
}

interface Indexed {
  readonly resources: ResourceIndex
  readonly cells: RuleCells
  readonly subjects: ReadonlyMap<string, number>
}

function indexRules(rules: readonly Rule[]): Indexed {
  const builder = createResourceIndexBuilder()
  const subjects = new Map<string, number>()
  const entries: RuleEntry[] = []
  for (const [place, { resource, effect, action: column, subject: name }] of rules.entries()) {
    const subject = subjects.get(name) ?? subjects.size
    subjects.set(name, subject)
    const buckets = [builder.bucketOf(resource)]
    if (effect === 'deny' && resource.version !== undefined) {
      buckets.push(builder.bucketWithoutVersion(resource))
    }
    for (const action of ACTIONS) {
      if (!coversAction(column, action)) continue
      for (const bucket of buckets) entries.push({ bucket, action, effect, subject, place })
    }
  }
  const sizes = { buckets: builder.size, subjects: subjects.size }
  return { resources: builder.build(), cells: createRuleCells(entries, sizes), subjects }
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

/** Whether the conditions of the rule at a place say that it applies. */
type RuleTest = (place: number, effect: RuleEffect, evaluation: Evaluation) => boolean

function createTest(rules: readonly Rule[], numbers: ConditionNumbers): RuleTest {
  const byText = new Map<string, WhenProgram>()
  const programs = rules.map(({ when, whenText }) => {
    const program = byText.get(whenText) ?? compileWhen(when, numbers)
    byText.set(whenText, program)
    return program
  })
  return (place, effect, evaluation) => {
    const program = programs[place]
    const rule = rules[place]
    if (program === undefined || rule === undefined) return effect === 'deny'
    // Numbers of another set would name other conditions.
    if (!(evaluation instanceof RequestEvaluation) || evaluation.numbers !== numbers) {
      return isMet(rule.when, effect, evaluation)
    }
    const truth = program(evaluation)
    return effect === 'allow' ? truth === TRUE : truth !== FALSE
  }
}
