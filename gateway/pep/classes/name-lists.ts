/** Lists of names beside what they name: rows of cells, or one list of values for each name. */
import { foldFieldName } from '../../classify/names.ts'
import { markCell } from './cell-shapes.ts'
import type { FieldRule } from './field-rule.ts'
import type { JsonTape } from './json-tape.ts'
import type { Marks } from './marks.ts'

/** A list of names, at least one of which is tagged. */
export interface NameList {
  readonly list: number
  /** By position. */
  readonly rules: readonly (FieldRule | undefined)[]
}

/** Where cells are noted. */
export interface TableMarks {
  readonly marks: Marks
  readonly isPart: boolean
  readonly effort: TableEffort
}

/**
 * How many values may still be looked at for tables. Each list of names looks for its own: many
 * lists beside one large table would take hours, in which nobody else is served.
 */
export interface TableEffort {
  left: number
}

/** Enough for two lists of names around the most values a document may have: about half a second. */
export const TABLE_EFFORT_MAX = 4_000_000

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Keys of lists that name columns and nothing else. */
const LIST_KEYS = set(
  'columns columnnames colnames header headers featurenames fieldnames fields featuredescriptors ' +
    'columninfo columnmetadata meta names',
)
/** Keys of what they name. */
const TABLE_KEYS = set('data rows row values results records dataarray tuples cells val')
/** A list may stand so many levels below what it names, as `schema.fields` does. */
const LEVELS_UP = 3
const LEVELS_DOWN = 2

/**
 * Marks the cells that `named` names. They stand in the nearest object around the list that has a
 * table. `false` when there is one whose cells cannot be told.
 */
export function markTable(tape: JsonTape, named: NameList, options: TableMarks): boolean {
  const { marks, isPart } = options
  const isSure = isListOfColumns(tape, named.list)
  const table = new Table(tape, named, options, isSure)
  let around = tape.parent[named.list] ?? -1
  if (tape.kind(around) === 'array') return markRowsBelow(tape, named, { marks, around, isSure })
  for (let level = 0; level <= LEVELS_UP && around >= 0; level++) {
    if (tape.kind(around) !== 'object') break
    if (!table.search(around, LEVELS_DOWN)) return false
    if (table.found) return true
    around = tape.parent[around] ?? -1
  }
  return !(isPart && isSure)
}

function isListOfColumns(tape: JsonTape, list: number): boolean {
  const holder = tape.parent[list] ?? -1
  return (
    LIST_KEYS.has(foldFieldName(tape.keyText(list))) ||
    LIST_KEYS.has(foldFieldName(holder < 0 ? '' : tape.keyText(holder)))
  )
}

/** A first row of names: what follows are rows. */
function markRowsBelow(
  tape: JsonTape,
  { list, rules }: NameList,
  { marks, around, isSure }: { marks: Marks; around: number; isSure: boolean },
): boolean {
  if (isSure || list !== around + 1) return true
  for (const row of tape.children(around)) {
    if (row !== list && tape.kind(row) === 'array') markRow(tape, row, { rules, marks })
  }
  return true
}

function markRow(
  tape: JsonTape,
  row: number,
  { rules, marks }: { rules: NameList['rules']; marks: Marks },
): void {
  let at = 0
  for (const cell of tape.children(row)) {
    const rule = rules[at++]
    if (rule !== undefined) markCell(tape, cell, { rule, removed: 'empty', marks })
  }
}

class Table {
  found = false
  private readonly tape: JsonTape
  private readonly named: NameList
  private readonly marks: Marks
  private readonly isSure: boolean
  private readonly effort: TableEffort

  constructor(tape: JsonTape, named: NameList, { marks, effort }: TableMarks, isSure: boolean) {
    this.tape = tape
    this.named = named
    this.marks = marks
    this.effort = effort
    this.isSure = isSure
  }

  /** Looks for tables among the members of `object`; `false` when one cannot be told. */
  search(object: number, levels: number): boolean {
    const { tape, named, isSure } = this
    for (const member of tape.children(object)) {
      if (!this.canLookAt(member)) return false
      const kind = tape.kind(member)
      const isTable = TABLE_KEYS.has(foldFieldName(tape.keyText(member)))
      if (member === named.list) continue
      if (kind === 'array' && !this.table(member, isTable)) return false
      // Rows in a coding of their own, such as Arrow in base64.
      if (kind === 'string' && isTable && isSure) return false
      if (kind === 'object' && levels > 0 && !this.search(member, levels - 1)) return false
    }
    return true
  }

  /** Takes what is within `value` from the effort, if it is a list; a member of an object else. */
  private canLookAt(value: number): boolean {
    const { tape, effort } = this
    const isList = tape.kind(value) === 'array'
    effort.left -= isList ? (tape.next[value] ?? value) - value : 1
    return effort.left >= 0
  }

  private table(array: number, isTable: boolean): boolean {
    const { tape, named } = this
    const items = [...tape.children(array)]
    const present = items.filter((item) => tape.kind(item) !== 'null')
    const [first] = present
    if (isTable && (first === undefined || tape.kind(first) === 'object')) this.found = true
    if (first === undefined) return true
    // Feast: one object for each name, which may have as many values as there are names.
    const isByName = tape.kind(first) === 'object' && this.columns(items)
    if (isByName && foldFieldName(tape.keyText(array)) === 'results') return true
    const rows = present.map((item) => cellsOf(tape, item, named.rules.length))
    if (rows.every((row) => row !== undefined)) return this.rows(items, rows, isTable)
    if (tape.kind(first) === 'object') return true
    return isTable ? this.flat(items) : true
  }

  private rows(items: readonly number[], rows: readonly Row[], isTable: boolean): boolean {
    const { tape, named, marks, isSure } = this
    const width = named.rules.length
    if (rows.every(({ cells }) => cells.length === width)) {
      this.found = true
      for (const { list } of rows) markRow(tape, list, { rules: named.rules, marks })
      return true
    }
    const [height = 0] = rows.map(({ cells }) => cells.length)
    const isEven = rows.every(({ cells }) => cells.length === height)
    if (isEven && height === 0) return true
    if (isEven && items.length === width) return this.byColumn(items)
    return !isTable || !isSure
  }

  /** One object for each name, with the values of its rows (Feast), or its one value (Vertex). */
  private columns(items: readonly number[]): boolean {
    const { tape, named } = this
    if (items.length !== named.rules.length) return false
    const values = items.flatMap((item) => valuesOf(tape, item) ?? [])
    return values.length === items.length && this.byColumn(values)
  }

  private byColumn(items: readonly number[]): boolean {
    const { tape, named, marks } = this
    this.found = true
    for (const [at, item] of items.entries()) {
      const rule = named.rules[at]
      if (rule !== undefined) markCell(tape, item, { rule, removed: 'empty', marks })
    }
    return true
  }

  /** One row, or several in one list. */
  private flat(items: readonly number[]): boolean {
    const { named, isSure } = this
    const width = named.rules.length
    if (items.length % width !== 0) return !isSure
    this.found = true
    for (const [at, item] of items.entries()) {
      const rule = named.rules[at % width]
      if (rule !== undefined) {
        markCell(this.tape, item, { rule, removed: 'empty', marks: this.marks })
      }
    }
    return true
  }
}

interface Row {
  readonly list: number
  readonly cells: readonly number[]
}

/** A row: a list, or an object with one list in it as long as there are names (BigQuery, Athena). */
function cellsOf(tape: JsonTape, item: number, width: number): Row | undefined {
  const kind = tape.kind(item)
  if (kind === 'array') return { list: item, cells: [...tape.children(item)] }
  if (kind !== 'object') return undefined
  const lists = [...tape.children(item)].filter((member) => tape.kind(member) === 'array')
  const [list] = lists
  if (list === undefined || lists.length > 1) return undefined
  const cells = [...tape.children(list)]
  return cells.length === width ? { list, cells } : undefined
}

const VALUES = set('values value val')

function valuesOf(tape: JsonTape, object: number): number | undefined {
  for (const member of tape.children(object)) {
    if (VALUES.has(foldFieldName(tape.keyText(member)))) return member
  }
  return undefined
}
