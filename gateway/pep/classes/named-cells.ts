/** Finds the values of columns, features and tensors that are tagged by name, however arranged. */
import { foldFieldName } from '../../classify/names.ts'
import { isShownBeside, markCell, NAME_KEYS, VALUE_KEYS } from './cell-shapes.ts'
import type { FieldNames } from './field-names.ts'
import type { FieldRule } from './field-rule.ts'
import type { JsonTape } from './json-tape.ts'
import type { Marks } from './marks.ts'
import { markTable, TABLE_EFFORT_MAX, type NameList, type TableEffort } from './name-lists.ts'

/** What is looked for, and where it is noted. */
export interface NamedSearch {
  readonly names: FieldNames
  readonly marks: Marks
  /** Columns that are named here may have their rows in another document. */
  readonly isPart: boolean
}

/**
 * Marks them: members of that name; `name` and `value` side by side (tensors, features, parameters);
 * lists of names beside rows or columns; a first row of names. `false` when names of columns are
 * tagged whose cells cannot be told.
 */
export function markNamedCells(tape: JsonTape, search: NamedSearch): boolean {
  if (search.names.size === 0) return true
  const effort = { left: TABLE_EFFORT_MAX }
  const keys = createKeys(search.names)
  for (let value = 0; value < tape.count; value++) {
    const kind = tape.kind(value)
    if (kind === 'object') markMembers(tape, value, { ...search, keys })
    else if (kind === 'array' && !markList(tape, value, { ...search, effort })) return false
  }
  return true
}

/** What a key of an object is. */
interface Key {
  readonly rule: FieldRule | undefined
  readonly isValue: boolean
  readonly isShown: boolean
  readonly isName: boolean
}

/** Keys that were looked up in this document: its objects have the same ones. */
const KEYS_MAX = 4_096

function createKeys(names: FieldNames): (key: string) => Key {
  const known = new Map<string, Key>()
  return (key) => {
    const before = known.get(key)
    if (before !== undefined) return before
    const folded = foldFieldName(key)
    const is = {
      rule: names.of(key),
      isValue: VALUE_KEYS.has(folded),
      isShown: isShownBeside(key),
      isName: NAME_KEYS.has(folded),
    }
    if (known.size < KEYS_MAX) known.set(key, is)
    return is
  }
}

function markMembers(
  tape: JsonTape,
  object: number,
  { names, marks, keys }: NamedSearch & { readonly keys: (key: string) => Key },
): void {
  let named: FieldRule | undefined
  const values: number[] = []
  const shown: number[] = []
  for (const member of tape.children(object)) {
    const { rule, isValue, isShown, isName } = keys(tape.keyText(member))
    if (rule !== undefined) markCell(tape, member, { rule, removed: 'gone', marks })
    if (isValue) values.push(member)
    else if (isShown) shown.push(member)
    else if (isName && tape.kind(member) === 'string') named = names.of(tape.text(member)) ?? named
  }
  if (named === undefined) return
  markBeside(tape, object, { rule: named, values, marks })
  for (const one of shown) markCell(tape, one, { rule: named, removed: 'gone', marks })
}

/** Marks the values beside a name. In a list of such pairs a removed one goes whole. */
function markBeside(
  tape: JsonTape,
  object: number,
  { rule, values, marks }: { rule: FieldRule; values: readonly number[]; marks: Marks },
): void {
  const isElement = object > 0 && (tape.key[object] ?? -1) < 0
  const isWhole = rule.treatment === 'remove' && isElement && values.length > 0
  if (isWhole) marks.add(object, rule, 'gone')
  for (const value of values) markCell(tape, value, { rule, removed: 'gone', marks })
}

function markList(
  tape: JsonTape,
  list: number,
  { names, marks, isPart, effort }: NamedSearch & { readonly effort: TableEffort },
): boolean {
  const rules = rulesOf(tape, list, names)
  if (rules !== undefined) {
    const named: NameList = { list, rules }
    if ((tape.parent[list] ?? -1) >= 0) return markTable(tape, named, { marks, isPart, effort })
    // A row of names whose rows are other documents (NDJSON).
    return !isPart
  }
  return true
}

/** The rules of a list of names, by position; `undefined` when it is none, or none is tagged. */
function rulesOf(
  tape: JsonTape,
  list: number,
  names: FieldNames,
): readonly (FieldRule | undefined)[] | undefined {
  const rules: (FieldRule | undefined)[] = []
  let isTagged = false
  for (const element of tape.children(list)) {
    const texts = namesAt(tape, element)
    if (texts === undefined) return undefined
    const rule = texts.map((text) => names.of(text)).find((one) => one !== undefined)
    isTagged ||= rule !== undefined
    rules.push(rule)
  }
  return isTagged ? rules : undefined
}

/** What an element of a list of names may be called; `undefined` when it is no name. */
function namesAt(tape: JsonTape, element: number): string[] | undefined {
  const kind = tape.kind(element)
  if (kind === 'string') return [tape.text(element)]
  if (kind === 'array') return namesInLevels(tape, element)
  if (kind !== 'object') return undefined
  const found: string[] = []
  for (const member of tape.children(element)) {
    const key = foldFieldName(tape.keyText(member))
    if (VALUE_KEYS.has(key)) return undefined
    if (NAME_KEYS.has(key) && tape.kind(member) === 'string') found.push(tape.text(member))
  }
  return found.length === 0 ? undefined : found
}

/** The levels of one name of a pandas MultiIndex. */
function namesInLevels(tape: JsonTape, levels: number): string[] | undefined {
  const found: string[] = []
  for (const level of tape.children(levels)) {
    if (tape.kind(level) !== 'string') return undefined
    found.push(tape.text(level))
  }
  return found.length === 0 ? undefined : found
}
