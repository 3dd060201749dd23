/**
 * Reads `rules/model.conf` and compares it with the one model this version enforces. Casbin would
 * accept a model that drops the deny, or one whose matcher is `true`, and would find out about an
 * effect it does not know only when asked for a decision. Spacing, comments, the order of sections
 * and of the tests in the matcher are free; the meaning is not.
 */
import type { Loaded } from '../../domain/diagnostics.ts'
import { createFindings, type Findings } from './finding.ts'

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

function checkLines(text: string, findings: Findings): void {
  const seen = new Set<string>()
  let section: string | undefined
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const header = /^\[([a-z_]{1,64})\]$/.exec(line)?.[1]
    if (header !== undefined) section = header
    else checkDefinition({ section, line, number: index + 1 }, seen, findings)
  }
  for (const [name, key] of DEFINITIONS) {
    if (seen.has(key)) continue
    const message = `the definition \`${key}\` in [${name}] is missing`
    findings.error(1, 1, { code: 'model-incomplete', message, remedy: RESTORE })
  }
}

function checkDefinition(
  at: { section: string | undefined; line: string; number: number },
  seen: Set<string>,
  findings: Findings,
): void {
  const equals = at.line.indexOf('=')
  const key = equals < 0 ? at.line : at.line.slice(0, equals).trim()
  const value = equals < 0 ? '' : at.line.slice(equals + 1)
  const known = DEFINITIONS.find(([section, k]) => section === at.section && k === key)
  const fail = (code: string, message: string) =>
    findings.error(at.number, 1, { code, message, remedy: RESTORE })
  if (known === undefined) {
    fail('model-unknown', 'this version knows no such definition here')
  } else if (seen.has(key)) {
    fail('model-repeated', `\`${key}\` is defined twice`)
  } else if (meaning(key, value) !== meaning(key, known[2])) {
    fail('model-differs', `\`${key}\` differs from the model this version enforces`)
  }
  seen.add(key)
}

/** Text without spaces; the tests of a matcher sorted, since all of them are pure and total. */
function meaning(key: string, value: string): string {
  const compact = value.replace(/\s/g, '')
  return key === 'm' ? compact.split('&&').sort().join('&&') : compact
}
