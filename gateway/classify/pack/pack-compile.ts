/** From merged rows to the tables the classifier reads. */
import type { Method } from '../../domain/request.ts'
import type { PackPredicate, PackRoute, PackSource } from '../../settings/schemas/pack.ts'
import { compileFieldTree } from '../body/body-fields.ts'
import type {
  CompiledPath,
  CompiledPack,
  CompiledRow,
  ErrorShape,
  MethodGroup,
  Origin,
  Predicate,
  Test,
} from './compiled-pack.ts'
import { createMatcher } from './matcher.ts'
import { foldFieldName } from '../names.ts'
import { readsFrom, type RouteRow, type RowGroup } from './pack-expand.ts'
import type { LayeredPack } from './pack-layers.ts'
import type { RoutePattern } from './pattern.ts'

/** Compiles a pack whose rows have been found good. */
export function compilePack(
  pack: LayeredPack,
  groups: ReadonlyMap<string, RowGroup>,
): CompiledPack {
  const head = readHead(pack)
  const paths = new Map<string, { pattern: RoutePattern; methods: Map<Method, MethodGroup> }>()
  const routes: CompiledPack['routes'][number][] = []
  for (const group of groups.values()) {
    const compiled = compileGroup(group, head.errorShape)
    const { pattern, method } = group
    const path = paths.get(pattern.shape) ?? { pattern, methods: new Map() }
    path.methods.set(method, compiled)
    paths.set(pattern.shape, path)
    for (const row of compiled.rows) routes.push({ method, path: pattern.text, row })
  }
  const entries = [...paths.values()].map(({ pattern, methods }) => ({
    pattern,
    value: finish(methods),
  }))
  return { ...head, matcher: createMatcher(entries), routes }
}

/** What the files say of the pack as a whole; the last that says it wins. */
function readHead(pack: LayeredPack): Omit<CompiledPack, 'matcher' | 'routes'> {
  const documents = pack.layers.map((layer) => layer.document)
  const profile = documents.findLast((document) => document.profile !== undefined)?.profile
  const titled = documents.findLast((document) => document.title !== undefined)
  const shaped = documents.findLast((document) => document.error_shape !== undefined)
  return {
    name: pack.name,
    title: titled?.title ?? pack.name,
    errorShape: shaped?.error_shape ?? 'problem',
    // What a pack does not say is taken to be the more restrictive way.
    decodesPath: profile?.decodes_path === true,
    ignoresContentType: profile?.ignores_content_type === true,
  }
}

/** Servers answer HEAD from the handler of GET, so it is authorised exactly as GET. */
function finish(methods: Map<Method, MethodGroup>): CompiledPath {
  const get = methods.get('GET')
  if (get !== undefined && !methods.has('HEAD')) methods.set('HEAD', get)
  return { methods, allow: [...methods.keys()] }
}

function compileGroup(group: RowGroup, packShape: ErrorShape): MethodGroup {
  const rows = group.rows.map((row) => compileRow(row, packShape))
  const origins = rows.flatMap((row) => [
    ...row.names,
    ...row.versions,
    ...row.when.map((predicate) => predicate.origin),
  ])
  const named = (kind: Origin['kind']): string[] =>
    origins.flatMap((origin) => ('name' in origin && origin.kind === kind ? [origin.name] : []))
  const body = named('body')
  // Only names at the top of a body could be mistaken for a parameter of the query.
  const bodyOnlyNames = [...body, ...named('form')].filter(
    (name) => !name.includes('.') && !named('query').includes(name),
  )
  return {
    rows,
    body: bodyKind(group.rows),
    queryNames: byFoldedName([...named('query'), ...bodyOnlyNames]),
    bodyOnlyNames,
    bodyTree: body.length === 0 ? undefined : compileFieldTree([...new Set(body)]),
    formNames: byFoldedName(named('form')),
    headerNames: new Set(named('header')),
  }
}

function byFoldedName(names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [foldFieldName(name), name]))
}

/** The strictest kind among the rows: what any of them reads must be readable for all. */
function bodyKind(rows: readonly RouteRow[]): MethodGroup['body'] {
  const kinds = rows.map(({ route }) => route.body ?? neededBody(route))
  if (kinds.includes('json')) return 'json'
  if (kinds.includes('multipart')) return 'multipart'
  return kinds.every((kind) => kind === 'none') ? 'none' : 'any'
}

function neededBody(route: PackRoute): 'json' | 'multipart' | 'any' {
  if (readsFrom(route, 'body')) return 'json'
  return readsFrom(route, 'form') ? 'multipart' : 'any'
}

function compileRow({ route, pattern }: RouteRow, packShape: ErrorShape): CompiledRow {
  const sources = route.model ?? []
  return {
    routeId: route.id ?? `${route.methods[0] ?? ''} ${pattern.text}`,
    when: (route.when ?? []).map((predicate) => compilePredicate(predicate, pattern)),
    actions: [route.action, ...(route.also ?? [])],
    serverActions: route.also_server ?? [],
    resource: route.resource ?? (sources.length > 0 ? 'model' : 'server'),
    names: sources.map((source) => compileOrigin(source, pattern)),
    versions: (route.version ?? []).map((source) => compileOrigin(source, pattern)),
    required: route.required,
    combine: route.combine,
    upgrade: route.upgrade === 'websocket',
    errorShape: route.error_shape ?? packShape,
    refused: route.refuse === true,
  }
}

function compileOrigin(source: PackSource | PackPredicate, pattern: RoutePattern): Origin {
  if (source.path !== undefined) {
    return { kind: 'path', capture: pattern.parameters.indexOf(source.path) }
  }
  for (const kind of ['query', 'body', 'header', 'form'] as const) {
    const name = source[kind]
    if (name !== undefined) return { kind, name }
  }
  return { kind: 'upstream' }
}

function compilePredicate(predicate: PackPredicate, pattern: RoutePattern): Predicate {
  return { origin: compileOrigin(predicate, pattern), test: compileTest(predicate) }
}

function compileTest(predicate: PackPredicate): Test {
  if (predicate.equals !== undefined) return { kind: 'in', values: [predicate.equals] }
  if (predicate.in !== undefined) return { kind: 'in', values: predicate.in }
  if (predicate.prefix !== undefined) return { kind: 'prefix', values: predicate.prefix }
  return { kind: predicate.present === true ? 'present' : 'absent' }
}
