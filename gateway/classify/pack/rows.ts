/** Evaluates one row of a route: whether it applies, and which operations it stands for. */
import { refuse, isRefusal, type Refusal } from '../../domain/refusal.ts'
import type { Classification, HeaderBag } from '../../domain/request.ts'
import type { Operation, Resource } from '../../domain/vocabulary.ts'
import { invariant } from '../../domain/errors.ts'
import type { FieldValue } from '../body/body-fields.ts'
import type { CompiledRow, Origin, Predicate } from './compiled-pack.ts'
import { isResourceName, isVersion } from '../names.ts'

/** The values of one request that rows may look at. */
export interface RequestFields {
  readonly captures: readonly string[]
  readonly query: ReadonlyMap<string, string>
  readonly headers: HeaderBag
  readonly body: ReadonlyMap<string, FieldValue>
  readonly form: ReadonlyMap<string, string>
  readonly upstream: string
}

/** Whether every predicate of the row holds. A value that is not a string equals nothing. */
export function holds(row: CompiledRow, fields: RequestFields): boolean {
  return row.when.every((predicate) => predicateHolds(predicate, fields))
}

function predicateHolds({ origin, test }: Predicate, fields: RequestFields): boolean {
  const value = valueOf(origin, fields)
  if (test.kind === 'present') return value !== undefined
  if (test.kind === 'absent') return value === undefined
  if (value?.kind !== 'string') return false
  const { text } = value
  return test.kind === 'in'
    ? test.values.includes(text)
    : test.values.some((prefix) => text.startsWith(prefix))
}

function valueOf(origin: Origin, fields: RequestFields): FieldValue | undefined {
  switch (origin.kind) {
    case 'path':
      return textValue(fields.captures[origin.capture])
    case 'query':
      return textValue(fields.query.get(origin.name))
    case 'body':
      return fields.body.get(origin.name)
    case 'header':
      return textValue(fields.headers.get(origin.name)?.trim())
    case 'form':
      return textValue(fields.form.get(origin.name))
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
  const names = readNames(row, fields)
  if (isRefusal(names)) return names
  const version = readVersion(row, fields)
  if (isRefusal(version)) return version
  const resources = names.map((name): Resource => {
    const { resource: kind } = row
    return version === undefined ? { kind, name } : { kind, name, version }
  })
  return classification(row, pack, fields.upstream, resources)
}

function readNames(row: CompiledRow, fields: RequestFields): string[] | Refusal {
  const names: string[] = []
  for (const origin of row.names) {
    const value = valueOf(origin, fields)
    if (value === undefined) {
      if (row.required === 'all') return refuse('model_missing')
      continue
    }
    if (value.kind !== 'string' || !isResourceName(value.text)) return refuse('model_invalid')
    if (!names.includes(value.text)) names.push(value.text)
  }
  if (names.length === 0) return refuse('model_missing')
  return names.length > 1 && row.combine === 'agree' ? refuse('model_conflict') : names
}

function readVersion(row: CompiledRow, fields: RequestFields): string | undefined | Refusal {
  let version: string | undefined
  for (const origin of row.versions) {
    const value = valueOf(origin, fields)
    if (value === undefined) continue
    if (value.kind === 'other' || !isVersion(value.text)) return refuse('model_invalid')
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
  }
}
