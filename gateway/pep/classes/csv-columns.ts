/**
 * Treats columns of a CSV text (RFC 4180) by the names in its header, row by row as they come. What
 * could be read in two ways is not read: quotes within a field, rows of another length, a lone CR, a
 * second table after an empty line, other delimiters.
 */
import { isUtf8 } from 'node:buffer'
import { DOCUMENT_BYTES_MAX, type AnswerFraming } from '../../egress/edit/answer-framing.ts'
import type { ClassEditOptions } from './class-edit.ts'
import type { FieldNames } from './field-names.ts'
import type { FieldRule } from './field-rule.ts'
import { treatValue, type StandingValue } from './treat-value.ts'

/** What is done to a CSV text. */
export interface CsvOptions extends Pick<ClassEditOptions, 'tokens' | 'onTreated'> {
  readonly columns: FieldNames
  /** The media type says `header=present`: a header without a tagged column is believed. */
  readonly hasHeader: boolean
}

const LF = 0x0a
const QUOTE = 0x22
const NOTHING = Buffer.alloc(0)

/** Takes the text in pieces, as {@link AnswerFraming} says. */
export function frameCsv(options: CsvOptions): AnswerFraming {
  return new CsvColumns(options)
}

class CsvColumns implements AnswerFraming {
  private held: Buffer[] = []
  private size = 0
  private isQuoted = false
  private isOver = false
  private rules: readonly (FieldRule | undefined)[] | undefined
  private readonly options: CsvOptions

  constructor(options: CsvOptions) {
    this.options = options
  }

  push(chunk: Buffer): Buffer | undefined {
    const out: Buffer[] = []
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]
      // A doubled quote leaves and enters again: it changes nothing.
      if (byte === QUOTE) this.isQuoted = !this.isQuoted
      if (byte !== LF || this.isQuoted) continue
      this.hold(chunk.subarray(from, at + 1))
      const row = this.take()
      if (row === undefined) return undefined
      out.push(row)
      from = at + 1
    }
    this.hold(chunk.subarray(from))
    return this.size > DOCUMENT_BYTES_MAX ? undefined : Buffer.concat(out)
  }

  end(): Buffer | undefined {
    return this.size === 0 ? NOTHING : this.take()
  }

  private hold(piece: Buffer): void {
    if (piece.length > 0) this.held.push(piece)
    this.size += piece.length
  }

  private take(): Buffer | undefined {
    const line = Buffer.concat(this.held)
    const isLong = this.size > DOCUMENT_BYTES_MAX
    this.held = []
    this.size = 0
    if (isLong || !isUtf8(line)) return undefined
    const text = line.toString()
    const ending = text.endsWith('\r\n') ? '\r\n' : text.endsWith('\n') ? '\n' : ''
    const row = text.slice(0, text.length - ending.length)
    if (row === '') {
      this.isOver = true
      return line
    }
    if (this.isOver) return undefined
    const fields = fieldsOf(row)
    if (fields === undefined) return undefined
    return this.rules === undefined ? this.header(fields, line) : this.row(fields, { line, ending })
  }

  private header(fields: readonly Field[], line: Buffer): Buffer | undefined {
    const { columns, hasHeader } = this.options
    const names = fields.map(({ value }) => value.replace(/^\uFEFF/, '').trim())
    const [first = ''] = names
    // A comment, or columns that are set apart by something else than a comma.
    if (first.startsWith('#') || names.some((name) => /[;\t|]/.test(name))) return undefined
    this.rules = names.map((name) => columns.of(name))
    // Without a name that is known, the first row may be one of values.
    const isKnown = hasHeader || this.rules.some((rule) => rule !== undefined)
    return isKnown ? line : undefined
  }

  private row(
    fields: readonly Field[],
    { line, ending }: { line: Buffer; ending: string },
  ): Buffer | undefined {
    const { rules = [] } = this
    if (fields.length !== rules.length) return undefined
    const isTagged = fields.some(({ value }, at) => rules[at] !== undefined && value !== '')
    if (!isTagged) return line
    const texts = fields.map(({ raw, value }, at) => {
      const rule = rules[at]
      if (rule === undefined || value === '') return raw
      const treated = treatValue(standing(value), rule, this.options.tokens)
      this.options.onTreated(treated.as)
      return written(treated.text)
    })
    return Buffer.from(texts.join(',') + ending)
  }
}

function standing(text: string): StandingValue {
  // A token stands for the text of the cell, whatever a reader takes that for.
  return { kind: 'string', text }
}

function written(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

interface Field {
  /** As written, quotes included. */
  readonly raw: string
  readonly value: string
}

const CONTROL = /\p{Cc}/u

/** The fields of one row without its line end; `undefined` when they can be read in two ways. */
function fieldsOf(row: string): Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  for (;;) {
    const end = row[at] === '"' ? closingQuote(row, at) : plainEnd(row, at)
    if (end === undefined) return undefined
    const raw = row.slice(at, end)
    const isQuoted = raw.startsWith('"')
    const value = isQuoted ? raw.slice(1, -1).replaceAll('""', '"') : raw
    // NUL ends a text early for some; a lone CR ends a row for others.
    if (value.includes('\0') || (!isQuoted && CONTROL.test(raw.replaceAll('\t', ''))))
      return undefined
    fields.push({ raw, value })
    if (end === row.length) return fields
    if (row[end] !== ',') return undefined
    at = end + 1
  }
}

function closingQuote(row: string, from: number): number | undefined {
  let at = row.indexOf('"', from + 1)
  while (at >= 0 && row[at + 1] === '"') at = row.indexOf('"', at + 2)
  return at < 0 ? undefined : at + 1
}

function plainEnd(row: string, from: number): number | undefined {
  const comma = row.indexOf(',', from)
  const end = comma < 0 ? row.length : comma
  return row.slice(from, end).includes('"') ? undefined : end
}
