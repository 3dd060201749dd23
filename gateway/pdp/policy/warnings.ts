/**
 * What is valid and still most likely a mistake: rules that do nothing, that can never apply, that
 * name what does not exist, or that shut everybody out. Nothing here refuses a file. All of it is
 * bounded, in time and in the number of findings.
 */
import { isPrivileged } from '../../domain/vocabulary.ts'
import { createCoverage, type Coverage } from './coverage.ts'
import { createRanges, negatedIn, type RangeOf } from './expression-range.ts'
import type { Findings } from './finding.ts'
import type { PlacesOf } from './places.ts'
import type { RolesOf } from './role-graph.ts'
import { ANYONE, type PolicyTable, type Rule } from './rule.ts'
import { warnOfNames, type KnownNames } from './warnings-of-names.ts'
import type { Suggest } from './suggest.ts'

/** What is known outside the file. What is absent is not warned about. */
export interface Surroundings {
  /** Whether a condition may miss what it tests, so that it is neither true nor false. */
  readonly canBeUnknown?: ((name: string) => boolean) | undefined
  /** What the configuration names. */
  readonly known?: KnownNames | undefined
}

/** A file that has been read, and what is needed to judge it. */
export interface Checked extends Surroundings {
  readonly table: PolicyTable
  readonly places: PlacesOf
  readonly roles: RolesOf
  readonly findings: Findings
  readonly suggest: Suggest
}

/** Adds every warning about `checked.table` to its findings. */
export function warnOfRules(checked: Checked): void {
  const { table, findings } = checked
  const rangeOf = createRanges(checked.canBeUnknown ?? (() => true))
  const coverage = createCoverage(table, checked.roles)
  const covers = { coverage, inForce: new Set(table.rules), findings }
  for (const rule of table.shadowed) {
    warnOfRepetition(rule, covers)
    warnOfReach(rule, findings)
    warnOfNegation(rule, checked)
    if (!warnOfWhen(rule, rangeOf, checked)) warnOfCover(rule, covers)
  }
  if (coverage.isIncomplete) warnOfGivingUp(table, findings)
  warnOfNames(checked)
}

interface Covers {
  readonly coverage: Coverage
  readonly inForce: ReadonlySet<Rule>
  readonly findings: Findings
}

function warnOfRepetition(rule: Rule, { coverage, inForce, findings }: Covers): void {
  const first = coverage.firstLike(rule)
  if (first === rule) return
  if (first.effect === rule.effect) {
    findings.warning(rule.reference.line, 1, {
      code: 'duplicate-row',
      message: `this repeats line ${first.reference.line}`,
      remedy: 'Remove one of the two.',
    })
    // A shadow row may try the opposite of a rule in force: that is what it is for.
  } else if (inForce.has(first) === inForce.has(rule)) {
    findings.warning(rule.reference.line, 1, {
      code: 'contradiction',
      message: `this contradicts line ${first.reference.line}; the deny always wins`,
      remedy: 'Remove the allow, or narrow the deny.',
    })
  }
}

/** Rules about everybody that open or shut a whole kind of thing. */
function warnOfReach(rule: Rule, findings: Findings): void {
  if (rule.subject !== ANYONE || rule.whenText !== 'always') return
  const { line } = rule.reference
  if (rule.effect === 'allow' && rule.action !== '*' && isPrivileged(rule.action)) {
    findings.warning(line, 1, {
      code: 'wide-open',
      message: `every authenticated subject may ${rule.action}, without a condition`,
      remedy: 'Name a role, or add conditions.',
    })
  }
  if (rule.effect === 'deny' && rule.action === '*' && isWhole(rule)) {
    findings.warning(line, 1, {
      code: 'locks-everyone',
      message: `nobody can read or infer on ${wholeOf(rule)}, whatever other rules say`,
      remedy: 'Name a role, a resource or a condition; a deny always wins.',
    })
  }
}

/** An allow that needs to know that something is not so gives nothing where it is not known. */
function warnOfNegation(rule: Rule, { canBeUnknown, places, findings }: Checked): void {
  if (rule.effect === 'deny' || canBeUnknown === undefined) return
  const negated = negatedIn(rule.when, canBeUnknown)
  if (negated === undefined) return
  const { name, offset } = negated
  findings.warning(rule.reference.line, (places.get(rule)?.when ?? 1) + offset, {
    code: 'negated-optional',
    message: `\`${name}\` can be unknown, and then \`!${name}\` does not allow`,
    remedy:
      `Allow without it and write a deny for \`${name}\`; ` +
      'or keep it, if only requests of which it is known are meant.',
  })
}

function isWhole({ resource }: Rule): boolean {
  const { kind, name, version } = resource
  return kind === '*' || (name === '*' && (version === undefined || version === '*'))
}

function wholeOf({ resource }: Rule): string {
  return resource.kind === '*' ? 'anything' : `any ${resource.kind}`
}

/** Warns of a `when` that decides nothing; says whether the rule can therefore never apply. */
function warnOfWhen(rule: Rule, rangeOf: RangeOf, { places, findings }: Checked): boolean {
  if (rule.whenText === 'always') return false
  const range = rangeOf(rule.when)
  const column = places.get(rule)?.when ?? 1
  const warn = (code: string, message: string, remedy: string) => {
    findings.warning(rule.reference.line, column, { code, message, remedy })
  }
  const contradiction = `\`${rule.whenText}\` can never be true`
  if (!range.canBeTrue && (rule.effect === 'allow' || !range.canBeUnknown)) {
    warn(
      'unreachable-rule',
      `${contradiction}; this never applies`,
      'Correct it, or remove the row.',
    )
    return true
  }
  if (!range.canBeTrue) {
    const remedy = 'Correct it; to deny what is not known, deny unless it is: `!name`.'
    warn('when-contradiction', `${contradiction}; this denies only what is not known`, remedy)
  } else if (!range.canBeFalse) {
    const when = rule.effect === 'allow' && range.canBeUnknown ? ' as soon as it is known' : ''
    const remedy = 'Write `always` if that is meant, or correct it.'
    warn('when-tautology', `\`${rule.whenText}\` is always true${when}`, remedy)
  }
  return false
}

function warnOfCover(rule: Rule, { coverage, inForce, findings }: Covers): void {
  const { line } = rule.reference
  if (rule.effect === 'allow') {
    const deny = coverage.find(rule, 'deny', (other) => !isSameCase(rule, other))
    if (deny !== undefined) {
      findings.warning(line, 1, {
        code: 'unreachable-rule',
        message: `line ${deny.reference.line} denies everything that this would allow`,
        remedy: `Remove this row, or narrow line ${deny.reference.line}.`,
      })
      return
    }
  }
  const does = rule.effect === 'allow' ? 'allows' : 'denies'
  const other = coverage.find(rule, rule.effect, (candidate) => {
    if (candidate === rule || isSameCase(rule, candidate)) return false
    // Of two rules in force that cover each other, the later one is superfluous.
    if (candidate.reference.line < line || !inForce.has(rule)) return true
    return coverage.find(candidate, candidate.effect, (back) => back === rule) === undefined
  })
  if (other === undefined) return
  findings.warning(line, 1, {
    code: 'covered-rule',
    message: `line ${other.reference.line} already ${does} everything that this ${does}`,
    remedy: `Remove this row, or narrow line ${other.reference.line}.`,
  })
}

/** Repetitions and contradictions have warnings of their own. */
function isSameCase(a: Rule, b: Rule): boolean {
  return (
    a.subject === b.subject &&
    a.action === b.action &&
    a.resource.text === b.resource.text &&
    a.whenText === b.whenText
  )
}

function warnOfGivingUp(table: PolicyTable, findings: Findings): void {
  findings.warning(table.rules[0]?.reference.line ?? 1, 1, {
    code: 'lint-incomplete',
    message: 'there are too many rules with globs and roles to look for all that are covered',
    remedy: 'Merge rules; those that do nothing may be among them.',
  })
}
