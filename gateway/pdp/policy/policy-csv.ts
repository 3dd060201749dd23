/**
 * Reads `rules/policy.csv`, the permission matrix, or says exactly where and why not. All or
 * nothing: one bad row refuses the file, so that no deny is ever silently missing (I28).
 */
import type { Loaded } from '../../domain/diagnostics.ts'
import { readRows, type Row } from './csv-lines.ts'
import { createFindings, type Findings } from './finding.ts'
import type { RulePlaces } from './places.ts'
import { checkRoleLinks } from './role-links.ts'
import { createRowReader, type ReadRule, type RowReader } from './rule-row.ts'
import type { PolicyTable, RoleLink, Rule } from './rule.ts'
import { createSuggest } from './suggest.ts'
import { warnOfRules, type Surroundings } from './warnings.ts'

/**
 * Parses the text of `file`. `conditions` holds the names the `when` column may use, `always`
 * excepted, which is built in. A matrix without a rule in force is refused: it must never be a
 * permit. `around` is what is known besides, for warnings; nothing in it makes an error.
 */
export function parsePolicy(
  source: { readonly file: string; readonly text: string },
  conditions: ReadonlySet<string>,
  around: Surroundings = {},
): Loaded<PolicyTable> {
  const findings = createFindings(source.file)
  const suggest = createSuggest()
  const reader = createRowReader({ file: source.file, conditions, findings, suggest })
  const { rules, shadowed, links, places } = readTable(source.text, reader, findings)
  if (findings.errors.length === 0 && rules.length === 0) noRules(findings, shadowed[0])
  const roles = checkRoleLinks(links, findings)
  if (findings.errors.length > 0) {
    return { ok: false, diagnostics: [...findings.errors, ...findings.warnings] }
  }
  const hasShadow = shadowed.length > rules.length
  const table = { file: source.file, rules, shadowed: hasShadow ? shadowed : rules, links }
  warnOfRules({ table, places, roles, findings, suggest, ...around })
  return { ok: true, value: table, warnings: findings.warnings }
}

function readTable(text: string, reader: RowReader, findings: Findings) {
  const rules: Rule[] = []
  const shadowed: Rule[] = []
  const links: RoleLink[] = []
  const places = new Map<Rule, RulePlaces>()
  const addRule = ({ rule, places: cells, isShadow }: ReadRule) => {
    shadowed.push(rule)
    places.set(rule, cells)
    if (!isShadow) rules.push(rule)
  }
  for (const row of readRows(text, findings)) {
    const type = row.fields[0]?.text
    if (type === 'p') {
      const found = reader.rule(row)
      if (found !== undefined) addRule(found)
    } else if (type === 'g') {
      const link = reader.link(row)
      if (link !== undefined) links.push(link)
    } else unknownRow(row, findings)
  }
  return { rules, shadowed, links, places }
}

function unknownRow(row: Row, findings: Findings): void {
  const type = row.fields[0]?.text ?? ''
  findings.error(row.line, row.fields[0]?.column ?? 1, {
    code: 'unknown-row-type',
    message: `\`${type}\` is not a type of row`,
    remedy: 'Start rules with `p,` and role memberships with `g,`, in lower case.',
  })
}

function noRules(findings: Findings, shadow: Rule | undefined): void {
  const only = shadow === undefined ? '' : ' in force, only shadow rows'
  findings.error(shadow?.reference.line ?? 1, 1, {
    code: 'empty-policy',
    message: `there is no rule${only} in this file`,
    remedy: `Write at least one \`p\` row${shadow === undefined ? '' : ' without `shadow`'}; without rules nothing could be permitted or explained.`,
  })
}
