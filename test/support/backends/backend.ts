/**
 * A model server as a route pack describes it, reading requests in its own dialect: says which
 * operations a request really carries out there. Written apart from the classifier on purpose; all
 * they share is the table of routes.
 */
import type {
  CompiledPack,
  CompiledRow,
  NamedResource,
  Origin,
  Predicate,
} from '../../../gateway/classify/pack/compiled-pack.ts'
import type { Operation, Resource } from '../../../gateway/domain/vocabulary.ts'
import { readBody, type ReadBody } from './body-reading.ts'
import type { Dialect } from './dialects.ts'
import { headerValues, type RequestParts } from './request-text.ts'
import { readTarget, type ReadTarget } from './target-reading.ts'

/** What a backend does with a request. */
export interface Performed {
  readonly route: string
  readonly operations: readonly Operation[]
}

/** A backend that serves the routes of `pack`. `undefined`: it answers that there is no such route. */
export function createBackend(
  pack: CompiledPack,
  dialect: Dialect,
): (parts: RequestParts) => Performed | undefined {
  const routes = pack.routes
    .filter(({ transport }) => transport === 'http')
    .map((route) => ({ route, shape: shapeOf(route.path, dialect) }))
    .sort((a, b) => compare(b.route.path, a.route.path))
  return (parts) => {
    const target = readTarget(parts.target, dialect)
    if (target === undefined) return undefined
    const method = methodOf(parts, target, dialect)
    const text = `/${target.segments.join('/')}`
    const matching = routes.filter(
      ({ route, shape }) => route.method === method && shape.test(text),
    )
    const [first] = matching
    if (first === undefined) return undefined
    const captures = (first.shape.exec(text) ?? []).slice(1)
    const seen: Seen = { parts, target, captures, body: readBody(parts, dialect), dialect }
    const rows = matching.filter(({ route }) => route.path === first.route.path)
    const row = rows.map(({ route }) => route.row).find((one) => holds(one, seen))
    return row && { route: row.routeId, operations: operationsOf(row, seen) }
  }
}

/** Stands for the name of the upstream, which the backend does not know. */
export const SERVER = 'up'

interface Seen {
  readonly parts: RequestParts
  readonly target: ReadTarget
  readonly captures: readonly string[]
  readonly body: ReadBody
  readonly dialect: Dialect
}

function methodOf(parts: RequestParts, target: ReadTarget, { overridesMethod }: Dialect): string {
  const overriding = overridesMethod === true
  const [override] = ['x-http-method-override', 'x-http-method', 'x-method-override']
    .flatMap((name) => headerValues(parts, name))
    .concat(target.query.get('_method') ?? [])
  const method = overriding && override !== undefined ? override.toUpperCase() : parts.method
  return method === 'HEAD' ? 'GET' : method
}

const ESCAPED = /[.*+?^${}()|[\]\\]/g

function shapeOf(path: string, { ignoresCase, dropsTrailingSlash }: Dialect): RegExp {
  const isCut = dropsTrailingSlash === true && path.length > 1
  const pattern = (isCut ? path.replace(/\/$/, '') : path)
    .split(/(\{[a-z0-9_]+\*?\})/)
    .map((piece) => {
      if (!piece.startsWith('{')) return piece.replace(ESCAPED, '\\$&')
      return piece.endsWith('*}') ? '([^]+?)' : '([^/]+?)'
    })
    .join('')
  return new RegExp(`^${pattern}$`, ignoresCase === true ? 'i' : '')
}

/** Literal before affix before parameter before rest, from the left. */
function compare(a: string, b: string): number {
  const [one, two] = [a.split('/'), b.split('/')]
  for (const [index, segment] of one.entries()) {
    const difference = weight(segment) - weight(two[index])
    if (difference !== 0) return difference
  }
  return one.length - two.length
}

function weight(segment: string | undefined): number {
  if (segment === undefined) return -1
  if (!segment.includes('{')) return 10_000
  const literal = segment.replace(/\{[^}]*\}/, '').length
  return literal > 0 ? 100 + literal : segment.endsWith('*}') ? 1 : 2
}

function holds(row: CompiledRow, seen: Seen): boolean {
  return row.when.every((predicate) => predicateHolds(predicate, seen))
}

function predicateHolds({ origin, test }: Predicate, seen: Seen): boolean {
  const values = valuesAt(origin, seen)
  if (test.kind === 'present') return values.length > 0
  if (test.kind === 'absent') return values.length === 0
  if (test.kind === 'empty') return values.every(isEmpty)
  const texts = values.filter((value) => typeof value === 'string')
  if (texts.length === 0 || texts.length < values.length) return false
  return texts.every((text) => {
    if (test.kind === 'in') return test.values.includes(text)
    return test.values.some((part) =>
      test.kind === 'prefix' ? text.startsWith(part) : text.endsWith(part),
    )
  })
}

function isEmpty(value: unknown): boolean {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return true
  if (typeof value !== 'object' || value === null || !('members' in value)) return false
  return Array.isArray(value.members) && value.members.length === 0
}

/** What the backend finds at one place: of repeated parameters the one that counts for it. */
function valuesAt(origin: Origin, seen: Seen): readonly unknown[] {
  const { captures, target, dialect, body, parts } = seen
  switch (origin.kind) {
    case 'path':
      return [origin.captures.map((at) => captures[at] ?? '').join('/')]
    case 'query':
      return counting(target.query.get(origin.name) ?? [], dialect.query)
    case 'body': {
      const isRead = parts.method !== 'GET' || dialect.readsBodyOfGet === true
      return isRead ? body.fields(origin.name) : []
    }
    case 'form':
      return body.form(origin.name)
    case 'header':
      return headerValues(parts, origin.name)
    case 'upstream':
      return [SERVER]
    case 'proto':
      return []
  }
}

function counting(values: readonly string[], which: 'first' | 'last'): readonly string[] {
  return which === 'first' ? values.slice(0, 1) : values.slice(-1)
}

function operationsOf(row: CompiledRow, seen: Seen): readonly Operation[] {
  const server: Resource = { kind: 'server', name: SERVER }
  const resources = row.names.length === 0 ? [server] : resourcesOf(row, seen)
  return [
    ...resources.flatMap((resource) => row.actions.map((action) => ({ action, resource }))),
    ...row.effects.flatMap((effect) =>
      resourcesOf(effect, seen).map((resource) => ({ action: effect.action, resource })),
    ),
    ...row.serverActions.map((action) => ({ action, resource: server })),
  ]
}

function resourcesOf(named: NamedResource, seen: Seen): readonly Resource[] {
  const { resource: kind } = named
  const [version] = named.versions.flatMap(({ origin }) => valuesAt(origin, seen)).map(String)
  return named.names.flatMap(({ origin, form, under }) =>
    valuesAt(origin, seen).map((value) => {
      const { name, ...own } = spelledOut(form, String(value))
      const whole = under === undefined ? name : `${under}/${name}`
      return { kind, ...(version === undefined ? {} : { version }), ...own, name: whole }
    }),
  )
}

/** The model a system takes a name for, in its shortest spelling. */
function spelledOut(form: string, text: string): Pick<Resource, 'name' | 'version'> {
  if (form === 'ollama') {
    const path = text.toLowerCase().split('/')
    const [name = '', version = 'latest'] = (path.pop() ?? '').split(':')
    const host = path.filter((part, at) => !(at === 0 && part === 'registry.ollama.ai'))
    const namespace = host.length === 1 && host[0] === 'library' ? [] : host
    return { name: [...namespace, name].join('/'), version }
  }
  if (form === 'at-version') {
    const [name = '', ...versions] = text.split('@')
    return versions.length === 0 ? { name } : { name, version: versions.join('@') }
  }
  const isFoundation = form === 'bedrock' && text.includes('::foundation-model/')
  return { name: isFoundation ? text.slice(text.indexOf('::foundation-model/') + 19) : text }
}
