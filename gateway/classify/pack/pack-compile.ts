/** From merged rows to the tables the classifier reads. */
import type { Method } from '../../domain/request.ts'
import { compileFieldTree } from '../body/body-fields.ts'
import { compileProtoTree } from '../grpc/proto-tree.ts'
import { foldFieldName } from '../names.ts'
import type { PackDocument, PackRoute } from '../../settings/schemas/pack.ts'
import type {
  BodyKind,
  CompiledPath,
  CompiledPack,
  CompiledRow,
  MethodGroup,
  Origin,
  RowIndex,
} from './compiled-pack.ts'
import { createMatcher } from './matcher.ts'
import { readsFrom, type RouteRow, type RowGroup } from './pack-expand.ts'
import type { LayeredPack } from './pack-layers.ts'
import type { RoutePattern } from './pattern.ts'
import { compileRow } from './row-compile.ts'
import { createShare, shareRow } from './sharing.ts'

/** Compiles a pack whose rows have been found good. */
export function compilePack(
  pack: LayeredPack,
  groups: ReadonlyMap<string, RowGroup>,
): CompiledPack {
  const head = readHead(pack)
  const paths = new Map<string, { pattern: RoutePattern; methods: Map<Method, MethodGroup> }>()
  const calls = new Map<string, MethodGroup>()
  const routes: CompiledPack['routes'][number][] = []
  const share = createShare()
  const encodedIn = encodedInOf(pack)
  for (const group of groups.values()) {
    const rows = group.rows.map((row) => shareRow(compileRow(row, head.errorShape), share))
    const compiled = compileGroup(group, rows, encodedIn)
    const { pattern, method, transport } = group
    for (const row of compiled.rows) routes.push({ method, path: pattern.text, transport, row })
    if (transport === 'grpc') {
      calls.set(pattern.text, compiled)
      continue
    }
    const path = paths.get(pattern.shape) ?? { pattern, methods: new Map() }
    path.methods.set(method, compiled)
    paths.set(pattern.shape, path)
  }
  const entries = [...paths.values()].map(({ pattern, methods }) => ({
    pattern,
    value: finish(methods),
  }))
  return { ...head, matcher: createMatcher(entries), calls, routes }
}

/** What the files say of the pack as a whole; the last that says it wins. */
function readHead(pack: LayeredPack): Omit<CompiledPack, 'matcher' | 'calls' | 'routes'> {
  const documents = pack.layers.map((layer) => layer.document)
  const titled = documents.findLast((document) => document.title !== undefined)
  const read = documents.findLast((document) => document.version_read !== undefined)
  const shaped = documents.findLast((document) => document.error_shape !== undefined)
  return {
    name: pack.name,
    title: titled?.title ?? pack.name,
    versionRead: read?.version_read ?? '',
    errorShape: shaped?.error_shape ?? 'problem',
    ...readProfile(documents.findLast((document) => document.profile !== undefined)?.profile),
  }
}

/** What a pack does not say is taken to be the more restrictive way. */
function readProfile(profile: PackDocument['profile'] = { decodes_path: false }): Profile {
  const { encoded = '', request_codings = [], known_query, exclusive_query = [] } = profile
  return {
    decodesPath: profile.decodes_path,
    ignoresContentType: profile.ignores_content_type === true,
    encodable: encoded,
    emptySegments: profile.empty_segments === true,
    requestCodings: request_codings,
    knowsQuery: known_query && knowingOnly(known_query),
    exclusiveQuery: byFoldedName(exclusive_query),
    verbs: profile.verbs === true,
  }
}

type Profile = Pick<
  CompiledPack,
  | 'decodesPath'
  | 'ignoresContentType'
  | 'encodable'
  | 'emptySegments'
  | 'requestCodings'
  | 'knowsQuery'
  | 'exclusiveQuery'
  | 'verbs'
>

/** Of names, and of the starts of names with a `*` behind them. */
function knowingOnly(names: readonly string[]): (name: string) => boolean {
  const whole = new Set(names)
  const starts = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  return (name) => whole.has(name) || starts.some((start) => name.startsWith(start))
}

/** Servers answer HEAD from the handler of GET, so it is authorised exactly as GET. */
function finish(methods: Map<Method, MethodGroup>): CompiledPath {
  const get = methods.get('GET')
  if (get !== undefined && !methods.has('HEAD')) methods.set('HEAD', get)
  const [firstMethod, firstGroup] = [...methods][0] ?? []
  return { firstMethod, firstGroup, methods, allow: [...methods.keys()] }
}

/** The parameters that may hold encoded characters, where a file says so; the last one wins. */
function encodedInOf({ layers }: LayeredPack): readonly string[] | undefined {
  return layers.findLast(({ document }) => document.profile !== undefined)?.document.profile
    ?.encoded_in
}

function compileGroup(
  group: RowGroup,
  rows: readonly CompiledRow[],
  encodedIn: readonly string[] | undefined,
): MethodGroup {
  const origins = rows.flatMap((row) => [
    ...[row, ...row.effects].flatMap(({ names, versions }) =>
      [...names, ...versions].map(({ origin }) => origin),
    ),
    ...row.when.map((predicate) => predicate.origin),
  ])
  const named = (kind: Origin['kind']): string[] =>
    origins.flatMap((origin) => ('name' in origin && origin.kind === kind ? [origin.name] : []))
  const body = [...named('body'), ...rows.flatMap((row) => row.trainingPaths)]
  const query = [...named('query'), ...rows.flatMap((row) => row.registeredQuery)]
  // Only names at the top of a body could be mistaken for a parameter of the query.
  const bodyOnlyNames = [...body, ...named('form')].filter(
    (name) => !/[.[\]]/.test(name) && !query.includes(name),
  )
  const [first, ...others] = rows
  return {
    rows,
    soleRow: others.length === 0 && first?.when.length === 0 ? first : undefined,
    index: indexRows(rows),
    body: bodyKind(group),
    queryNames: byFoldedName([...query, ...bodyOnlyNames]),
    bodyOnlyNames,
    bodyTree: body.length === 0 ? undefined : compileFieldTree([...new Set(body)]),
    formNames: byFoldedName(named('form')),
    messages: group.transport === 'grpc' ? compileMessages(rows, group) : undefined,
    headerNames: setOf(named('header')),
    plainCaptures: plainCaptures(group.pattern, encodedIn),
  }
}

function compileMessages(
  rows: readonly CompiledRow[],
  group: RowGroup,
): NonNullable<MethodGroup['messages']> {
  const wishes = rows.flatMap(({ names, versions, effects, when }) => [
    ...[{ names, versions }, ...effects].flatMap((one) =>
      [...one.names, ...one.versions].map(({ origin }) => ({ origin, presence: false })),
    ),
    ...when.map(({ origin, test }) => ({ origin, presence: !('values' in test) })),
  ])
  return {
    tree: compileProtoTree(
      wishes.flatMap(({ origin, presence }) =>
        origin.kind === 'proto' ? [{ path: origin.name, presence }] : [],
      ),
    ),
    clientStreams: group.rows.some(({ route }) => route.body === 'stream'),
  }
}

/** Where `{x}` may hold an encoded slash, another parameter could hold the rest of a route. */
function plainCaptures(
  { parameters }: RoutePattern,
  encodedIn: readonly string[] | undefined,
): readonly number[] {
  if (encodedIn === undefined) return []
  return parameters.flatMap((name, index) => (encodedIn.includes(name) ? [] : [index]))
}

const NO_HEADERS: ReadonlySet<string> = new Set<string>()

function setOf(names: readonly string[]): ReadonlySet<string> {
  return names.length === 0 ? NO_HEADERS : new Set(names)
}

const NO_FIELDS: ReadonlyMap<string, string> = new Map<string, string>()

function byFoldedName(names: readonly string[]): ReadonlyMap<string, string> {
  if (names.length === 0) return NO_FIELDS
  return new Map(names.map((name) => [foldFieldName(name), name]))
}

/** Below so many rows, trying them one after the other costs less. */
const INDEXED_ROWS_MIN = 8

/**
 * Hundreds of operations of one method and path told apart by one header (`X-Amz-Target`): the rows
 * for each of its values, in the order written, with those that do not ask for it among them.
 */
function indexRows(rows: readonly CompiledRow[]): RowIndex | undefined {
  const first = rows.find(({ when }) => when[0]?.test.kind === 'in')?.when[0]
  if (first === undefined || rows.length < INDEXED_ROWS_MIN) return undefined
  const key = JSON.stringify(first.origin)
  const valuesOf = ({ when }: CompiledRow): readonly string[] | undefined => {
    const test = when.find(({ origin }) => JSON.stringify(origin) === key)?.test
    return test?.kind === 'in' ? test.values : undefined
  }
  const asked = rows.map((row) => ({ row, of: valuesOf(row) }))
  const values = new Set(asked.flatMap(({ of }) => of ?? []))
  const fitting = (value: string): CompiledRow[] =>
    asked.flatMap(({ row, of }) => (of?.includes(value) === false ? [] : [row]))
  return {
    origin: first.origin,
    byValue: new Map([...values].map((value) => [value, fitting(value)])),
    others: asked.flatMap(({ row, of }) => (of === undefined ? [row] : [])),
  }
}

/** The strictest kind among the rows: what any of them reads must be readable for all. */
function bodyKind({ rows, transport }: RowGroup): BodyKind {
  if (transport === 'grpc') return 'proto'
  const kinds = rows.map(({ route }: RouteRow) => route.body ?? neededBody(route))
  for (const kind of ['json', 'ndjson', 'multipart', 'form'] as const) {
    if (kinds.includes(kind)) return kind
  }
  return kinds.every((kind) => kind === 'none') ? 'none' : 'any'
}

function neededBody(route: PackRoute): 'json' | 'form' | 'any' {
  if (readsFrom(route, 'body')) return 'json'
  return readsFrom(route, 'form') ? 'form' : 'any'
}
