/** Tables for people: columns as wide as they must be, nothing a terminal would act on. */
import type { Paint } from '../output/paint.ts'
import { plainText } from '../../domain/plain-text.ts'

/** A column: what stands above it, and what of a row stands in it. */
export interface Column<T> {
  readonly head: string
  readonly cell: (row: T) => string | undefined
}

/** Longest text of one cell; what is longer is cut with an ellipsis. */
const CELL_MAX = 80

/** The rows as lines; `none` when there are none. */
export function tableText<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  { paint, none }: { readonly paint: Paint; readonly none: string },
): string {
  if (rows.length === 0) return `${none}\n`
  const cells = rows.map((row) => columns.map(({ cell }) => short(plainText(cell(row) ?? ''))))
  const widths = columns.map(({ head }, at) =>
    Math.max(head.length, ...cells.map((line) => line[at]?.length ?? 0)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => (at === texts.length - 1 ? text : text.padEnd((widths[at] ?? 0) + 2)))
      .join('')
      .trimEnd()
  const head = paint.bold(line(columns.map((column) => column.head)))
  return `${[head, ...cells.map(line)].join('\n')}\n`
}

/**
 * Names and values, one a line, without those that have none. A value of several lines is quoted
 * below its first, each line behind a bar: none of them can pass for another field.
 */
export function fieldsText(
  fields: readonly (readonly [name: string, value: string | undefined])[],
  paint: Paint,
): string {
  const there = fields.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...there.map(([name]) => name.length)) + 2
  return there
    .map(([name, value]) => `${paint.dim(name.padEnd(width))}${valueText(value ?? '', width)}\n`)
    .join('')
}

function valueText(value: string, indent: number): string {
  const [first = '', ...more] = value.split(/\r?\n/).map(plainText)
  if (more.length === 0) return first
  return [first, ...more].map((line) => `| ${line}`).join(`\n${' '.repeat(indent)}`)
}

function short(text: string): string {
  return text.length <= CELL_MAX ? text : `${text.slice(0, CELL_MAX - 1)}…`
}
