/**
 * What would have to be different for a refused request to be permitted: the smallest sets of
 * changes, computed from the rules and not tried out. A change is a condition that becomes true or
 * false, or one group or role that the caller holds besides. Pure and bounded.
 */
import type { AccessRequest, RuleReference, Truth } from '../../domain/access.ts'
import type { Subject } from '../../domain/subject.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import { isMet, type Evaluation } from '../engine/evaluation.ts'
import { coversResource } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import { evaluationOf } from './decision-point.ts'
import { combined, waysToBe, type Needs, type Wanted, type Ways } from './truth-ways.ts'

/** A condition that would have to change its truth. */
export interface ConditionChange {
  readonly name: string
  readonly kind: string
  readonly now: Truth
  readonly needed: Wanted
  /** Why it is as it is now. */
  readonly detail: string
}

/** One set of changes that is enough. No part of it is superfluous. */
export interface Way {
  /** The rule that would then permit. */
  readonly rule: RuleReference
  /** `group:…` or `role:…` that the caller would also have to hold. */
  readonly hold?: string
  readonly conditions: readonly ConditionChange[]
}

/** A deny that applies now. */
export interface StandingDeny {
  readonly rule: RuleReference
  /** What the caller holds that the rule is about. */
  readonly about: string
  /** Whether some condition could end it; a deny that is unconditional stands for good. */
  readonly canEnd: boolean
}

/** See the module. */
export interface WhatWouldPermit {
  /** The fewest changes first. Empty: no change of conditions or of one group or role is enough. */
  readonly ways: readonly Way[]
  /** False when a bound was met, and there may be more ways. */
  readonly complete: boolean
  readonly denies: readonly StandingDeny[]
}

const WAYS_MAX = 16
/** Groups and roles looked at that the caller does not hold. */
const HOLDERS_MAX = 64
/** Rules looked at for one holder; nobody reads a hundred ways. */
const RULES_MAX = 1_024
/** Ways compared with each other. */
const FOUND_MAX = 2_048

/**
 * Exact over the rules that concern the action and the resource: every way permits when it is gone,
 * and every permit there is needs the changes of one of them, conditions taken as independent of
 * each other. Rules for one user by name are left out: nobody can become another.
 * @throws ERR_DECISION_INDETERMINATE
 */
export function whatWouldPermit(policy: CompiledPolicy, request: AccessRequest): WhatWouldPermit {
  const evaluation = evaluationOf(policy, request)
  const search: Search = { policy, evaluation, ways: [], heldWith: new Map(), complete: true }
  const concerned = policy.matcher.concerning(evaluation)
  collect(search, concerned, undefined)
  const holders = otherHolders(policy, evaluation)
  for (const holder of holders.slice(0, HOLDERS_MAX)) {
    const subject = alsoHolding(request.subject, holder)
    const then = evaluationOf(policy, { ...request, subject })
    search.heldWith.set(holder, then.holdings)
    collect(search, policy.matcher.concerning(then), holder)
  }
  const ways = smallest(search)
  const isWhole = search.complete && holders.length <= HOLDERS_MAX && ways.length <= WAYS_MAX
  return {
    ways: ways.slice(0, WAYS_MAX),
    complete: isWhole,
    denies: concerned.flatMap((rule) => standing(rule, evaluation)),
  }
}

interface Search {
  readonly policy: CompiledPolicy
  readonly evaluation: Evaluation
  readonly ways: Way[]
  /** Everything that the caller would hold with one more group or role. */
  readonly heldWith: Map<string, ReadonlySet<string>>
  complete: boolean
}

/** Groups and roles with a rule for this action and resource that the caller does not hold. */
function otherHolders(policy: CompiledPolicy, { request, holdings }: Evaluation): string[] {
  const holders = new Set<string>()
  for (const { subject, action, resource, effect } of policy.table.rules) {
    if (effect !== 'allow' || holdings.has(subject) || subject.startsWith('user:')) continue
    if (!coversAction(action, request.action)) continue
    if (coversResource(resource, request.resource, effect)) holders.add(subject)
  }
  return [...holders]
}

function alsoHolding(subject: Subject, holder: string): Subject {
  return holder.startsWith('group:')
    ? { ...subject, groups: [...subject.groups, holder] }
    : { ...subject, roles: [...subject.roles, holder] }
}

/** Adds the ways by the allows of `concerned`; with a `holder`, by those for the holder alone. */
function collect(search: Search, concerned: readonly Rule[], holder: string | undefined): void {
  const { evaluation } = search
  const denies = concerned.filter(({ effect }) => effect === 'deny')
  const allows = concerned.filter(
    ({ effect, subject }) => effect === 'allow' && (holder === undefined || subject === holder),
  )
  if (concerned.length > RULES_MAX) search.complete = false
  // What gets past some of the denies only is no way: all are looked at, or nothing is said.
  if (denies.length > RULES_MAX) return
  const past = waysPast(denies, evaluation)
  if (!past.complete) search.complete = false
  for (const rule of past.list.length === 0 ? [] : allows.slice(0, RULES_MAX)) {
    const open = waysToBe(rule.when, 'true', evaluation.truthOf)
    const both = combined(open, past, evaluation.truthOf)
    if (!both.complete) search.complete = false
    for (const needs of both.list) {
      if (search.ways.length < FOUND_MAX) search.ways.push(wayBy(search, rule, holder, needs))
      else search.complete = false
    }
  }
}

/** The ways for none of the denies to apply: each must be known not to. */
function waysPast(denies: readonly Rule[], { truthOf }: Evaluation): Ways {
  let past: Ways = { list: [new Map()], complete: true }
  for (const deny of denies) past = combined(past, waysToBe(deny.when, 'false', truthOf), truthOf)
  return past
}

function wayBy(search: Search, rule: Rule, hold: string | undefined, needs: Needs): Way {
  const { policy, evaluation } = search
  const conditions = [...needs].flatMap(([name, needed]): ConditionChange[] => {
    const { truth, detail } = evaluation.verdictOf(name)
    if (truth === needed) return []
    return [{ name, kind: policy.conditions.get(name).kind, now: truth, needed, detail }]
  })
  return { rule: rule.reference, ...(hold === undefined ? {} : { hold }), conditions }
}

/**
 * Without those that ask for everything that another one asks for, the fewest changes first. A role
 * that leads to another is more than that other one.
 */
function smallest({ ways, heldWith }: Search): Way[] {
  const size = ({ hold, conditions }: Way) => conditions.length + (hold === undefined ? 0 : 1)
  const asksNoMore = (a: Way, b: Way): boolean => {
    const isHeld = (one: string) => b.hold !== undefined && heldWith.get(b.hold)?.has(one) === true
    if (a.hold !== undefined && !isHeld(a.hold)) return false
    return a.conditions.every(({ name, needed }) =>
      b.conditions.some((other) => other.name === name && other.needed === needed),
    )
  }
  const strength = ({ hold }: Way) => (hold === undefined ? 0 : (heldWith.get(hold)?.size ?? 0))
  const kept: Way[] = []
  for (const way of [...ways].sort((a, b) => size(a) - size(b) || strength(a) - strength(b))) {
    if (!kept.some((other) => asksNoMore(other, way))) kept.push(way)
  }
  return kept
}

function standing(rule: Rule, evaluation: Evaluation): StandingDeny[] {
  if (rule.effect !== 'deny' || !isMet(rule.when, rule.effect, evaluation)) return []
  const canEnd = waysToBe(rule.when, 'false', evaluation.truthOf).list.length > 0
  return [{ rule: rule.reference, about: rule.subject, canEnd }]
}
