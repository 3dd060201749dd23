/** The matrix as Markdown (CommonMark with tables). Operator text is escaped: it is words, not markup. */
import type {
  DocumentRule,
  DocumentSubject,
  MatrixDocument,
  SeparationNote,
} from '../../pdp/analysis/matrix-document.ts'
import { joined } from '../../pdp/analysis/condition-words.ts'
import { plainText } from '../../domain/plain-text.ts'
import { limitSentence, membersText, ruleSentence, separationSentences } from './docs-words.ts'

/** The whole document. */
export function docsMarkdown(document: MatrixDocument): string {
  const { subjects, separation, limits, conditions, revision } = document
  const lines = [
    '# Who may do what',
    '',
    `Made from the rules of revision \`${revision}\`.`,
    'Nothing is permitted that is not written here, and a deny always wins.',
    '',
    ...subjects.flatMap(subjectLines),
    '## Separation of duties',
    '',
    ...separationLines(separation),
    '',
    ...(limits.length === 0 ? [] : ['## Limits', '']),
    ...limits.map((limit) => `- **${escaped(limit.name)}**: ${escaped(limitSentence(limit))}`),
    ...(limits.length === 0 ? [] : ['']),
    ...(conditions.length === 0
      ? []
      : ['## Conditions', '', '| name | holds | rules |', '| --- | --- | --- |']),
    ...conditions.map(({ name, words, description, uses }) => {
      const said = description === undefined ? words : `${words}. ${description}`
      return `| \`${name}\` | ${escaped(said)} | ${uses} |`
    }),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function subjectLines(subject: DocumentSubject): string[] {
  const about = membersText(subject).join(' ')
  return [
    `## ${escaped(subject.name)}`,
    '',
    ...(about.length === 0 ? [] : [escaped(about), '']),
    ...subject.rules.map(ruleLine),
    ...(subject.rules.length === 0 ? ['- No rules of its own.'] : []),
    '',
  ]
}

function ruleLine(rule: DocumentRule): string {
  const places = joined(rule.rules.map(({ file, line }) => `${file}:${line}`))
  const { verb, what, when } = ruleSentence(rule)
  return `- **${verb}** ${escaped(what)}${when === '' ? '' : `, ${escaped(when)}`} (${escaped(places)})`
}

function separationLines(notes: readonly SeparationNote[]): string[] {
  return separationSentences(notes).map((sentence) => `- ${escaped(sentence)}`)
}

/** Everything that CommonMark or its tables could read as markup, and what HTML could. */
function escaped(text: string): string {
  return plainText(text.replaceAll(/[\r\n]+/g, ' '))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/[\\`*_[\]|~#]/g, '\\$&')
}
