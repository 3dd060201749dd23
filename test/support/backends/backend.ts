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
  RouteSummary,
} from '../../../gateway/classify/pack/compiled-pack.ts'
import { parseName, parseVersion, type NameForm } from '../../../gateway/classify/name-forms.ts'
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
    .map((route) => ({ route, match: matcherOf(route.path, dialect) }))
    .sort((a, b) => compare(b.route.path, a.route.path))
  return (parts) => {
    const target = readTarget(parts.target, dialect)
    if (target === undefined) return undefined
    const matching = routes.filter(({ match }) => match(target.segments) !== undefined)
    const rows = served(matching, methodOf(parts, target, dialect))
    const [first] = rows
    if (first === undefined) return undefined
    const captures = first.match(target.segments) ?? []
    const seen: Seen = { parts, target, captures, body: readBody(parts, dialect), dialect }
    const row = rows
      .filter(({ route }) => route.path === first.route.path)
      .map(({ route }) => route.row)
      .find((one) => holds(one, seen))
    return row && { route: row.routeId, operations: operationsOf(row, seen) }
  }
}

interface Route {
  readonly route: RouteSummary
  readonly match: (segments: readonly string[]) => readonly string[] | undefined
}

/** HEAD is served by the handler of GET, unless there is one for it at the same path. */
function served(matching: readonly Route[], method: string): readonly Route[] {
  const [nearest] = matching.filter(({ route }) => route.method === method || method === 'HEAD')
  const own = matching.filter(({ route }) => route.method === method)
  if (method !== 'HEAD' || own[0]?.route.path === nearest?.route.path) return own
  return matching.filter(({ route }) => route.method === 'GET')
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
  return overriding && override !== undefined ? override.toUpperCase() : parts.method
}

const ESCAPED = /[.*+?^${}()|[\]\\]/g

/** Matches segment by segment, so that a slash within one stays there. */
function matcherOf(path: string, { ignoresCase, dropsTrailingSlash }: Dialect): Route['match'] {
  const isCut = dropsTrailingSlash === true && path.length > 1
  const wanted = (isCut ? path.replace(/\/$/, '') : path).slice(1).split('/')
  const shapes = wanted.map((segment) => {
    const literals = segment.split(/\{[a-z0-9_]+\*?\}/).map((one) => one.replace(ESCAPED, '\\$&'))
    return new RegExp(`^${literals.join('([^]+)')}$`, ignoresCase === true ? 'i' : '')
  })
  const rest = wanted.findIndex((segment) => segment.endsWith('*}'))
  return (segments) => {
    const extra = rest === -1 ? 0 : segments.length - wanted.length
    if (extra < 0 || segments.length !== wanted.length + extra) return undefined
    const grouped = wanted.map((_, at) => {
      if (rest === -1 || at < rest) return segments[at] ?? ''
      return at === rest
        ? segments.slice(rest, rest + extra + 1).join('/')
        : (segments[at + extra] ?? '')
    })
    const matches = grouped.map((text, at) => shapes[at]?.exec(text))
    if (matches.some((match) => match === null || match === undefined)) return undefined
    return matches.flatMap((match) => match?.slice(1) ?? [])
  }
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
  const [version] = named.versions.flatMap(({ origin, form }) =>
    valuesAt(origin, seen).map((value) => parseVersion(form, String(value)) ?? String(value)),
  )
  return named.names.flatMap(({ origin, form, under }) =>
    valuesAt(origin, seen).map((value) => {
      const { name, ...own } = spelledOut(form, String(value))
      const whole = under === undefined ? name : `${under}/${name}`
      return { kind, ...(version === undefined ? {} : { version }), ...own, name: whole }
    }),
  )
}

/** Names are spelt as the table of routes says; that this is right is tested elsewhere. */
function spelledOut(form: NameForm, text: string): Pick<Resource, 'name' | 'version'> {
  return parseName(form, text) ?? { name: text }
}
