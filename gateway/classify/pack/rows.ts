/** Evaluates one row of a route: whether it applies, and which operations it stands for. */
import { refuse, isRefusal, type Refusal } from '../../domain/refusal.ts'
import type { Classification, HeaderBag } from '../../domain/request.ts'
import type { Operation, Resource } from '../../domain/vocabulary.ts'
import { invariant } from '../../domain/errors.ts'
import type { FieldValue } from '../body/body-fields.ts'
import { parseName, type NameForm } from '../name-forms.ts'
import { isVersion } from '../names.ts'
import type {
  CompiledRow,
  MethodGroup,
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
  const { index, rows } = group
  if (index === undefined) return rows.find((row) => holds(row, fields))
  const value = valueOf(index.origin, fields)
  const known = value?.kind === 'string' ? index.byValue.get(value.text) : undefined
  // Of several values each could be the one that counts: then all rows are tried.
  const candidates = value?.kind === 'list' ? rows : (known ?? index.others)
  return candidates.find((row) => holds(row, fields))
}

/** Whether every predicate of the row holds. A value that is not a string equals nothing. */
export function holds(row: CompiledRow, fields: RequestFields): boolean {
  return row.when.every((predicate) => predicateHolds(predicate, fields))
}

function predicateHolds({ origin, test }: Predicate, fields: RequestFields): boolean {
  const value = valueOf(origin, fields)
  if (test.kind === 'present') return value !== undefined
  if (test.kind === 'absent') return value === undefined
  if (test.kind === 'empty') return value === undefined || isEmpty(value)
  if (value?.kind !== 'list') return textHolds(test, value)
  return value.items.length > 0 && value.items.every((item) => textHolds(test, item))
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

/** The classification of a row that reads no names, the same for every request. */
export function fixedClassification(
  row: CompiledRow,
  pack: string,
  upstream: string,
): Classification | undefined {
  if (row.names.length > 0) return undefined
  return classification(row, pack, upstream, [{ kind: 'server', name: upstream }])
}

/** The classification of a row by the names in the request. Refuses with `model_*`. */
export function classifyRow(
  row: CompiledRow,
  pack: string,
  fields: RequestFields,
): Classification | Refusal {
  const named = readNames(row, fields)
  if (isRefusal(named)) return named
  const version = readVersion(row, fields)
  if (isRefusal(version)) return version
  const resources: Resource[] = []
  for (const { name, version: own } of named) {
    if (own !== undefined && version !== undefined && own !== version) {
      return refuse('model_conflict')
    }
    resources.push(resourceOf(row, name, own ?? version))
  }
  return classification(row, pack, fields.upstream, resources)
}

function resourceOf({ resource: kind }: CompiledRow, name: string, version: string | undefined) {
  return version === undefined ? { kind, name } : { kind, name, version }
}

type Named = Pick<Resource, 'name' | 'version'>

/** Each is decided on its own: a batch that names more models than this is refused. */
const NAMES_MAX = 64

function readNames(row: CompiledRow, fields: RequestFields): readonly Named[] | Refusal {
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
function namesAt({ origin, form }: NameSource, fields: RequestFields): readonly Named[] | Refusal {
  const value = valueOf(origin, fields)
  if (value === undefined) return []
  if (value.kind !== 'list') {
    const named = nameOf(value, form)
    return isRefusal(named) ? named : [named]
  }
  const names: Named[] = []
  for (const item of value.items) {
    const named = nameOf(item, form)
    if (isRefusal(named)) return named
    names.push(named)
  }
  return names
}

function nameOf(value: FieldValue, form: NameForm): Named | Refusal {
  if (value.kind === 'absent') return refuse('model_missing')
  const parsed = value.kind === 'string' ? parseName(form, value.text) : undefined
  return parsed ?? refuse('model_invalid')
}

function readVersion(row: CompiledRow, fields: RequestFields): string | undefined | Refusal {
  let version: string | undefined
  for (const origin of row.versions) {
    const value = valueOf(origin, fields)
    if (value === undefined) continue
    const isText = value.kind === 'string' || value.kind === 'number'
    if (!isText || !isVersion(value.text)) return refuse('model_invalid')
    if (version !== undefined && version !== value.text) return refuse('model_conflict')
    version = value.text
  }
  return version
}

function classification(
  row: CompiledRow,
  pack: string,
  upstream: string,
  resources: readonly Resource[],
): Classification {
  const operations: Operation[] = []
  for (const resource of resources) {
    for (const action of row.actions) operations.push({ action, resource })
  }
  const server: Resource = { kind: 'server', name: upstream }
  for (const action of row.serverActions) operations.push({ action, resource: server })
  const [first, ...rest] = operations
  invariant(first !== undefined, 'a row without operations')
  return {
    pack,
    route: row.routeId,
    operations: [first, ...rest],
    upgrade: row.upgrade,
    errorShape: row.errorShape,
    ...(row.listing === undefined ? {} : { listing: row.listing }),
  }
}
