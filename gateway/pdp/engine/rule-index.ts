/**
 * Which rules have anything to say about a request: by action, held subject and resource. The
 * interpreter takes some 2 µs per rule, also for those that speak of something else, so that
 * without this a decision would take longer with every rule somebody adds for another model.
 *
 * Nothing is decided here. What is left out would be false in the interpreter too, since its
 * matcher asks the same functions; what is kept it judges whole, conditions and effect included.
 */
import { ACTIONS, type Action } from '../../domain/vocabulary.ts'
import type { Evaluation } from './evaluation.ts'
import { coversResource } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'

/** Looks up rules. Immutable. */
export interface RuleIndex {
  /** The rules that concern the request, their conditions aside, in the order of the index. */
  concerning(evaluation: Evaluation): readonly Rule[]
}

/** Places of rules, ascending, by the subject they name. */
type BySubject = ReadonlyMap<string, readonly number[]>

const NONE: readonly Rule[] = []

/** Builds the index over `rules`, whose order it keeps. */
export function createRuleIndex(rules: readonly Rule[]): RuleIndex {
  const byAction = new Map<Action, BySubject>(
    ACTIONS.map((action) => [action, subjectsOf(rules, action)]),
  )
  return {
    concerning({ request, holdings }) {
      const bySubject = byAction.get(request.action)
      if (bySubject === undefined) return NONE
      const places: number[] = []
      for (const subject of holdings) {
        for (const place of bySubject.get(subject) ?? []) {
          const rule = rules[place]
          if (rule !== undefined && coversResource(rule.resource, request.resource, rule.effect)) {
            places.push(place)
          }
        }
      }
      return inOrder(rules, places)
    },
  }
}

function subjectsOf(rules: readonly Rule[], action: Action): BySubject {
  const bySubject = new Map<string, number[]>()
  for (const [place, rule] of rules.entries()) {
    if (!coversAction(rule.action, action)) continue
    const places = bySubject.get(rule.subject)
    if (places === undefined) bySubject.set(rule.subject, [place])
    else places.push(place)
  }
  return bySubject
}

function inOrder(rules: readonly Rule[], places: number[]): readonly Rule[] {
  if (places.length > 1) places.sort((a, b) => a - b)
  const found: Rule[] = []
  for (const place of places) {
    const rule = rules[place]
    if (rule !== undefined) found.push(rule)
  }
  return found
}
