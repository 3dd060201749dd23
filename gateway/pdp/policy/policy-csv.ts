/**
 * Reads `rules/policy.csv`, the permission matrix, or says exactly where and why not. All or
 * nothing: one bad row refuses the file, so that no deny is ever silently missing (I28).
 */
import { closest, type Loaded } from '../../domain/diagnostics.ts'
import { ACTIONS, isAction, isPrivileged, type Action } from '../../domain/vocabulary.ts'
import { readRows, type Field, type Row } from './csv-lines.ts'
import { createFindings, type Findings } from './finding.ts'
import { expressionText, namesIn, parseExpression, type Expression } from './expression.ts'
import { parseResourcePattern, type ResourcePattern, type RuleEffect } from './resource-pattern.ts'
import { checkRoleLinks } from './role-links.ts'
import { ANYONE, type PolicyTable, type RoleLink, type Rule } from './rule.ts'

const P_COLUMNS = ['subject', 'action', 'resource', 'when', 'effect'] as const
const G_COLUMNS = ['member', 'role'] as const

/**
 * Parses the text of `file`. `conditions` holds the names the `when` column may use, `always`
 * excepted, which is built in. An empty matrix (no `p` row) is refused: it must never be a permit.
 */
export function parsePolicy(
  source: { readonly file: string; readonly text: string },
  conditions: ReadonlySet<string>,
): Loaded<PolicyTable> {
  const findings = createFindings(source.file)
  const rules: Rule[] = []
  const links: RoleLink[] = []
  for (const row of readRows(source.text, findings)) {
    const type = row.fields[0]?.text
    if (type === 'p') addRule(row, { file: source.file, conditions, findings, rules })
    else if (type === 'g') addLink(row, links, findings)
    else unknownRow(row, findings)
  }
  if (findings.errors.length === 0 && rules.length === 0) noRules(findings)
  warnRepeatedRules(rules, findings)
  checkRoleLinks(links, rules, findings)
  if (findings.errors.length > 0) {
    return { ok: false, diagnostics: [...findings.errors, ...findings.warnings] }
  }
  return {
    ok: true,
    value: { file: source.file, rules, shadowed: rules, links },
    warnings: findings.warnings,
  }
}

interface Context {
  readonly file: string
  readonly conditions: ReadonlySet<string>
  readonly findings: Findings
  readonly rules: Rule[]
}

function addRule(row: Row, context: Context): void {
  const { findings } = context
  const cells = columnsOf(row, P_COLUMNS, findings)
  if (cells === undefined) return
  const [subjectCell, actionCell, resourceCell, whenCell, effectCell] = cells
  const subject = readPrincipal(subjectCell, ['user', 'group', 'role'], findings)
  const action = readAction(actionCell, findings)
  const resource = readResource(resourceCell, findings)
  const when = readWhen(whenCell, context)
  const effect = readEffect(effectCell, findings)
  if (!subject || !action || !resource || !when || !effect) return
  const text = row.fields.map((field) => field.text).join(', ')
  const reference = { file: context.file, line: row.line, text }
  const whenText = expressionText(when)
  context.rules.push({ reference, subject, action, resource, when, whenText, effect })
}

function addLink(row: Row, links: RoleLink[], findings: Findings): void {
  const cells = columnsOf(row, G_COLUMNS, findings)
  if (cells === undefined) return
  const [memberCell, roleCell] = cells
  const member = readPrincipal(memberCell, ['user', 'group', 'role'], findings)
  const role = readPrincipal(roleCell, ['role'], findings)
  if (!member || !role) return
  if (role === ANYONE) {
    findings.error(roleCell.line, roleCell.column, {
      code: 'role-anyone-member',
      message: `${ANYONE} is every authenticated subject and has no list of members`,
      remedy: 'Remove the row, or name another role.',
    })
    return
  }
  links.push({ line: row.line, column: memberCell.column, member, role })
}

type Cells<C extends readonly string[]> = { readonly [K in keyof C]: Field }

function columnsOf<C extends readonly string[]>(
  row: Row,
  columns: C,
  findings: Findings,
): Cells<C> | undefined {
  const type = row.fields[0]?.text ?? ''
  const cells = row.fields.slice(1)
  const shape = `Write \`${[type, ...columns].join(', ')}\`.`
  if (cells.length !== columns.length) {
    const said = `a ${type} row has ${columns.length + 1} columns, this one ${cells.length + 1}`
    // A row without its effect is an allow to Casbin.
    findings.error(row.line, 1, { code: 'column-count', message: said, remedy: shape })
    return undefined
  }
  let complete = true
  for (const [i, cell] of cells.entries()) {
    if (cell.text !== '') continue
    complete = false
    const message = `the ${columns[i] ?? 'column'} is empty`
    findings.error(cell.line, cell.column, { code: 'empty-field', message, remedy: shape })
  }
  return complete ? (cells as unknown as Cells<C>) : undefined
}

function unknownRow(row: Row, findings: Findings): void {
  const type = row.fields[0]?.text ?? ''
  findings.error(row.line, row.fields[0]?.column ?? 1, {
    code: 'unknown-row-type',
    message: `\`${type}\` is not a type of row`,
    remedy: 'Start rules with `p,` and role memberships with `g,`, in lower case.',
  })
}

function noRules(findings: Findings): void {
  findings.error(1, 1, {
    code: 'empty-policy',
    message: 'there is no rule in this file',
    remedy: 'Write at least one `p` row; without rules nothing could be permitted or explained.',
  })
}

function readPrincipal(
  cell: Field,
  kinds: readonly string[],
  findings: Findings,
): string | undefined {
  const colon = cell.text.indexOf(':')
  const kind = colon < 0 ? '' : cell.text.slice(0, colon)
  const name = cell.text.slice(colon + 1)
  const fail = (code: string, message: string, remedy: string) => {
    findings.error(cell.line, cell.column, { code, message, remedy })
  }
  if (!kinds.includes(kind)) {
    const choices = kinds.map((k) => `${k}:${name}`).join(', ')
    const message = `\`${cell.text}\` has no prefix this column knows`
    fail('subject-prefix', message, `Write one of: ${choices}.`)
    return undefined
  }
  if (name.trim() !== name || name === '') {
    fail('subject-name', `nothing, or a space, follows ${kind}:`, 'Write the name.')
    return undefined
  }
  if (name.includes('*')) {
    const remedy = `Name one, or use ${ANYONE} for every authenticated subject.`
    fail('subject-wildcard', 'subjects are exact; * has no meaning here', remedy)
    return undefined
  }
  if (kind === 'user' && !/^[a-z0-9][a-z0-9._-]*\/./.test(name)) {
    findings.warning(cell.line, cell.column, {
      code: 'user-without-issuer',
      message: `no caller is ever called ${cell.text}; a user is user:<issuer name>/<sub>`,
      remedy: `Write user:<issuer name>/${name}, with the name the configuration gives the issuer.`,
    })
  }
  return cell.text
}

function readAction(cell: Field, findings: Findings): Action | '*' | undefined {
  if (cell.text === '*' || isAction(cell.text)) return cell.text
  const near = closest(cell.text, ACTIONS)
  findings.error(cell.line, cell.column, {
    code: 'unknown-action',
    message: `\`${cell.text}\` is not an action`,
    remedy:
      near === undefined
        ? `Use one of: ${ACTIONS.join(', ')}, or * for read, infer and data:read.`
        : `Did you mean \`${near}\`?`,
  })
  return undefined
}

function readResource(cell: Field, findings: Findings): ResourcePattern | undefined {
  const parsed = parseResourcePattern(cell.text)
  if (parsed.ok) return parsed.value
  const { message, remedy } = parsed
  const column = cell.column + parsed.offset
  findings.error(cell.line, column, { code: 'resource-pattern', message, remedy })
  return undefined
}

function readWhen(cell: Field, context: Context): Expression | undefined {
  const parsed = parseExpression(cell.text)
  if (!parsed.ok) {
    const { offset, message, remedy } = parsed.problem
    const said = { code: 'when-syntax', message, remedy }
    context.findings.error(cell.line, cell.column + offset, said)
    return undefined
  }
  let known = true
  for (const { name, offset } of namesIn(parsed.value)) {
    if (name === 'always' || context.conditions.has(name)) continue
    known = false
    const near = closest(name, [...context.conditions, 'always'])
    context.findings.error(cell.line, cell.column + offset, {
      code: 'unknown-condition',
      message: `no condition is named \`${name}\``,
      remedy: near === undefined ? 'Define it in conditions.yaml.' : `Did you mean \`${near}\`?`,
    })
  }
  return known ? parsed.value : undefined
}

function readEffect(cell: Field, findings: Findings): RuleEffect | undefined {
  if (cell.text === 'allow' || cell.text === 'deny') return cell.text
  const near = closest(cell.text, ['allow', 'deny'])
  // `Deny` is neither allow nor deny to Casbin: the row would have no effect at all.
  findings.error(cell.line, cell.column, {
    code: 'unknown-effect',
    message: `\`${cell.text}\` is not an effect`,
    remedy: near === undefined ? 'Write allow or deny.' : `Write \`${near}\`.`,
  })
  return undefined
}

function warnRepeatedRules(rules: readonly Rule[], findings: Findings): void {
  const seen = new Map<string, Rule>()
  for (const rule of rules) {
    const key = JSON.stringify([rule.subject, rule.action, rule.resource.text, rule.whenText])
    const first = seen.get(key)
    if (first === undefined) seen.set(key, rule)
    else if (first.effect === rule.effect) {
      findings.warning(rule.reference.line, 1, {
        code: 'duplicate-row',
        message: `this repeats line ${first.reference.line}`,
        remedy: 'Remove one of the two.',
      })
    } else {
      findings.warning(rule.reference.line, 1, {
        code: 'contradiction',
        message: `this contradicts line ${first.reference.line}; the deny always wins`,
        remedy: 'Remove the allow, or narrow the deny.',
      })
    }
    warnWideOpen(rule, findings)
  }
}

function warnWideOpen(rule: Rule, findings: Findings): void {
  const open = rule.subject === ANYONE && rule.effect === 'allow' && rule.whenText === 'always'
  if (!open || rule.action === '*' || !isPrivileged(rule.action)) return
  findings.warning(rule.reference.line, 1, {
    code: 'wide-open',
    message: `every authenticated subject may ${rule.action}, without a condition`,
    remedy: 'Name a role, or add conditions.',
  })
}
