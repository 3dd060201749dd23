/**
 * Which rules leave another nothing to do: they speak of at least the same callers, actions and
 * resources, and apply whenever it does. Looked up by cell and glob, since comparing every rule with
 * every other would take hours for a large matrix.
 */
import { entryOf } from '../../domain/entry-of.ts'
import { isPrivileged } from '../../domain/vocabulary.ts'
import { expressionText } from './expression.ts'
import { demandsOf } from './expression-range.ts'
import { GlobIndex } from './glob-cover.ts'
import { saysGate, type ResourcePattern, type RuleEffect } from './resource-pattern.ts'
import type { RolesOf } from './role-graph.ts'
import { ANYONE, type PolicyTable, type Rule } from './rule.ts'

/** Globs and cells that are looked at for one file; what is left then is not looked at. */
const STEPS_MAX = 2_000_000

/** Parts of a `when` that are tried on their own. */
const DEMANDS_MAX = 8

interface VersionsOfName {
  plain?: Rule
  versions?: GlobIndex<Rule>
}

/** The resources of rules that are alike otherwise. The first rule for a pattern stands for all. */
class Patterns {
  #everything: Rule | undefined
  readonly #kinds = new Map<string, GlobIndex<VersionsOfName>>()

  add(rule: Rule): void {
    const { kind, name, version } = rule.resource
    if (kind === '*') {
      this.#everything ??= rule
      return
    }
    const names = this.#kinds.get(kind) ?? new GlobIndex<VersionsOfName>()
    this.#kinds.set(kind, names)
    const entry = names.get(name) ?? {}
    if (version === undefined) entry.plain ??= rule
    else {
      entry.versions ??= new GlobIndex()
      if (entry.versions.get(version) === undefined) entry.versions.set(version, rule)
    }
    names.set(name, entry)
  }

  /** Looks through rules of `effect` whose pattern covers `pattern`. */
  find(
    pattern: ResourcePattern,
    effect: RuleEffect,
    { accept: acceptAny, step }: { accept: (rule: Rule) => boolean; step: () => boolean },
  ): boolean {
    // What allows `server:*` does not reach the control API.
    const isGate = effect === 'allow' && saysGate(pattern)
    const accept = (rule: Rule) => (!isGate || saysGate(rule.resource)) && acceptAny(rule)
    if (this.#everything !== undefined && accept(this.#everything)) return true
    const names = this.#kinds.get(pattern.kind)
    if (names === undefined) return false
    // Without a version it may be any, or none is named, which only a deny reaches.
    const version = pattern.version ?? (effect === 'deny' ? '*' : undefined)
    const acceptName = ({ plain, versions }: VersionsOfName): boolean => {
      if (plain !== undefined && accept(plain)) return true
      if (versions === undefined || version === undefined) return false
      return versions.find(version, accept, step)
    }
    return names.find(pattern.name, acceptName, step)
  }
}

/** Rules that are alike but for resource and effect. */
interface Cell {
  readonly subject: string
  readonly action: string
  /** The first rule for each resource, in force or not. */
  readonly firsts: Map<string, Rule>
  /** Those in force. */
  readonly inForce: { readonly allow?: Patterns; readonly deny?: Patterns }
  /** Where what covers a rule of this cell would be found; looked up when first needed. */
  wider?: { readonly allow: readonly Patterns[]; readonly deny: readonly Patterns[] }
}

/** Finds rules by what they cover. */
export interface Coverage {
  /** The first rule with the same subject, action, resource and `when`; the rule itself, mostly. */
  firstLike(rule: Rule): Rule
  /**
   * A rule in force of `effect` that covers `rule` and that `accept` takes. Of rules that repeat
   * one another only the first is offered; `rule` itself may be.
   */
  find(rule: Rule, effect: RuleEffect, accept: (rule: Rule) => boolean): Rule | undefined
  /** More had to be looked at than is allowed for: some answers are missing. */
  readonly isIncomplete: boolean
}

/** Indexes the rules of `table`. */
export function createCoverage(table: PolicyTable, roles: RolesOf): Coverage {
  const cells = cellsOf(table)
  const widerOf = remembered((subject) =>
    widerSubjects(subject, roles).filter((name) => cells.bySubject.has(name)),
  )
  let steps = 0
  const step = () => ++steps <= STEPS_MAX
  const widerCells = (cell: Cell, rule: Rule) => {
    const allow: Patterns[] = []
    const deny: Patterns[] = []
    for (const subject of widerOf(cell.subject)) {
      for (const action of widerActions(rule)) {
        if (!step()) break
        const byWhen = cells.bySubject.get(subject)?.get(action)
        for (const when of byWhen === undefined ? [] : weakerWhens(rule)) {
          const { inForce } = byWhen?.get(when) ?? NOWHERE
          if (inForce.allow !== undefined) allow.push(inForce.allow)
          if (inForce.deny !== undefined) deny.push(inForce.deny)
        }
      }
    }
    return { allow, deny }
  }
  return {
    firstLike: (rule) => cells.of(rule).firsts.get(rule.resource.text) ?? rule,
    find(rule, effect, accept) {
      const cell = cells.of(rule)
      cell.wider ??= widerCells(cell, rule)
      let found: Rule | undefined
      const take = (other: Rule) => {
        if (!accept(other)) return false
        found = other
        return true
      }
      for (const patterns of cell.wider[effect]) {
        if (!step() || patterns.find(rule.resource, effect, { accept: take, step })) break
      }
      return found
    },
    get isIncomplete() {
      return steps > STEPS_MAX
    },
  }
}

const NOWHERE: Pick<Cell, 'inForce'> = { inForce: {} }

function cellsOf({ rules, shadowed }: PolicyTable) {
  const bySubject = new Map<string, Map<string, Map<string, Cell>>>()
  const of = ({ subject, action, whenText }: Rule): Cell => {
    const byAction = entryOf(bySubject, subject, () => new Map<string, Map<string, Cell>>())
    const byWhen = entryOf(byAction, action, () => new Map<string, Cell>())
    return entryOf(byWhen, whenText, () => ({ subject, action, firsts: new Map(), inForce: {} }))
  }
  for (const rule of shadowed) entryOf(of(rule).firsts, rule.resource.text, () => rule)
  for (const rule of rules) {
    const inForce: { allow?: Patterns; deny?: Patterns } = of(rule).inForce
    inForce[rule.effect] ??= new Patterns()
    inForce[rule.effect]?.add(rule)
  }
  return { bySubject, of }
}

/** Whoever holds `subject` holds these as well, itself included. */
function widerSubjects(subject: string, roles: RolesOf): string[] {
  const held = new Set([subject, ANYONE])
  for (const name of held) for (const role of roles.get(name) ?? []) held.add(role)
  return [...held]
}

function widerActions({ action }: Rule): string[] {
  return action === '*' || isPrivileged(action) ? [action] : [action, '*']
}

/** What is true whenever the `when` of `rule` is, and not false whenever it is not. */
function* weakerWhens(rule: Rule): Generator<string> {
  yield rule.whenText
  if (rule.whenText === 'always') return
  yield 'always'
  if (rule.when.type !== 'and') return
  let count = 0
  for (const part of demandsOf(rule.when)) {
    if (count++ === DEMANDS_MAX) return
    yield expressionText(part)
  }
}

function remembered(work: (key: string) => string[]): (key: string) => string[] {
  const known = new Map<string, string[]>()
  return (key) => entryOf(known, key, () => work(key))
}
