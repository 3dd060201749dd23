/**
 * Who is permitted, as a function of conditions.
 *
 * A caller is a set of principals: one user, and the groups and roles of its token. What it holds is
 * the union of what each of them leads to and of what everybody holds. For one action and one class
 * of resources, with the rules that concern them:
 *
 *   may(x)     some allow about something that x leads to is true
 *   spared(x)  every deny about something that x leads to is known to be false
 *   permitted(caller) = (may(x) for some x of caller) and (spared(x) for every x of caller)
 *
 * where x also runs over `role:anyone`. This is allow and deny with deny overriding, and nothing in it
 * depends on a caller other than through its principals.
 *
 * **Two principals are enough.** Let a caller P be permitted by rules R and not by rules S, under
 * some truths of the conditions. R permits P, so some p of P (or everybody) has may(p) in R. S does
 * not permit P, so either
 *
 * 1. some q of P (or everybody) is not spared by S. Then {p, q} is permitted by R: may(p) holds, and
 *    those it must be spared for are among those of P. It is not permitted by S, because of q.
 * 2. all of P are spared by S, and none of P has may in S. Then {p} alone is permitted by R as in 1,
 *    and not by S, as nobody in it has may there.
 *
 * So whatever is gained or lost by any caller under some truths is gained or lost, under the same
 * truths, by one of one or two of its own principals. Hence also never by two users at once, which
 * no caller is; and a caller without one of the users that rules name always exists, for there are
 * others. The roles of principals may differ between R and S; nothing above compares them.
 */
import type { Action } from '../../domain/vocabulary.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import type { WhenDiagrams } from './condition-variables.ts'
import { ALWAYS, NEVER, type Diagram, type Diagrams } from './diagrams.ts'
import type { ResourceClass } from './resource-classes.ts'

/** A rule that concerns an action and a class, with its `when`. */
export interface ConcerningRule extends WhenDiagrams {
  readonly rule: Rule
}

/** What the rules say of one subject that they name. */
export interface SubjectPower {
  readonly may: Diagram
  readonly spared: Diagram
  readonly allows: readonly ConcerningRule[]
  readonly denies: readonly ConcerningRule[]
}

/** By the subject that rules name. Subjects that are not in it have no rules here. */
export type Powers = ReadonlyMap<string, SubjectPower>

/** What nobody has any rule about. */
export const NO_POWER: SubjectPower = { may: NEVER, spared: ALWAYS, allows: [], denies: [] }

/** The rules of one revision by what they concern. */
export interface RuleBook {
  concerning(action: Action, where: ResourceClass): readonly Rule[]
}

type ByPattern = ReadonlyMap<string, readonly Rule[]>

/** Indexes the rules of a revision by action, effect and pattern. */
export function createRuleBook(rules: readonly Rule[]): RuleBook {
  const kept = new Map<Action, Record<Rule['effect'], ByPattern>>()
  const bookOf = (action: Action) => {
    const known = kept.get(action)
    if (known !== undefined) return known
    const concerned = rules.filter((rule) => coversAction(rule.action, action))
    const book = { allow: byPattern(concerned, 'allow'), deny: byPattern(concerned, 'deny') }
    kept.set(action, book)
    return book
  }
  return {
    concerning(action, { coveredBy }) {
      const book = bookOf(action)
      const found = (['allow', 'deny'] as const).flatMap((effect) =>
        coveredBy[effect].flatMap((text) => book[effect].get(text) ?? []),
      )
      return found.sort((a, b) => a.reference.line - b.reference.line)
    },
  }
}

function byPattern(rules: readonly Rule[], effect: Rule['effect']): ByPattern {
  const map = new Map<string, Rule[]>()
  for (const rule of rules) {
    if (rule.effect !== effect) continue
    const known = map.get(rule.resource.text)
    if (known === undefined) map.set(rule.resource.text, [rule])
    else known.push(rule)
  }
  return map
}

/** What `rules` give and take, by the subject they name. */
export function powersOf(diagrams: Diagrams, rules: readonly ConcerningRule[]): Powers {
  const powers = new Map<string, SubjectPower>()
  for (const entry of rules) {
    const { subject, effect } = entry.rule
    const before = powers.get(subject) ?? NO_POWER
    const after =
      effect === 'allow'
        ? {
            ...before,
            may: diagrams.or(before.may, entry.holds),
            allows: [...before.allows, entry],
          }
        : {
            ...before,
            spared: diagrams.and(before.spared, entry.fails),
            denies: [...before.denies, entry],
          }
    powers.set(subject, after)
  }
  return powers
}

/** The power of everything in `held` together. */
export function togetherPower(
  diagrams: Diagrams,
  powers: Powers,
  held: Iterable<string>,
): SubjectPower {
  let { may, spared } = NO_POWER
  const allows: ConcerningRule[] = []
  const denies: ConcerningRule[] = []
  for (const subject of held) {
    const power = powers.get(subject)
    if (power === undefined) continue
    may = diagrams.or(may, power.may)
    spared = diagrams.and(spared, power.spared)
    allows.push(...power.allows)
    denies.push(...power.denies)
  }
  return { may, spared, allows, denies }
}

/** When a caller with this power is permitted. */
export function permittedBy(diagrams: Diagrams, power: SubjectPower): Diagram {
  return diagrams.and(power.may, power.spared)
}
