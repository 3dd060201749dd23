/**
 * Reads `rules/model.conf` and compares it with the one model this version enforces. Casbin would
 * accept a model that drops the deny, or one whose matcher is `true`, and would find out about an
 * effect it does not know only when asked for a decision. Spacing, comments, the order of sections
 * and of the tests in the matcher are free; the meaning is not.
 */
import { closest, type Loaded } from '../../domain/diagnostics.ts'
import { createFindings, type Findings } from './finding.ts'
import { differenceOf } from './model-value.ts'

/** Section, key and value of each definition, in the order Casbin's own examples use. */
const DEFINITIONS = [
  ['request_definition', 'r', 'sub, act, res, env'],
  ['policy_definition', 'p', 'sub, act, res, when, eft'],
  ['role_definition', 'g', '_, _'],
  ['policy_effect', 'e', 'some(where (p.eft == allow)) && !some(where (p.eft == deny))'],
  [
    'matchers',
    'm',
    'coversAction(r.act, p.act) && holdsSubject(r.sub, p.sub) && ' +
      'matchesResource(r.res, p.res, p.eft) && holdsCondition(r.env, p.when, p.eft)',
  ],
] as const

/** The model as shipped. What Casbin is given is this text, never the operator's bytes. */
export const MODEL_TEXT = DEFINITIONS.map(([s, k, v]) => `[${s}]\n${k} = ${v}\n`).join('\n')

const FILE_CHARACTERS_MAX = 64 * 1024

/** Accepts a model that means the same as {@link MODEL_TEXT}; says line by line what does not. */
export function checkModel(source: {
  readonly file: string
  readonly text: string
}): Loaded<string> {
  const findings = createFindings(source.file)
  if (source.text.length > FILE_CHARACTERS_MAX) {
    const message = `the file is longer than ${FILE_CHARACTERS_MAX} characters`
    findings.error(1, 1, { code: 'file-too-large', message, remedy: RESTORE })
  } else {
    checkLines(source.text, findings)
  }
  return findings.errors.length > 0
    ? { ok: false, diagnostics: findings.errors }
    : { ok: true, value: MODEL_TEXT, warnings: [] }
}

const RESTORE =
  'Restore the shipped rules/model.conf; express the difference with rules and conditions.'

/** A line with something on it. */
interface Line {
  readonly text: string
  readonly number: number
  /** Where `text` starts, counting from 1. */
  readonly column: number
}

interface Progress {
  section: (typeof DEFINITIONS)[number][0] | undefined
  /** Whether a section header was read that this version does not know. */
  isLost: boolean
  /** Line of each definition that has been read, by key. */
  readonly seen: Map<string, number>
  /** Line of the first header of each section. */
  readonly headers: Map<string, number>
}

function checkLines(text: string, findings: Findings): void {
  const progress: Progress = {
    section: undefined,
    isLost: false,
    seen: new Map(),
    headers: new Map(),
  }
  const lines = text.split('\n')
  for (const [index, raw] of lines.entries()) {
    const line = lineOf(raw.endsWith('\r') ? raw.slice(0, -1) : raw, index + 1)
    if (line === undefined) continue
    const invisible = line.text.search(INVISIBLE)
    if (invisible >= 0) reportInvisible(line, invisible, findings)
    else if (line.text.startsWith('[')) readHeader(line, progress, findings)
    else readDefinition(line, progress, findings)
  }
  for (const [name, key, value] of DEFINITIONS) {
    if (progress.seen.has(key)) continue
    const header = progress.headers.get(name)
    const below = header === undefined ? `[${name}] and below it ` : ''
    findings.error(header ?? lines.length, 1, {
      code: 'model-incomplete',
      message: `the definition \`${key}\` in [${name}] is missing`,
      remedy: `Write ${below}\`${key} = ${value}\`.`,
    })
  }
}

/** Spaces and tabs may stand between words; what looks like one of them and is not may not. */
const INVISIBLE = /(?!\t)[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

function lineOf(raw: string, number: number): Line | undefined {
  let start = 0
  let end = raw.length
  while (isBlank(raw[start])) start++
  while (end > start && isBlank(raw[end - 1])) end--
  const text = raw.slice(start, end)
  return text === '' || text.startsWith('#') ? undefined : { text, number, column: start + 1 }
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

function reportInvisible(line: Line, at: number, findings: Findings): void {
  const hex = (line.text.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  findings.error(line.number, line.column + at, {
    code: 'control-character',
    message: `the invisible character U+${hex} cannot stand here`,
    remedy: 'Remove it; use plain spaces.',
  })
}

const SECTIONS = DEFINITIONS.map(([name]) => name)

function readHeader(line: Line, progress: Progress, findings: Findings): void {
  const name = line.text.endsWith(']') ? line.text.slice(1, -1).trim() : line.text.slice(1)
  progress.section = SECTIONS.find((section) => line.text === `[${section}]`)
  progress.isLost = progress.section === undefined
  if (progress.section !== undefined) {
    if (!progress.headers.has(progress.section)) progress.headers.set(progress.section, line.number)
    return
  }
  const near = closest(name, SECTIONS)
  findings.error(line.number, line.column, {
    code: 'model-unknown',
    message: `\`${line.text.slice(0, 64)}\` is not a section of the model`,
    remedy:
      near === undefined
        ? `Remove it; the sections are ${SECTIONS.map((s) => `[${s}]`).join(', ')}.`
        : `Write \`[${near}]\`.`,
  })
}

function readDefinition(line: Line, progress: Progress, findings: Findings): void {
  const { section, seen } = progress
  const equals = line.text.indexOf('=')
  const key = equals < 0 ? line.text : line.text.slice(0, equals).trim()
  const known = DEFINITIONS.find(([name, k]) => name === section && k === key)
  const fail = (offset: number, code: string, message: string, remedy: string) => {
    findings.error(line.number, line.column + offset, { code, message, remedy })
  }
  if (known === undefined) {
    // Below a header that is not known everything would be reported once more.
    if (progress.isLost) return
    fail(0, 'model-unknown', 'this version knows no such definition here', expected(section))
    return
  }
  const before = seen.get(key)
  if (before !== undefined) {
    const message = `\`${key}\` is defined on line ${before} already; Casbin would take the last`
    fail(0, 'model-repeated', message, 'Remove one of the two.')
    return
  }
  seen.set(key, line.number)
  const start = equals < 0 ? line.text.length : equals + 1
  const difference = differenceOf(line.text.slice(start), known[2], key === 'm')
  if (difference === undefined) return
  const message = `\`${key}\` differs from the model this version enforces: ${difference.message}`
  fail(start + difference.offset, 'model-differs', message, `Write \`${key} = ${known[2]}\`.`)
}

function expected(section: Progress['section']): string {
  const known = DEFINITIONS.find(([name]) => name === section)
  if (known === undefined) return `Start with a section, such as [${SECTIONS[0]}].`
  return `Remove it; [${known[0]}] holds \`${known[1]} = ${known[2]}\` and nothing else.`
}
