/** Everything one caller may do: actions, resources, conditions, the rules that say so, and limits. */
import type { RuleReference } from '../../domain/access.ts'
import { ACTIONS, isPrivileged, type Action } from '../../domain/vocabulary.ts'
import {
  coversResource,
  parseResourcePattern,
  type ResourcePattern,
} from '../policy/resource-pattern.ts'
import { ANYONE, type Rule } from '../policy/rule.ts'
import { permittedBy, togetherPower } from './access-functions.ts'
import type { AnalysedRules } from './analysed-rules.ts'
import { createAnalysisSpace, type AnalysisSpace } from './analysis-space.ts'
import type { Circumstances } from './circumstances.ts'
import { ALWAYS, NEVER, type Diagram } from './diagrams.ts'
import { limitWords, type LimitWords } from './limit-words.ts'
import type { ResourceClass } from './resource-classes.ts'
import { createResourceWords, type ResourceWords } from './resource-words.ts'
import { whenOf } from './who-can.ts'

/** One line: an action on resources that are all permitted in the same way. */
export interface Ability {
  readonly action: Action
  readonly privileged: boolean
  readonly resources: ResourceWords
  readonly when: Circumstances
  readonly allowedBy: readonly RuleReference[]
  /** Denies that narrow it. */
  readonly narrowedBy: readonly RuleReference[]
  /** Names of the limits that come with it. */
  readonly limits: readonly string[]
}

/** The whole answer. */
export interface WhatCan {
  readonly revision: string
  readonly caller: readonly string[]
  /** Everything the caller holds that rules may name. */
  readonly holds: readonly string[]
  readonly abilities: readonly Ability[]
  /** The limits that abilities name. */
  readonly limits: readonly LimitWords[]
}

interface Gathered {
  readonly when: Diagram
  readonly classes: ResourceClass[]
  readonly allows: Set<Rule>
  readonly denies: Set<Rule>
  readonly limits: readonly string[]
}

/** Answers for a caller that has exactly these principals: `user:…`, `group:…`, `role:…`. */
export function whatCan(rules: AnalysedRules, caller: readonly string[]): WhatCan {
  const limits = Object.entries(rules.limits).map(([name, spec]) =>
    readLimit(limitWords(name, spec)),
  )
  const patterns = limits.flatMap((limit) => limit.patterns)
  const space = createAnalysisSpace([rules], { patterns })
  const reach = space.revisions[0]?.reach
  const holds = new Set([ANYONE, ...caller].flatMap((p) => [...(reach?.heldBy(p).keys() ?? [])]))
  const words = createResourceWords(space.resources)
  const held = limits.filter(({ words: limit }) => isFor(limit, holds))
  const abilities = ACTIONS.flatMap((action) =>
    gather(space, { action, holds, limits: held }).map((found): Ability => ({
      action,
      privileged: isPrivileged(action),
      resources: words(found.classes),
      when: whenOf(space, found.when, 'as the rules say'),
      allowedBy: references(found.allows),
      narrowedBy: references(found.denies),
      limits: found.limits,
    })),
  )
  const named = new Set(abilities.flatMap((ability) => ability.limits))
  return {
    revision: rules.policy.revision,
    caller,
    holds: [...holds],
    abilities,
    limits: limits.map((limit) => limit.words).filter(({ name }) => named.has(name)),
  }
}

interface HeldLimit {
  readonly words: LimitWords
  readonly patterns: readonly ResourcePattern[]
}

function readLimit(words: LimitWords): HeldLimit {
  const patterns = words.resources.flatMap((text) => {
    const parsed = parseResourcePattern(text)
    return parsed.ok ? [parsed.value] : []
  })
  return { words, patterns }
}

function isFor(limit: LimitWords, holds: ReadonlySet<string>): boolean {
  return limit.for.some((name) => holds.has(name)) && !limit.except.some((name) => holds.has(name))
}

function gather(
  space: AnalysisSpace,
  asked: {
    readonly action: Action
    readonly holds: ReadonlySet<string>
    readonly limits: readonly HeldLimit[]
  },
): Gathered[] {
  const { action, holds } = asked
  const limits = asked.limits.filter(({ words }) => words.actions.includes(action))
  const found = new Map<string, Gathered>()
  for (const { classes, powers } of space.groupsOf(action)) {
    const power = togetherPower(space.diagrams, powers[0] ?? new Map(), holds)
    const when = permittedBy(space.diagrams, power)
    if (when === NEVER) continue
    const allows = power.allows.filter((entry) => entry.holds !== NEVER).map(({ rule }) => rule)
    const denies = power.denies.filter((entry) => entry.fails !== ALWAYS).map(({ rule }) => rule)
    for (const where of classes) {
      const names = limits
        .filter((limit) => limit.patterns.some((p) => coversResource(p, where.witness, 'deny')))
        .map(({ words }) => words.name)
      const lines = [...new Set(allows)].map(({ reference }) => reference.line)
      const key = JSON.stringify([when, lines, names])
      const known = found.get(key) ?? {
        when,
        classes: [],
        allows: new Set(allows),
        denies: new Set(),
        limits: names,
      }
      known.classes.push(where)
      for (const rule of denies) known.denies.add(rule)
      found.set(key, known)
    }
  }
  return [...found.values()]
}

function references(rules: ReadonlySet<Rule>): RuleReference[] {
  return [...rules].map(({ reference }) => reference).sort((a, b) => a.line - b.line)
}
