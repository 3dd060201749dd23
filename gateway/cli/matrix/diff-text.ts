/** A comparison of rules for people. */
import type { ApprovalChange } from '../../access/approvals/compare.ts'
import type { AccessChange, RuleComparison } from '../../pdp/analysis/diff.ts'
import type { NamedChange } from '../../pdp/analysis/listed-changes.ts'
import type { Paint } from '../output/paint.ts'
import { plural } from '../report.ts'
import { labelled, namesText, ruleLines } from './text.ts'

/** What is compared: who may do what, and who has to agree to more. */
export interface WholeComparison extends RuleComparison {
  readonly approvals: readonly ApprovalChange[]
}

/** The whole report. `names` are what the two were called on the command line. */
export function diffText(
  comparison: WholeComparison,
  names: { readonly old: string; readonly new: string },
  paint: Paint,
): string {
  const { gains, losses } = comparison
  const lines = [
    paint.bold(`${names.old} -> ${names.new}`),
    labelled('old', comparison.old.revision),
    labelled('new', comparison.new.revision),
    '',
    ...section('Gained', gains, (change) => changeLines(change, paint)),
    ...section('Lost', losses, (change) => changeLines(change, paint)),
    ...section('Conditions with a new meaning', comparison.conditions, namedLines),
    ...section('Role memberships', comparison.roles, ({ change, member, role, line }) => [
      `  ${change === 'added' ? '+' : '-'} ${member} has ${role}  (policy.csv:${line})`,
    ]),
    ...section('Limits', comparison.limits, namedLines),
    ...section('Descriptions in resources.yaml', comparison.descriptions, namedLines),
    ...section('Rules of approval', comparison.approvals, (change) => approvalLines(change, paint)),
    summary(comparison),
  ]
  return `${lines.join('\n')}\n`
}

function section<T>(title: string, items: readonly T[], linesOf: (item: T) => string[]): string[] {
  return items.length === 0 ? [] : [`${title}:`, ...items.flatMap(linesOf), '']
}

function changeLines(change: AccessChange, paint: Paint): string[] {
  const { direction, callers, actions, resources, when, refusedBy, otherwise, example } = change
  const sign = direction === 'gain' ? paint.green('+') : paint.red('-')
  const gained = direction === 'gain'
  const nothing = labelled(gained ? 'before' : 'now', 'no rule allows it')
  const others = otherwise.filter(({ line }) => !gained || !isListed(change.permittedBy, line))
  const counter = [
    ...ruleLines(gained ? 'before' : 'now', refusedBy, '  (denies)'),
    ...(refusedBy.length > 0
      ? []
      : otherwise.length === 0
        ? [nothing]
        : ruleLines(gained ? 'before' : 'now', gained ? otherwise : others, '  (narrower)')),
  ]
  return [
    `  ${sign} ${paint.bold(callersText(callers))}`,
    labelled(gained ? 'may' : 'may not', `${actions.join(', ')} on ${resources.text}`),
    ...(resources.text === example.resource ? [] : [labelled('such as', example.resource)]),
    labelled('when', when.text),
    ...ruleLines(gained ? 'by' : 'was by', change.permittedBy),
    ...counter,
  ]
}

function isListed(rules: AccessChange['permittedBy'], line: number): boolean {
  return rules.some((rule) => rule.line === line)
}

function callersText({ anyOf, with: partners, also }: AccessChange['callers']): string {
  const everybody = anyOf.length === 1 && anyOf[0] === 'role:anyone'
  const who = everybody ? 'everybody (role:anyone)' : namesText(anyOf)
  const together = partners.length === 0 ? '' : ` together with ${namesText(partners)}`
  return `${who}${together}${also.length === 0 ? '' : `, and so ${namesText(also)}`}`
}

function namedLines({ name, old, new: now }: NamedChange): string[] {
  if (old === undefined) return [`  + ${name}: ${now ?? ''}`]
  if (now === undefined) return [`  - ${name}: ${old}`]
  if (old === now) return [`  ~ ${name}: ${now} (the roles or conditions it names have changed)`]
  return [`  ~ ${name}`, `      old  ${old}`, `      new  ${now}`]
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const

/** What makes agreeing easier is said so: nobody finds a lower number among others. */
const EFFECTS = {
  looser: 'LOOSER',
  stricter: 'stricter',
  either: 'LOOK: looser or stricter',
} as const

function approvalLines({ name, change, parts }: ApprovalChange, paint: Paint): string[] {
  return [
    `  ${SIGNS[change]} ${paint.bold(name)}`,
    ...parts.map(({ part, old = 'nothing', new: now = 'nothing', effect }) => {
      const said = change === 'changed' ? `${old} -> ${now}` : change === 'added' ? now : old
      const mark = EFFECTS[effect]
      return `      ${effect === 'stricter' ? mark : paint.red(mark)}  ${part}: ${said}`
    }),
  ]
}

function summary(comparison: WholeComparison): string {
  const { gains, losses, conditions, roles, limits, descriptions, classes } = comparison
  const counts = [
    plural(gains.length, 'gain'),
    losses.length === 1 ? '1 loss' : `${losses.length} losses`,
    `${plural(conditions.length, 'condition')}, ${plural(roles.length, 'membership')}`,
    `${plural(limits.length, 'limit')} and ${plural(descriptions.length, 'description')} changed`,
    ...approvalCount(comparison),
  ].join(', ')
  const compared = `${plural(classes, 'class').replace('classs', 'classes')} of resources compared`
  const same = gains.length + losses.length === 0 ? 'No caller is answered differently. ' : ''
  return `${same}${counts}; ${compared}.`
}

function approvalCount({ approvals }: WholeComparison): string[] {
  if (approvals.length === 0) return []
  const loose = approvals.filter(({ parts }) => parts.some(({ effect }) => effect !== 'stricter'))
  return [`${plural(approvals.length, 'rule')} of approval changed (${loose.length} maybe looser)`]
}
