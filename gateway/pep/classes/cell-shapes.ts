/** How APIs wrap the value of a cell, and what of a column is an aggregate. */
import { foldFieldName } from '../../classify/names.ts'
import type { FieldRule } from './field-rule.ts'
import type { JsonTape } from './json-tape.ts'
import type { Mark, Marks } from './marks.ts'

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Folded keys under which the name of a column, feature, tensor or parameter stands. */
export const NAME_KEYS = set(
  'name key k id column col columnname field fieldname feature featurename attribute attributename ' +
    'label property variable',
)

/** Folded keys under which its value stands beside the name. */
export const VALUE_KEYS = set(
  'value values val v data contents valueasstring valueasstringlist bytescontents stringvalue',
)

/** Folded keys of typed values: Vertex, Feast, Athena, the RDS Data API, BigQuery. */
const TYPED =
  /^(?:(?:bool|boolean|double|float|int32|int64|integer|long|string|bytes|blob|varchar|char|number|timestamp|unixtimestamp|date)(?:array)?(?:list)?(?:value|values|val|listval)|v|f|val|value|values)$/

const AGGREGATES = set(
  'count counts n sum total mean avg average std stddev standarddeviation var variance skew skewness ' +
    'kurtosis histogram hist bins binedges edges buckets frequency frequencies nulls nullcount ' +
    'missing missingcount distinct distinctcount unique nunique cardinality',
)

/** Beside aggregates, these are values of single people. */
const EXTREMES = set(
  'min minimum max maximum median mode top first last freq quantiles percentiles',
)
/** The same beside the name of their column, where lists of values of it stand as well. */
const SHOWN = set('minvalue maxvalue topvalue topvalues mostfrequent examples samples samplevalues')
const PERCENTILE = /^(?:\d{1,3}(?:\.\d{1,3})?%|[pq]\d{1,4})$/
const INDEX = /^\d{1,10}$/

/** What is to become of a cell. */
export interface CellMark extends Mark {
  readonly rule: FieldRule
  readonly marks: Marks
}

/**
 * Marks the value of a cell or column. Of an object that only wraps values (typed, or by the number
 * of their row) the values are marked; counts, means and histograms of a column are nobody's value
 * and pass; any other object is one value.
 */
export function markCell(tape: JsonTape, value: number, mark: CellMark): void {
  const { rule, removed, marks } = mark
  const kind = tape.kind(value)
  if (kind === 'array' && rule.treatment !== 'remove') {
    for (const one of tape.children(value)) markCell(tape, one, { ...mark, removed: 'empty' })
    return
  }
  if (kind !== 'object' || !isArrangement(tape, value)) {
    marks.add(value, rule, removed)
    return
  }
  for (const member of tape.children(value)) {
    if (!isAggregate(tape, member)) markCell(tape, member, mark)
  }
}

/** Whether values of single people stand under this key, beside the name of their column. */
export function isShownBeside(key: string): boolean {
  const folded = foldFieldName(key)
  return EXTREMES.has(folded) || SHOWN.has(folded) || PERCENTILE.test(key)
}

function isArrangement(tape: JsonTape, object: number): boolean {
  for (const member of tape.children(object)) {
    const key = tape.keyText(member)
    const folded = foldFieldName(key)
    const isKnown = TYPED.test(folded) || INDEX.test(key) || EXTREMES.has(folded)
    if (!isKnown && !PERCENTILE.test(key) && !isAggregate(tape, member)) return false
  }
  return true
}

function isAggregate(tape: JsonTape, member: number): boolean {
  return AGGREGATES.has(foldFieldName(tape.keyText(member))) && holdsNumbers(tape, member)
}

/** Numbers, lists of them, and aggregates of aggregates: no text and no key of anybody's choosing. */
function holdsNumbers(tape: JsonTape, value: number): boolean {
  const kind = tape.kind(value)
  if (kind === 'number' || kind === 'null') return true
  if (kind !== 'array' && kind !== 'object') return false
  for (const child of tape.children(value)) {
    if (kind === 'object' ? !isAggregate(tape, child) : !holdsNumbers(tape, child)) return false
  }
  return true
}
