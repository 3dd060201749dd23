/**
 * Splits `policy.csv` into fields with positions. Casbin's own reader skips what it does not
 * understand and keeps trailing comments as part of the effect, so that a deny is lost without a
 * word; this one understands everything or refuses the file.
 */
import type { Findings, Said } from './finding.ts'

/** One cell, trimmed of spaces. */
export interface Field {
  readonly text: string
  readonly line: number
  /** Counts from 1. */
  readonly column: number
}

/** One row that is neither blank nor a comment. */
export interface Row {
  readonly line: number
  readonly fields: readonly Field[]
}

/**
 * What cannot be seen, or looks like the plain space and is another character: with it in a name, a
 * deny would read right and match nobody.
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u

const FILE_CHARACTERS_MAX = 32 * 1024 * 1024
const LINE_CHARACTERS_MAX = 2048

/** Rows past this refuse the file: the interpreter looks at each of them for each decision. */
export const ROWS_MAX = 100_000

/** Reads row after row; what is wrong goes to `findings`, and such lines give no row. */
export function* readRows(text: string, findings: Findings): Generator<Row> {
  if (text.length > FILE_CHARACTERS_MAX) {
    findings.error(1, 1, TOO_LARGE)
    return
  }
  if (text.charCodeAt(0) === 0xfeff) {
    findings.error(1, 1, BOM)
    return
  }
  let count = 0
  const lines = text.split('\n')
  for (const [index, raw] of lines.entries()) {
    const row = readLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw, index + 1, findings)
    if (row === undefined) continue
    if (index === lines.length - 1) findings.warning(row.line, raw.length + 1, CUT_OFF)
    if (count++ === ROWS_MAX) {
      findings.error(row.line, 1, TOO_MANY_ROWS)
      break
    }
    yield row
  }
}

function readLine(line: string, number: number, findings: Findings): Row | undefined {
  if (line.length > LINE_CHARACTERS_MAX) {
    findings.error(number, LINE_CHARACTERS_MAX + 1, LINE_TOO_LONG)
    return undefined
  }
  const bad = line.search(INVISIBLE)
  if (bad >= 0) {
    const said = line.charAt(bad) === '\r' ? CARRIAGE_RETURN : controlCharacter(line, bad)
    findings.error(number, bad + 1, said)
    return undefined
  }
  const content = line.trim()
  if (content === '' || content.startsWith('#')) return undefined
  const hash = line.indexOf('#')
  if (hash >= 0) {
    findings.error(number, hash + 1, TRAILING_COMMENT)
    return undefined
  }
  const quote = line.search(/["'`]/)
  if (quote >= 0) {
    findings.error(number, quote + 1, QUOTE)
    return undefined
  }
  return { line: number, fields: splitFields(line, number) }
}

function splitFields(line: string, number: number): Field[] {
  const fields: Field[] = []
  let start = 0
  for (const cell of line.split(',')) {
    const text = cell.trim()
    const lead = text === '' ? 0 : cell.length - cell.trimStart().length
    fields.push({ text, line: number, column: start + lead + 1 })
    start += cell.length + 1
  }
  return fields
}

function controlCharacter(line: string, at: number): Said {
  const hex = (line.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return {
    code: 'control-character',
    message: `the invisible character U+${hex} cannot stand here`,
    remedy: 'Remove it; use spaces to align columns.',
  }
}

/** A file that was cut inside its last row may still be valid, and say something else. */
const CUT_OFF: Said = {
  code: 'no-final-newline',
  message: 'the last row does not end with a line break; the file may have been cut off',
  remedy: 'End the file with a line break, and replace it by renaming a complete one.',
}
const TOO_LARGE: Said = {
  code: 'file-too-large',
  message: `the file is longer than ${FILE_CHARACTERS_MAX} characters`,
  remedy: 'Merge rules with globs and roles.',
}
const BOM: Said = {
  code: 'byte-order-mark',
  message: 'the file starts with a byte order mark',
  remedy: 'Save it as UTF-8 without a byte order mark.',
}
const TOO_MANY_ROWS: Said = {
  code: 'too-many-rows',
  message: `there are more than ${ROWS_MAX} rows`,
  remedy: 'Merge rules with globs and roles.',
}
const LINE_TOO_LONG: Said = {
  code: 'line-too-long',
  message: `the line is longer than ${LINE_CHARACTERS_MAX} characters`,
  remedy: 'Shorten it, or split the rule in two.',
}
const CARRIAGE_RETURN: Said = {
  code: 'carriage-return',
  message: 'a carriage return stands alone',
  remedy: 'End lines with LF or CR LF.',
}
const TRAILING_COMMENT: Said = {
  code: 'trailing-comment',
  message: 'a comment cannot follow a rule',
  remedy: 'Put the comment on a line of its own, starting with #.',
}
const QUOTE: Said = {
  code: 'quote',
  message: 'quotes have no meaning here',
  remedy: 'Write the value without quotes.',
}
