/** How `modelgate coverage` prints: for people, for machines, and as rows to read and paste. */
import type { CoverageReport } from '../../assembly/coverage/coverage.ts'
import type { UnmappedRoute } from '../../assembly/coverage/compare.ts'
import { ACTIONS } from '../../domain/vocabulary.ts'
import type { Paint } from './paint.ts'
import { plainText } from '../../domain/plain-text.ts'

/** Routes that are information only are listed up to this number. */
const LISTED_MAX = 40

/** For people. */
export function coverageText(report: CoverageReport, paint: Paint): string {
  const lines = [`upstream ${report.upstream}, pack ${report.pack}`, ...sourceLines(report), '']
  if (report.unmapped.length > 0) {
    lines.push(paint.red(`unmapped: ${report.unmapped.length}`))
    lines.push(...table(report.unmapped.map(unmappedCells)), '')
  }
  const { mapped, refused } = report
  lines.push(`mapped: ${mapped.length}${counts(report)}`)
  if (refused.length > 0) lines.push(`refused by the pack: ${refused.length}`)
  if (report.companions > 0) {
    lines.push(`not counted: ${report.companions} HEAD and OPTIONS beside another method`)
  }
  lines.push(...information(report), '', verdict(report, paint))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function sourceLines(report: CoverageReport): string[] {
  const rows = report.sources.map(({ source, routes, failure, note }) => {
    const said = failure ?? `${routes.length} routes${note === undefined ? '' : `; ${note}`}`
    return [plainText(source), plainText(said)]
  })
  return table(rows)
}

function unmappedCells({ route, proposal }: UnmappedRoute): string[] {
  return [route.method, plainText(route.path), `${proposal.action}?`, proposal.reason]
}

function counts({ mapped }: CoverageReport): string {
  const parts = ACTIONS.map((action) => [
    action,
    mapped.filter((route) => route.action === action).length,
  ])
  const said = parts
    .filter(([, count]) => count !== 0)
    .map(([action, count]) => `${action} ${count}`)
  return said.length === 0 ? '' : ` (${said.join(', ')})`
}

/** What changes nothing, and is good to know. */
function information({ mapped, absent, sources }: CoverageReport): string[] {
  const wider = mapped.filter((route) => route.wider)
  const lines: string[] = []
  if (wider.length > 0) {
    lines.push('', `mapped by a wider route, see that it means them too: ${wider.length}`)
    const cells = wider.map(({ route, action, by }) => [
      route.method,
      plainText(route.path),
      action,
      `by ${by}`,
    ])
    lines.push(...shortened(table(cells)))
  }
  if (absent.length > 0 && sources.some(({ routes }) => routes.length > 0)) {
    lines.push('', `in the pack, and not listed by this server: ${absent.length}`)
    lines.push(...shortened(absent.map((route) => `  ${route}`)))
  }
  return lines
}

function verdict(report: CoverageReport, paint: Paint): string {
  if (report.complete) return paint.green('every route that is listed is mapped or refused')
  if (report.sources.every(({ routes }) => routes.length === 0)) return NOTHING_LISTED
  if (report.leftOut > 0) return paint.red(`${report.leftOut} more routes were not looked at`)
  return paint.red(
    'not every route is mapped. The actions are proposals: read each, then write it into ' +
      'rules/routes/ (--format yaml)',
  )
}

const NOTHING_LISTED =
  'nothing lists the routes of this server. Write them into a file, METHOD /path by line, and give ' +
  'it with --routes;\ndocs/operations.md has the command for MLflow and others'

function shortened(lines: readonly string[]): string[] {
  const more = lines.length - LISTED_MAX
  return more > 0 ? [...lines.slice(0, LISTED_MAX), `  and ${more} more`] : [...lines]
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.min(96, Math.max(widths[column] ?? 0, cell.length))
    }
  }
  return rows.map(
    (row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`,
  )
}

/** For machines. */
export function coverageJson(report: CoverageReport): string {
  const { upstream, pack, complete, sources, unmapped, mapped, refused, absent } = report
  const document = {
    upstream,
    pack,
    complete,
    sources: sources.map(({ routes, ...rest }) => ({ ...rest, routes: routes.length })),
    unmapped: unmapped.map(({ route, proposal }) => ({ ...route, proposal })),
    mapped: mapped.map(({ route: { method, path }, action, by, wider }) => ({
      method,
      path,
      action,
      by,
      wider,
    })),
    refused: refused.map(({ method, path }) => ({ method, path })),
    absent,
  }
  return `${JSON.stringify(document, null, 2)}\n`
}

/** As a file for rules/routes/, every row with the reason beside it. */
export function coverageYaml(report: CoverageReport): string {
  const head = [
    `# Proposed by \`modelgate coverage --upstream ${report.upstream}\`. Read every row: nothing but its`,
    '# path and its words says what a route does, and where it reads the model.',
    `extends: ${report.pack}`,
  ]
  const sayable = report.unmapped.filter(({ proposal }) => proposal.sayable)
  const rows = sayable.flatMap(yamlRow)
  const lost = report.unmapped
    .filter(({ proposal }) => !proposal.sayable)
    .map(({ route }) => `# A pack cannot say this path: ${route.method} ${plainText(route.path)}`)
  const routes = rows.length === 0 ? ['routes: []'] : ['routes:', ...rows]
  return `${[...head, ...lost, ...routes].join('\n')}\n`
}

function yamlRow({ route, proposal }: UnmappedRoute): string[] {
  const { action, reason, model } = proposal
  const sources = model.map(({ place, name }) => `{ ${place}: ${JSON.stringify(name)} }`)
  return [
    `  - methods: [${route.method}]`,
    `    path: ${JSON.stringify(route.path)}`,
    `    action: ${JSON.stringify(action)} # ${plainText(reason)}`,
    ...(sources.length === 0 ? [] : [`    model: [${sources.join(', ')}]`]),
  ]
}
