/** The result of a campaign for spreadsheets and for people. */
import { csvLine } from '../../domain/csv.ts'
import { plainText } from '../../domain/plain-text.ts'
import type { ReviewResult, RuleEdit } from './result.ts'
import type { LineDocument } from './documents.ts'

const COLUMNS = [
  'review',
  'line',
  'status',
  'decided_by',
  'decided_at',
  'comment',
  'kind',
  'holder',
  'privilege',
  'source',
  'actions',
  'resources',
  'given_by',
  'given_at',
  'last_used_at',
  'ghost',
  'unused',
  'assignee',
  'revoked_in',
] as const

/** One row per line (RFC 4180). Nothing of it is taken for a formula (threats §2.H 280). */
export function reviewCsv({ review, lines }: ReviewResult): string {
  return csvLine(COLUMNS) + lines.map((line) => csvLine(cellsOf(review.id, line))).join('')
}

function cellsOf(review: string, line: LineDocument): (string | boolean | undefined)[] {
  const { decision } = line
  return [
    review,
    line.id,
    line.status,
    decision?.by,
    decision?.at,
    decision?.comment,
    line.kind,
    line.holder,
    line.privilege,
    line.source,
    line.actions.join(' '),
    line.resources.join(' '),
    line.given_by.join(' '),
    line.given_at,
    line.last_used_at,
    line.ghost,
    line.unused,
    line.assignee,
    line.revoked_in,
  ]
}

/** The result for people: what was decided, and which rows of the rules are to go. */
export function reviewMarkdown({ review, lines, edits, exported_at }: ReviewResult): string {
  const { counts } = review
  const parts = [
    `# ${cell(review.title)}`,
    '',
    `Review \`${review.id}\` of the rules \`${review.revision}\`, started by ${cell(review.by)} on ` +
      `${review.started_at}, due on ${review.due_at}; ${review.status} as of ${exported_at}.`,
    '',
    `${lines.length} lines: ${counts.certified} certified, ${counts.revoked} revoked, ` +
      `${counts.lapsed} lapsed, ${counts.open} open` +
      (counts.abandoned === 0 ? '.' : `, ${counts.abandoned} never decided.`),
    '',
    ...editsPart(edits),
    '## Lines',
    '',
    '| line | status | holder | privilege | source | given by | last used | decided by | comment |',
    '|---|---|---|---|---|---|---|---|---|',
    ...lines.map(rowOf),
  ]
  return `${parts.join('\n')}\n`
}

function editsPart(edits: readonly RuleEdit[]): string[] {
  const whole = edits.filter((edit) => edit.whole)
  const rest = edits.filter((edit) => !edit.whole)
  return [
    ...(whole.length === 0
      ? []
      : ['## Rows to remove', '', 'Nobody keeps what they give:', '', ...codeBlock(whole), '']),
    ...(rest.length === 0
      ? []
      : [
          '## Rows to narrow',
          '',
          'Others keep what they give. Take it from these by their `g` rows:',
          '',
          ...rest.map((edit) => `- ${cell(`${edit.source}  ${edit.text}`)}: ${namesOf(edit)}`),
          '',
        ]),
  ]
}

/** Rows as they stand in the file, each below its place. */
function codeBlock(edits: readonly RuleEdit[]): string[] {
  const rows = edits.flatMap(({ source, text }) => [`# ${source}`, text])
  return ['```', ...rows.map((row) => plainText(row).replaceAll('```', '` ` `')), '```']
}

function namesOf({ holders }: RuleEdit): string {
  return holders.map(cell).join(', ')
}

function rowOf(line: LineDocument): string {
  const { decision } = line
  const marks = [line.ghost ? 'ghost' : '', line.unused ? 'unused' : ''].filter(
    (mark) => mark !== '',
  )
  const status = [line.status, ...marks].join(', ')
  const cells = [
    line.id,
    status,
    line.holder,
    line.privilege,
    line.source,
    line.given_by.join(', '),
    line.last_used_at ?? 'never',
    decision?.by ?? '',
    decision?.comment ?? '',
  ]
  return `| ${cells.map(cell).join(' | ')} |`
}

/** Text that means nothing to Markdown, to HTML or to a terminal. */
function cell(text: string): string {
  return plainText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*_{}[\]()#+!|~]/g, (mark) => `\\${mark}`)
}
