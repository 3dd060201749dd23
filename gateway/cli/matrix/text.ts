/** What the texts about the matrix have in common. */
import type { RuleReference } from '../../domain/access.ts'

const NAMES_SHOWN = 12
const RULES_SHOWN = 6

/** Names for people; long lists are cut and say so. JSON has them all. */
export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ')
  const more = names.length - NAMES_SHOWN
  return more > 0 ? `${shown} and ${more} more` : shown
}

/** One line per rule, `policy.csv:12  p, …`, the first behind `label`. */
export function ruleLines(label: string, rules: readonly RuleReference[], note = ''): string[] {
  const shown = rules
    .slice(0, RULES_SHOWN)
    .map((rule, i) => labelled(i === 0 ? label : '', `${ruleText(rule)}${note}`))
  const more = rules.length - RULES_SHOWN
  return more > 0 ? [...shown, labelled('', `and ${more} more rules`)] : shown
}

/** `policy.csv:12  p, role:reader, …`. */
export function ruleText({ file, line, text }: RuleReference): string {
  return `${file}:${line}  ${text}`
}

/** A detail of a block: a short word, and what it says. */
export function labelled(label: string, text: string): string {
  return `      ${label.padEnd(9)}${text}`
}
