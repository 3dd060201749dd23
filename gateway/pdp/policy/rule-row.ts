/**
 * Reads one `p` or `g` row into a rule or a link, or says which of its cells is wrong and what to
 * write there. Nothing is guessed: a cell that is nearly right is an error with a suggestion.
 */
import { ACTIONS, isAction, type Action } from '../../domain/vocabulary.ts'
import type { Field, Row } from './csv-lines.ts'
import { expressionText, namesIn, parseExpression, type Expression } from './expression.ts'
import type { Findings } from './finding.ts'
import type { RulePlaces } from './places.ts'
import { parseResourcePattern, type ResourcePattern, type RuleEffect } from './resource-pattern.ts'
import { ANYONE, WordedRule, type RoleLink, type Rule } from './rule.ts'
import type { Suggest } from './suggest.ts'

const P_COLUMNS = ['subject', 'action', 'resource', 'when', 'effect'] as const
const G_COLUMNS = ['member', 'role'] as const
/** The one thing that the optional last column of a `p` row may say. */
const SHADOW = 'shadow'

/** A `p` row as read. */
export interface ReadRule {
  readonly rule: Rule
  readonly places: RulePlaces
  /** It is evaluated, recorded and counted, but does not decide. */
  readonly isShadow: boolean
}

/** Reads rows of one file. Cells with equal text share one value, since large files repeat them. */
export interface RowReader {
  rule(row: Row): ReadRule | undefined
  link(row: Row): RoleLink | undefined
}

/** What a {@link RowReader} needs. */
export interface RowContext {
  readonly file: string
  /** Names the `when` column may use, `always` excepted. */
  readonly conditions: ReadonlySet<string>
  readonly findings: Findings
  readonly suggest: Suggest
}

interface When {
  readonly value: Expression
  readonly text: string
}

/** Starts reading the rows of one file. */
export function createRowReader(context: RowContext): RowReader {
  const { file, findings } = context
  const principalOf = shared((cell) => readPrincipal(cell, ['user', 'group', 'role'], findings))
  const roleOf = shared((cell) => readPrincipal(cell, ['role'], findings))
  const resourceOf = shared((cell) => readResource(cell, findings))
  const whenOf = shared((cell) => readWhen(cell, context))
  return {
    rule(row) {
      const cells = columnsOf(row, P_COLUMNS, findings)
      if (cells === undefined) return undefined
      const [subjectCell, actionCell, resourceCell, whenCell, effectCell, modeCell] = cells
      const subject = principalOf(subjectCell)
      const action = readAction(actionCell, context)
      const resource = resourceOf(resourceCell)
      const when = whenOf(whenCell)
      const effect = readEffect(effectCell, context)
      const isShadow = readMode(modeCell, findings)
      if (!subject || !action || !resource || !when || !effect || isShadow === undefined) {
        return undefined
      }
      const text = row.fields.map((field) => field.text).join(', ')
      const reference = { file, line: row.line, text }
      const rest = { when: when.value, whenText: when.text, effect }
      return {
        rule: new WordedRule({ reference, subject, action, resource, ...rest }),
        places: {
          subject: subjectCell.column,
          resource: resourceCell.column,
          when: whenCell.column,
        },
        isShadow,
      }
    },
    link(row) {
      const cells = columnsOf(row, G_COLUMNS, findings)
      if (cells === undefined) return undefined
      const [memberCell, roleCell] = cells
      const member = principalOf(memberCell)
      const role = roleOf(roleCell)
      if (!member || !role) return undefined
      if (role === ANYONE) {
        findings.error(roleCell.line, roleCell.column, {
          code: 'role-anyone-member',
          message: `${ANYONE} is every authenticated subject and has no list of members`,
          remedy: 'Remove the row, or name another role.',
        })
        return undefined
      }
      return { line: row.line, column: memberCell.column, member, role }
    },
  }
}

/** Remembers what a good cell means; a bad one is read, and reported, each time. */
function shared<T>(read: (cell: Field) => T | undefined): (cell: Field) => T | undefined {
  const known = new Map<string, T>()
  return (cell) => {
    const before = known.get(cell.text)
    if (before !== undefined) return before
    const value = read(cell)
    if (value !== undefined) known.set(cell.text, value)
    return value
  }
}

/** The cells by column, and what stands in the optional one behind them. */
type Cells<C extends readonly string[]> = readonly [
  ...{ readonly [K in keyof C]: Field },
  Field | undefined,
]

function columnsOf<C extends readonly string[]>(
  row: Row,
  columns: C,
  findings: Findings,
): Cells<C> | undefined {
  const type = row.fields[0]?.text ?? ''
  const cells = row.fields.slice(1)
  const shape = [type, ...columns].join(', ')
  const most = columns.length + (type === 'p' ? 1 : 0)
  if (cells.length < columns.length || cells.length > most) {
    const count = `${columns.length + 1} columns${type === 'p' ? ', or one more for shadow' : ''}`
    // A row without its effect is an allow to Casbin.
    findings.error(row.line, 1, {
      code: 'column-count',
      message: `a ${type} row has ${count}; this one has ${cells.length + 1}`,
      remedy: `Write \`${shape}\`.`,
    })
    return undefined
  }
  let complete = true
  for (const [i, cell] of cells.entries()) {
    if (cell.text !== '') continue
    complete = false
    const message = `the ${columns[i] ?? 'last column'} is empty`
    const remedy = i < columns.length ? `Write \`${shape}\`.` : LAST_COLUMN
    findings.error(cell.line, cell.column, { code: 'empty-field', message, remedy })
  }
  return complete ? (cells as unknown as Cells<C>) : undefined
}

const LAST_COLUMN = 'Remove the last comma, or write `shadow` behind it to try the rule only.'

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

function readAction(cell: Field, { findings, suggest }: RowContext): Action | '*' | undefined {
  if (cell.text === '*' || isAction(cell.text)) return cell.text
  const near = suggest('action', cell.text, ACTIONS)
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

function readWhen(cell: Field, context: RowContext): When | undefined {
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
    const near = context.suggest('condition', name, candidates(context.conditions))
    context.findings.error(cell.line, cell.column + offset, {
      code: 'unknown-condition',
      message: `no condition is named \`${name}\``,
      remedy: near === undefined ? 'Define it in conditions.yaml.' : `Did you mean \`${near}\`?`,
    })
  }
  return known ? { value: parsed.value, text: expressionText(parsed.value) } : undefined
}

function* candidates(conditions: ReadonlySet<string>): Generator<string> {
  yield* conditions
  yield 'always'
}

function readEffect(cell: Field, { findings, suggest }: RowContext): RuleEffect | undefined {
  if (cell.text === 'allow' || cell.text === 'deny') return cell.text
  const near = suggest('effect', cell.text, ['allow', 'deny'])
  // `Deny` is neither allow nor deny to Casbin: the row would have no effect at all.
  findings.error(cell.line, cell.column, {
    code: 'unknown-effect',
    message: `\`${cell.text}\` is not an effect`,
    remedy: near === undefined ? 'Write allow or deny.' : `Write \`${near}\`.`,
  })
  return undefined
}

/** Whether the row is a shadow row; `undefined` when its last column says something else. */
function readMode(cell: Field | undefined, findings: Findings): boolean | undefined {
  if (cell === undefined) return false
  if (cell.text === SHADOW) return true
  findings.error(cell.line, cell.column, {
    code: 'shadow-column',
    message: `\`${cell.text}\` cannot stand here`,
    remedy: 'Write `shadow` to try the rule only, or remove the column to have it in force.',
  })
  return undefined
}
