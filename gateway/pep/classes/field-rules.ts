import { createFieldNames, type FieldNames } from './field-names.ts'
import { lastNameOf, parsePath, type PathRule } from './field-paths.ts'
import { stricterRule, type FieldRule, type TaggedField } from './field-rule.ts'

/** Everything that is to be done to an answer, compiled. */
export interface FieldRules {
  readonly paths: readonly PathRule[]
  readonly names: FieldNames
  /** The columns of a CSV text; absent when a path names none. */
  readonly columns: FieldNames | undefined
  /** The classes that are treated, sorted. */
  readonly classes: readonly string[]
}

/** Compiles `fields`; those that pass are left out. */
export function compileFields(fields: readonly TaggedField[]): FieldRules {
  const treated = fields.filter(({ treatment }) => treatment !== 'pass')
  const paths: PathRule[] = []
  const names = new Map<string, FieldRule>()
  const columns = new Map<string, FieldRule>()
  let isNamed = true
  for (const { path: text, ...rule } of treated) {
    const path = text.startsWith('$') ? parsePath(text) : undefined
    if (path === undefined) names.set(text, stricterRule(names.get(text), rule))
    else paths.push({ path, rule })
    const column = path === undefined ? text : lastNameOf(path)
    if (column === undefined) isNamed = false
    else columns.set(column, stricterRule(columns.get(column), rule))
  }
  return {
    paths,
    names: createFieldNames(names),
    columns: isNamed ? createFieldNames(columns) : undefined,
    classes: [...new Set(treated.map(({ dataClass }) => dataClass))].sort(),
  }
}
