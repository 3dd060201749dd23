/** Which records a sink gets. */
import { objectsIn, textIn } from '../formats/fields.ts'
import type { StoredRecord } from '../read/query.ts'

/** Everything that is named must be so; an absent list names nothing. */
export interface SinkFilter {
  /** Types; `log.*` is every type that begins with `log.`. */
  readonly types?: readonly string[] | undefined
  /** Of one of the operations of the record. */
  readonly actions?: readonly string[] | undefined
  readonly effects?: readonly string[] | undefined
  readonly reasons?: readonly string[] | undefined
}

/** The type of a record, and all of it when that is needed. */
export interface Filterable {
  readonly type: string
  readonly record: StoredRecord
}

/** Says that records are missing; it reaches the sink that misses them whatever its filter. */
const DROPPED = 'sink.dropped'

/**
 * Compiles the filter of the sink `name`; the record is parsed only where something but its type
 * counts.
 */
export function compileFilter(
  name: string,
  filter: SinkFilter,
): (candidate: Filterable) => boolean {
  const isOfType = typesOf(filter.types)
  const { actions, effects, reasons } = filter
  const others: ((record: StoredRecord) => boolean)[] = []
  if (actions !== undefined) others.push((record) => names(record, 'act', new Set(actions)))
  if (effects !== undefined) {
    const wanted = new Set(effects)
    others.push((record) => wanted.has(textIn(record, 'effect') ?? ''))
  }
  if (reasons !== undefined) others.push((record) => names(record, 'reason', new Set(reasons)))
  return (candidate) => {
    if (candidate.type === DROPPED && textIn(candidate.record, 'sink') === name) return true
    return isOfType(candidate.type) && others.every((isSo) => isSo(candidate.record))
  }
}

function typesOf(types: readonly string[] | undefined): (type: string) => boolean {
  if (types === undefined) return () => true
  const exact = new Set(types)
  const prefixes = types.filter((one) => one.endsWith('*')).map((one) => one.slice(0, -1))
  return (type) => exact.has(type) || prefixes.some((prefix) => type.startsWith(prefix))
}

/** Whether the record or one of its operations has one of `values`. */
function names(record: StoredRecord, field: string, values: ReadonlySet<string>): boolean {
  return [record, ...objectsIn(record, 'ops')].some((one) => values.has(textIn(one, field) ?? ''))
}
