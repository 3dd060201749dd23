/** Turns the routes of one file into rows per method and path, and checks each on its own. */
import { closest, type Diagnostic } from '../../domain/diagnostics.ts'
import type { Method, Transport } from '../../domain/request.ts'
import type { PackPredicate, PackRoute, PackSource } from '../../settings/schemas/pack.ts'
import { finding, type PackLayer } from './pack-layers.ts'
import { parsePattern, type RoutePattern } from './pattern.ts'
import { registrationPaths } from './registration.ts'

/** A route under one method and one prefix. */
export interface RouteRow {
  readonly method: Method
  readonly pattern: RoutePattern
  readonly route: PackRoute
  readonly layer: PackLayer
  /** Index of the route in its file. */
  readonly index: number
}

/** The rows of one method and one path shape, in the order written. */
export interface RowGroup {
  readonly method: Method
  readonly transport: Transport
  readonly pattern: RoutePattern
  readonly rows: RouteRow[]
}

/** Path prefixes by name. */
export type Prefixes = Readonly<Record<string, readonly string[]>>

/** The groups of one file, by method and shape; what is wrong goes to `diagnostics`. */
export function expandLayer(
  layer: PackLayer,
  prefixes: Prefixes,
  diagnostics: Diagnostic[],
): Map<string, RowGroup> {
  const groups = new Map<string, RowGroup>()
  for (const [index, route] of layer.document.routes.entries()) {
    const wrong = routeFault(route)
    if (wrong !== undefined) diagnostics.push(fault(layer, index, wrong))
    for (const pattern of patternsOf(layer, index, prefixes, diagnostics)) {
      for (const method of route.methods) {
        addRow(groups, { method, pattern, route, layer, index }, diagnostics)
      }
    }
  }
  return groups
}

function addRow(groups: Map<string, RowGroup>, row: RouteRow, diagnostics: Diagnostic[]): void {
  const { method, pattern } = row
  const transport = row.route.transport ?? 'http'
  const key = `${transport} ${method} ${pattern.shape}`
  const group = groups.get(key)
  if (group === undefined) {
    groups.set(key, { method, transport, pattern, rows: [row] })
    return
  }
  const condition = JSON.stringify(row.route.when)
  const same = group.rows.find((other) => isUnreachableAfter(row, condition, other))
  if (same !== undefined) diagnostics.push(duplicate(row, same))
  group.rows.push(row)
}

/** A row after one without `when`, or with the same `when`, could never be reached. */
function isUnreachableAfter(row: RouteRow, condition: string, earlier: RouteRow): boolean {
  const { when } = earlier.route
  // Of hundreds of operations on one path, all but a few differ in what is cheap to compare.
  const differs =
    when?.length !== row.route.when?.length || when?.[0]?.equals !== row.route.when?.[0]?.equals
  return when === undefined || (!differs && JSON.stringify(when) === condition)
}

function patternsOf(
  layer: PackLayer,
  index: number,
  prefixes: Prefixes,
  diagnostics: Diagnostic[],
): RoutePattern[] {
  const route = layer.document.routes[index]
  if (route === undefined) return []
  const names = route.prefix === undefined ? [''] : prefixes[route.prefix]
  if (names === undefined) {
    diagnostics.push(unknownPrefix(layer, index, prefixes))
    return []
  }
  const patterns: RoutePattern[] = []
  const paths = names.flatMap((prefix) => [route.path].flat().map((path) => prefix + path))
  for (const path of paths) {
    const pattern = parsePattern(path)
    if (typeof pattern !== 'string') patterns.push(pattern)
    const wrong = typeof pattern === 'string' ? pattern : unknownParameter(route, pattern)
    if (wrong !== undefined) {
      diagnostics.push(fault(layer, index, { key: 'path', text: wrong }))
      break
    }
  }
  return patterns
}

interface RouteFault {
  readonly key: keyof PackRoute
  readonly text: string
}

function routeFault(route: PackRoute): RouteFault | undefined {
  const model = route.model ?? []
  if (route.resource === 'server' && model.length > 0) {
    return { key: 'model', text: 'a route on the server does not name a model' }
  }
  if (model.length === 0 && (route.resource === 'model' || route.resource === 'dataset')) {
    return { key: 'resource', text: `say with \`model\` where the ${route.resource} is named` }
  }
  if (model.length === 0 && route.version !== undefined) {
    return { key: 'version', text: 'a version needs a `model`' }
  }
  return bodyFault(route)
}

function bodyFault(route: PackRoute): RouteFault | undefined {
  const readsBody = readsFrom(route, 'body')
  const readsForm = readsFrom(route, 'form')
  if (readsBody && readsForm) return { key: 'body', text: 'a body is either JSON or a form' }
  const kind = route.body
  if (readsBody && kind !== undefined && kind !== 'json' && kind !== 'ndjson') {
    return { key: 'body', text: 'fields of the body are read: write `body: json` or `ndjson`' }
  }
  if (readsForm && kind !== undefined && kind !== 'multipart' && kind !== 'form') {
    return { key: 'body', text: 'fields of a form are read: write `body: multipart` or `form`' }
  }
  return trainingFault(route) ?? transportFault(route)
}

function trainingFault(route: PackRoute): RouteFault | undefined {
  const { action, also = [], training } = route
  if (training === undefined) return registersFault(route)
  if (action !== 'retrain' && !also.includes('retrain')) {
    return { key: 'training', text: 'only a `retrain` says what it trains with' }
  }
  if (training !== 'none' && route.transport === 'grpc') {
    return { key: 'training', text: 'messages of gRPC are not read for it' }
  }
  return registersFault(route)
}

function registersFault({ registers, model, transport }: PackRoute): RouteFault | undefined {
  if (registers === undefined) return undefined
  if (model === undefined) {
    return { key: 'registers', text: 'say with `model` of which model a version is made' }
  }
  const isUnnamed = registers.version.length === 0
  if (isUnnamed && registers.held !== true) {
    return { key: 'registers', text: 'without `version` there is nothing to restrict: name one' }
  }
  if (transport === 'grpc' && (!isUnnamed || registers.run !== undefined)) {
    return { key: 'registers', text: 'messages of gRPC are not read for it' }
  }
  return undefined
}

function transportFault(route: PackRoute): RouteFault | undefined {
  const isCall = route.transport === 'grpc'
  if (readsFrom(route, 'proto') && !isCall) {
    return { key: 'transport', text: '`proto` is for gRPC: write `transport: grpc`' }
  }
  if (route.frames !== undefined && route.upgrade === undefined) {
    return { key: 'frames', text: '`frames` needs `upgrade: websocket`' }
  }
  if (!isCall) return undefined
  if (route.listing !== undefined) {
    return { key: 'listing', text: 'an answer of gRPC cannot be filtered' }
  }
  if (route.methods.length !== 1 || route.methods[0] !== 'POST') {
    return { key: 'methods', text: 'a gRPC method is called by POST alone' }
  }
  const other = (['body', 'form', 'query', 'path'] as const).find((key) =>
    originsOf(route).some((origin) => origin[key] !== undefined),
  )
  if (other !== undefined || [route.path].flat().some((path) => path.includes('{'))) {
    return { key: 'path', text: 'a gRPC method has a plain path and fields by `proto` or `header`' }
  }
  return undefined
}

/** Whether the row reads any value from there. */
export function readsFrom(
  route: PackRoute,
  key: 'body' | 'form' | 'query' | 'header' | 'proto',
): boolean {
  if (key === 'body' && readsTraining(route)) return true
  return originsOf(route).some((origin) => origin[key] !== undefined)
}

/** Whether its body says what is trained with, or which version is registered. */
function readsTraining({ training, registers }: PackRoute): boolean {
  if (training !== undefined && training !== 'none') return true
  return registers !== undefined && registrationPaths(registers).length > 0
}

/** Every place where the row reads something. */
function originsOf(route: PackRoute): readonly (PackSource | PackPredicate)[] {
  const others = route.also_on ?? []
  return [
    ...(route.model ?? []),
    ...(route.version ?? []),
    ...others.flatMap(({ model, version = [] }) => [...model, ...version]),
    ...(route.when ?? []),
  ]
}

function unknownParameter(route: PackRoute, pattern: RoutePattern): string | undefined {
  const { version = [], run = [] } = route.registers ?? {}
  const told = [...version, ...run]
  for (const { path } of [...originsOf(route), ...told]) {
    const unknown = [path ?? []].flat().find((name) => !pattern.parameters.includes(name))
    if (unknown !== undefined) return `the path has no parameter {${unknown}}`
  }
  return undefined
}

function fault(layer: PackLayer, index: number, wrong: RouteFault): Diagnostic {
  return finding(layer.positionOf(['routes', index, wrong.key]), 'error', {
    code: 'invalid-route',
    message: `routes.${index}: ${wrong.text}`,
    remedy: 'See the reference of route packs in docs/reference.',
  })
}

function unknownPrefix(layer: PackLayer, index: number, prefixes: Prefixes): Diagnostic {
  const name = layer.document.routes[index]?.prefix ?? ''
  const near = closest(name, Object.keys(prefixes))
  return finding(layer.positionOf(['routes', index, 'prefix']), 'error', {
    code: 'unknown-prefix',
    message: `routes.${index}: there is no prefix \`${name}\``,
    remedy: near === undefined ? 'Define it under `prefixes`.' : `Did you mean \`${near}\`?`,
  })
}

function duplicate(row: RouteRow, earlier: RouteRow): Diagnostic {
  const { line } = earlier.layer.positionOf(['routes', earlier.index])
  return finding(row.layer.positionOf(['routes', row.index, 'path']), 'error', {
    code: 'duplicate-route',
    message: `${row.method} ${row.pattern.text} is never reached: line ${line} takes it`,
    remedy: 'Remove one, or give the earlier one a `when` that tells them apart.',
  })
}
