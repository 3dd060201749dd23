import type { RuleReference } from '../../domain/access.ts'
import type { Action } from '../../domain/vocabulary.ts'
import { isPrivileged } from '../../domain/vocabulary.ts'
import type { Expression } from './expression.ts'
import type { ResourcePattern, RuleEffect } from './resource-pattern.ts'

/** Every authenticated subject holds it; no `g` row can give or take it. */
export const ANYONE = 'role:anyone'

/** One `p` row, checked. */
export interface Rule {
  readonly reference: RuleReference
  /** `user:…`, `group:…` or `role:…`, exact. */
  readonly subject: string
  readonly action: Action | '*'
  readonly resource: ResourcePattern
  readonly when: Expression
  /** {@link when} as one canonical text. */
  readonly whenText: string
  readonly effect: RuleEffect
  /** {@link reference} in short, `file:line`, where it is kept ready. */
  readonly where?: string
  /** The sentence of a permit by this rule, where it is kept ready. */
  readonly permits?: string
}

/**
 * A {@link Rule} that makes its sentences once, when they are first asked for: to put a number into
 * words costs as much as to find the rule.
 */
export class WordedRule implements Rule {
  readonly reference: RuleReference
  readonly subject: string
  readonly action: Action | '*'
  readonly resource: ResourcePattern
  readonly when: Expression
  readonly whenText: string
  readonly effect: RuleEffect
  #where: string | undefined
  #permits: string | undefined

  constructor(rule: Rule) {
    this.reference = rule.reference
    this.subject = rule.subject
    this.action = rule.action
    this.resource = rule.resource
    this.when = rule.when
    this.whenText = rule.whenText
    this.effect = rule.effect
  }

  get where(): string {
    return (this.#where ??= whereIs(this))
  }

  get permits(): string {
    return (this.#permits ??= permitsBy(this))
  }
}

/** `file:line` of a rule. */
export function whereIs({ reference }: Pick<Rule, 'reference'>): string {
  return `${reference.file}:${reference.line}`
}

/** The sentence of a permit by a rule. */
export function permitsBy({ reference }: Pick<Rule, 'reference'>): string {
  return `${whereIs({ reference })} allows this.`
}

/** One `g` row: whoever holds `member` holds `role`. */
export interface RoleLink {
  readonly line: number
  readonly column: number
  readonly member: string
  readonly role: string
}

/** `rules/policy.csv`, checked. */
export interface PolicyTable {
  readonly file: string
  /** Rules in force, in the order of the file. */
  readonly rules: readonly Rule[]
  /**
   * Rules in force and rows whose last column is `shadow`, in the order of the file; the very list
   * `rules` when there is no such row.
   */
  readonly shadowed: readonly Rule[]
  readonly links: readonly RoleLink[]
}

/** Whether the action column covers `action`: exact, and `*` never covers a privileged one. */
export function coversAction(column: Action | '*', action: Action): boolean {
  return column === '*' ? !isPrivileged(action) : column === action
}
