/**
 * The matrix as one HTML file: no scripts, nothing loaded from anywhere, readable on paper. Every
 * text of the rules is escaped where it stands.
 */
import type {
  DocumentCondition,
  DocumentRule,
  DocumentSubject,
  MatrixDocument,
} from '../../pdp/analysis/matrix-document.ts'
import { plainLines } from '../../domain/plain-text.ts'
import { limitSentence, membersText, ruleSentence, separationSentences } from './docs-words.ts'

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 1.6rem 0 .3rem; border-bottom: 1px solid #d0d7de; }
p { margin: .3rem 0; } code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; }
th { font-weight: 600; } .never { color: #a40e26; font-weight: 600; } .may { color: #116329; font-weight: 600; }
.place { color: #57606a; white-space: nowrap; font-size: 13px; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } section { break-inside: avoid; } }
`

/** The whole document. */
export function docsHtml(document: MatrixDocument): string {
  const { revision, subjects, separation, limits, conditions } = document
  const meanings = new Map(conditions.map((condition) => [condition.name, condition]))
  const body = [
    '<h1>Who may do what</h1>',
    `<p>Made from the rules of revision <code>${escaped(revision)}</code>. Nothing is permitted that is not written here, and a deny always wins.</p>`,
    ...subjects.map((subject) => subjectHtml(subject, meanings)),
    section('Separation of duties', list(separationSentences(separation))),
    limits.length === 0
      ? ''
      : section('Limits', list(limits.map((limit) => `${limit.name}: ${limitSentence(limit)}`))),
    conditions.length === 0 ? '' : section('Conditions', conditionTable(conditions)),
  ]
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    '<title>Who may do what</title>',
    `<style>${STYLE}</style>`,
    '</head>',
    '<body>',
    ...body.filter((part) => part !== ''),
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

function section(title: string, content: string): string {
  return `<section>\n<h2>${escaped(title)}</h2>\n${content}\n</section>`
}

function list(items: readonly string[]): string {
  return `<ul>\n${items.map((item) => `<li>${escaped(item)}</li>`).join('\n')}\n</ul>`
}

function subjectHtml(
  subject: DocumentSubject,
  meanings: ReadonlyMap<string, DocumentCondition>,
): string {
  const about = membersText(subject).map((line) => `<p>${escaped(line)}</p>`)
  const rows = subject.rules.map((rule) => ruleRow(rule, meanings))
  const table =
    rows.length === 0 ? '<p>No rules of its own.</p>' : `<table>\n${rows.join('\n')}\n</table>`
  return section(subject.name, [...about, table].join('\n'))
}

function ruleRow(rule: DocumentRule, meanings: ReadonlyMap<string, DocumentCondition>): string {
  const { verb, what, when } = ruleSentence(rule)
  const places = rule.rules.map(({ file, line }) => `${file}:${line}`).join(', ')
  const names = rule.when.match(/[a-z][a-z0-9-]*/g) ?? []
  const title = [...new Set(names)]
    .flatMap((name) => meanings.get(name) ?? [])
    .map(({ name, words }) => `${name}: ${words}`)
    .join('; ')
  const hint = title === '' ? '' : ` title="${escaped(title)}"`
  const kind = rule.effect === 'allow' ? 'may' : 'never'
  return `<tr><td class="${kind}">${verb}</td><td>${escaped(what)}</td><td${hint}>${escaped(when)}</td><td class="place">${escaped(places)}</td></tr>`
}

function conditionTable(conditions: readonly DocumentCondition[]): string {
  const rows = conditions.map(({ name, words, description = '', uses }) => {
    const cells = [`<code>${escaped(name)}</code>`, escaped(words), escaped(description), uses]
    return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
  })
  const head = '<tr><th>name</th><th>holds</th><th>what it is for</th><th>rules</th></tr>'
  return `<table>\n${head}\n${rows.join('\n')}\n</table>`
}

function escaped(text: string): string {
  return plainLines(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
