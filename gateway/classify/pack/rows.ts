/** Evaluates one row of a route: whether it applies, and which operations it stands for. */
import { refuse, isRefusal, type Refusal } from '../../domain/refusal.ts'
import type { Classification, HeaderBag } from '../../domain/request.ts'
import type { Operation, Resource } from '../../domain/vocabulary.ts'
import type { FieldValue } from '../body/body-fields.ts'
import { parseName, parseVersion } from '../name-forms.ts'
import { classification, operationsOf } from './operations.ts'
import type {
  CompiledRow,
  MethodGroup,
  NamedResource,
  NameSource,
  Origin,
  Predicate,
  Test,
} from './compiled-pack.ts'

/** The values of one request that rows may look at. */
export interface RequestFields {
  readonly captures: readonly string[]
  readonly query: ReadonlyMap<string, string>
  readonly headers: HeaderBag
  readonly body: ReadonlyMap<string, FieldValue>
  readonly form: ReadonlyMap<string, string>
  /** Fields of a gRPC message, by the numbers on the way to them. */
  readonly proto: ReadonlyMap<string, FieldValue>
  readonly upstream: string
}

/** The first row of the group, in the order written, of which every predicate holds. */
export function rowFor(group: MethodGroup, fields: RequestFields): CompiledRow | undefined {
  if (group.soleRow !== undefined) return group.soleRow
  const { index, rows } = group
  if (index === undefined) return firstOf(rows, fields)
  const value = valueOf(index.origin, fields)
  const known = value?.kind === 'string' ? index.byValue.get(value.text) : undefined
  // Of several values each could be the one that counts: then all rows are tried.
  const candidates = value?.kind === 'list' ? rows : (known ?? index.others)
  return firstOf(candidates, fields)
}

function firstOf(rows: readonly CompiledRow[], fields: RequestFields): CompiledRow | undefined {
  for (const row of rows) if (row.when.length === 0 || holds(row, fields)) return row
  return undefined
}

/** Whether every predicate of the row holds. A value that is not a string equals nothing. */
export function holds(row: CompiledRow, fields: RequestFields): boolean {
  return row.when.every((predicate) => predicateHolds(predicate, fields))
}

function predicateHolds({ origin, test }: Predicate, fields: RequestFields): boolean {
  const value = valueOf(origin, fields)
  if (test.kind === 'present') return value !== undefined
  if (test.kind === 'absent') return value === undefined || isInNone(value)
  if (test.kind === 'empty') return value === undefined || isEmpty(value)
  if (value?.kind !== 'list') return textHolds(test, value)
  return value.items.length > 0 && value.items.every((item) => textHolds(test, item))
}

function isInNone(value: FieldValue): boolean {
  return value.kind === 'list' && value.items.every(({ kind }) => kind === 'absent')
}

type TextTest = Extract<Test, { readonly values: readonly string[] }>

function isEmpty(value: FieldValue): boolean {
  if (value.kind === 'list') return value.items.length === 0
  if (value.kind === 'string') return value.text === ''
  return value.kind === 'other' && value.isEmpty === true
}

function textHolds(test: TextTest, value: FieldValue | undefined): boolean {
  if (value?.kind !== 'string') return false
  const { text } = value
  if (test.kind === 'in') return test.values.includes(text)
  return test.kind === 'prefix'
    ? test.values.some((prefix) => text.startsWith(prefix))
    : test.values.some((suffix) => text.endsWith(suffix))
}

function valueOf(origin: Origin, fields: RequestFields): FieldValue | undefined {
  switch (origin.kind) {
    case 'path':
      return textValue(origin.captures.map((at) => fields.captures[at] ?? '').join('/'))
    case 'query':
      return textValue(fields.query.get(origin.name))
    case 'body':
      return fields.body.get(origin.name)
    case 'header':
      return textValue(fields.headers.get(origin.name)?.trim())
    case 'form':
      return textValue(fields.form.get(origin.name))
    case 'proto':
      return fields.proto.get(origin.name)
    case 'upstream':
      return textValue(fields.upstream)
  }
}

function textValue(text: string | undefined): FieldValue | undefined {
  return text === undefined ? undefined : { kind: 'string', text }
}

/** Whether a row stands for the same whatever the request says. */
export function isFixed({ names, effects, registers }: CompiledRow): boolean {
  return names.length === 0 && effects.length === 0 && registers === undefined
}

/** The classification of a row that reads no names, the same for every request. */
export function fixedClassification(
  row: CompiledRow,
  pack: string,
  upstream: string,
): Classification | undefined {
  if (!isFixed(row)) return undefined
  return classification(
    row,
    pack,
    operationsOf(row, upstream, [{ kind: 'server', name: upstream }]),
  )
}

/** The classification of a row by the names in the request. Refuses with `model_*`. */
export function classifyRow(
  row: CompiledRow,
  pack: string,
  fields: RequestFields,
): Classification | Refusal {
  const own: readonly Resource[] | Refusal =
    row.names.length === 0
      ? [{ kind: 'server', name: fields.upstream }]
      : readResources(row, fields)
  if (isRefusal(own)) return own
  const further: Operation[] = []
  for (const effect of row.effects) {
    const others = readResources(effect, fields)
    if (isRefusal(others)) return others
    for (const resource of others) further.push({ action: effect.action, resource })
  }
  const operations = operationsOf(row, fields.upstream, own, further)
  return classification(row, pack, operations, fields)
}

function readResources(source: NamedResource, fields: RequestFields): Resource[] | Refusal {
  const named = readNames(source, fields)
  if (isRefusal(named)) return named
  const version = readVersion(source, fields)
  if (isRefusal(version)) return version
  const resources: Resource[] = []
  for (const { name, version: own } of named) {
    if (own !== undefined && version !== undefined && own !== version) {
      return refuse('model_conflict')
    }
    resources.push(resourceOf(source, name, own ?? version))
  }
  return resources
}

function resourceOf({ resource: kind }: NamedResource, name: string, version: string | undefined) {
  return version === undefined ? { kind, name } : { kind, name, version }
}

type Named = Pick<Resource, 'name' | 'version'>

/** Each is decided on its own: a batch that names more models than this is refused. */
const NAMES_MAX = 64

function readNames(row: NamedResource, fields: RequestFields): readonly Named[] | Refusal {
  const names: Named[] = []
  for (const source of row.names) {
    const found = namesAt(source, fields)
    if (isRefusal(found)) return found
    if (found.length === 0 && row.required === 'all') return refuse('model_missing')
    for (const one of found) {
      if (!names.some(({ name, version }) => name === one.name && version === one.version)) {
        names.push(one)
      }
    }
    if (names.length > NAMES_MAX) return refuse('model_invalid', { detail: TOO_MANY })
  }
  if (names.length === 0) return refuse('model_missing')
  return names.length > 1 && row.combine === 'agree' ? refuse('model_conflict') : names
}

const TOO_MANY = `A request names at most ${NAMES_MAX} models.`

/** An element of a batch that names no model would be given the default one of the upstream. */
function namesAt(source: NameSource, fields: RequestFields): readonly Named[] | Refusal {
  const value = valueOf(source.origin, fields)
  if (value === undefined) return []
  if (value.kind !== 'list') {
    const named = nameOf(value, source)
    return isRefusal(named) ? named : [named]
  }
  const names: Named[] = []
  for (const item of value.items) {
    const named = nameOf(item, source)
    if (isRefusal(named)) return named
    names.push(named)
  }
  return names
}

function nameOf(value: FieldValue, { form, under }: NameSource): Named | Refusal {
  if (value.kind === 'absent') return refuse('model_missing')
  const parsed = value.kind === 'string' ? parseName(form, value.text) : undefined
  if (parsed === undefined) return refuse('model_invalid')
  return under === undefined ? parsed : { ...parsed, name: `${under}/${parsed.name}` }
}

function readVersion(row: NamedResource, fields: RequestFields): string | undefined | Refusal {
  let version: string | undefined
  for (const { origin, form } of row.versions) {
    const value = valueOf(origin, fields)
    if (value === undefined) continue
    const isText = value.kind === 'string' || value.kind === 'number'
    const parsed = isText ? parseVersion(form, value.text) : undefined
    if (parsed === undefined) return refuse('model_invalid')
    if (version !== undefined && version !== parsed) return refuse('model_conflict')
    version = parsed
  }
  return version
}
