/** The demo as people read it, 100 columns wide. Pure: text in, text out. */
import { REASONS, type Reason } from '../../domain/reasons.ts'
import type { Got } from './attempt.ts'
import type { Fact } from './evidence.ts'
import { statusText } from './http.ts'
import type { Paint } from '../output/paint.ts'
import { expectationText } from './step.ts'
import type { Spelling, StepResult } from './walk.ts'

const COLUMNS = 100
const INDENT = ' '.repeat(4)
/** Room for the word that says what a line is. */
const LABEL = 9
const BODY_CHARACTERS_MAX = 400

/** `text` in lines of at most `width` columns; a longer word has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(word)
  }
  return lines
}

/** One step: what happens, what is expected, the request, the answer, and why. */
export function stepText(step: StepResult, total: number, paint: Paint): string {
  const number = `${step.number}/${total}`.padStart(5)
  const lines = [
    '',
    paint.bold(`${number}  ${step.name}`),
    ...wrap(step.story, COLUMNS - INDENT.length).map((line) => INDENT + paint.dim(line)),
    '',
    ...step.before.flatMap((text, i) => labelled(i === 0 ? 'first' : '', text, paint)),
    ...step.request.curl.map((line, i) => `${INDENT}${i === 0 ? '$ ' : ''}${paint.cyan(line)}`),
    ...(step.outcome.kind === 'facts'
      ? step.outcome.facts.flatMap((fact) => factLines(fact, paint))
      : answerLines(step.outcome, paint)),
    ...verdict(step, paint),
  ]
  return `${lines.join('\n')}\n`
}

/** A line with a word in front that says what it is; what does not fit goes on below. */
function labelled(label: string, text: string, paint: Paint): string[] {
  const width = COLUMNS - INDENT.length - LABEL
  return wrap(text, width).map(
    (line, i) => INDENT + paint.dim((i === 0 ? label : '').padEnd(LABEL)) + line,
  )
}

function answerLines(
  outcome: { readonly got: Got; readonly spellings: readonly Spelling[] },
  paint: Paint,
): string[] {
  const { got, spellings } = outcome
  const colour = got.status < 400 ? paint.green : paint.red
  const status = labelled('answer', statusText(got.status), paint).map((line) =>
    line.replace(statusText(got.status), colour(statusText(got.status))),
  )
  const { challenge, body } = got
  const arrived = [...got.arrived, ...spellings.flatMap((spelling) => spelling.arrived)]
  const none = 'nothing, says the model server'
  return [
    ...status,
    ...(challenge === undefined ? [] : labelled('', `www-authenticate: ${challenge}`, paint)),
    ...(body === undefined ? [] : labelled('', bodyText(body), paint)),
    ...whyLines(got, paint),
    ...spellings.flatMap((one, i) =>
      labelled(i === 0 ? 'also' : '', `${one.status} ${one.path}`, paint),
    ),
    ...labelled('arrived', arrived.length === 0 ? none : arrived.join(', '), paint),
  ]
}

function whyLines(got: Got, paint: Paint): string[] {
  const { reason, rule, ruleText, failed } = got
  const why = isReason(reason) ? `${reason}: ${REASONS[reason].title}` : 'a rule allows it'
  return [
    ...labelled('why', why, paint),
    ...(rule === undefined ? [] : labelled('rule', rule, paint)),
    ...(ruleText === undefined ? [] : labelled('', ruleText, paint)),
    ...failed.flatMap(({ name, is, why }) =>
      labelled('', `${name} is ${is === 'unknown' ? 'unknown' : 'not met'}: ${why}`, paint),
    ),
  ]
}

function isReason(reason: string | undefined): reason is Reason {
  return reason !== undefined && Object.hasOwn(REASONS, reason)
}

/** What a person wants to see of a body: of a refusal its sentence, of a file its digest. */
function bodyText(body: unknown): string {
  if (typeof body === 'object' && body !== null) {
    const { detail, bytes, sha256 } = body as Readonly<Record<string, unknown>>
    if (typeof detail === 'string') return detail
    if (typeof bytes === 'number') return `${bytes} bytes, sha256 ${String(sha256)}`
  }
  const text = JSON.stringify(body).replaceAll(/,(["{])/g, ', $1')
  return text.length > BODY_CHARACTERS_MAX ? `${text.slice(0, BODY_CHARACTERS_MAX)} …` : text
}

function factLines({ name, expected, got }: Fact, paint: Paint): string[] {
  const mark = expected === got ? paint.green('✓') : paint.red('✗')
  return [`${INDENT}${mark} ${name.padEnd(50)}${String(got)}`]
}

function verdict({ differences, outcome }: StepResult, paint: Paint): string[] {
  const { kind } = outcome
  const expected = kind === 'facts' ? 'all of the above' : expectationText(outcome.expected)
  if (differences.length === 0) return [INDENT + paint.green(`✓ as expected: ${expected}`)]
  return [
    INDENT + paint.red(`✗ expected: ${expected}`),
    ...differences.map((text) => `${INDENT}  ${paint.red(text)}`),
  ]
}

/** How it ended, in one line. */
export function summaryText(steps: readonly StepResult[], total: number, paint: Paint): string {
  const good = steps.filter(({ differences }) => differences.length === 0).length
  const text = `${good} of ${total} steps as expected`
  return `\n${good === total ? paint.green(paint.bold(text)) : paint.red(paint.bold(text))}\n`
}
