/** Compiles one row of a route pack. */
import type { ListingShape } from '../../domain/watch.ts'
import type {
  PackEffect,
  PackListing,
  PackPredicate,
  PackRoute,
  PackSource,
} from '../../settings/schemas/pack.ts'
import { compileFieldTree } from '../body/body-fields.ts'
import { parseName } from '../name-forms.ts'
import { isVersion } from '../names.ts'
import type {
  CompiledEffect,
  CompiledFrames,
  CompiledRow,
  ErrorShape,
  NamedResource,
  NameSource,
  Origin,
  Predicate,
  Test,
} from './compiled-pack.ts'
import { serverActionsOf } from './lowering.ts'
import type { RouteRow } from './pack-expand.ts'
import type { RoutePattern } from './pattern.ts'

/** The row, for one method and one path. `packShape` is the shape of refusals by default. */
export function compileRow({ route, pattern }: RouteRow, packShape: ErrorShape): CompiledRow {
  return {
    routeId: route.id ?? `${route.methods[0] ?? ''} ${pattern.text}`,
    when: (route.when ?? []).map((predicate) => compilePredicate(predicate, pattern)),
    actions: [route.action, ...(route.also ?? [])],
    serverActions: serverActionsOf(route),
    ...compileNamed(route, pattern),
    effects: (route.also_on ?? []).map((effect) => compileEffect(effect, pattern)),
    upgrade: route.upgrade === 'websocket',
    errorShape: route.error_shape ?? packShape,
    refused: route.refuse === true,
    verified: route.verified !== false,
    listing: route.listing && [route.listing].flat().map(compileListing),
    frames: route.frames && compileFrames(route.frames),
  }
}

function compileNamed(route: PackRoute, pattern: RoutePattern): NamedResource {
  const { model = [], version = [], required, combine } = route
  return {
    resource: route.resource ?? (model.length > 0 ? 'model' : 'server'),
    names: model.map((source) => compileSource(source, pattern)),
    versions: version.map((source) => compileSource(source, pattern)),
    required,
    combine,
  }
}

function compileEffect(effect: PackEffect, pattern: RoutePattern): CompiledEffect {
  const { action, resource, model, version = [], combine } = effect
  return {
    action,
    resource,
    names: model.map((source) => compileSource(source, pattern)),
    versions: version.map((source) => compileSource(source, pattern)),
    required: 'any',
    combine,
  }
}

function compileSource(source: PackSource, pattern: RoutePattern): NameSource {
  return { origin: compileOrigin(source, pattern), form: source.as, under: source.under }
}

function compileOrigin(source: PackSource | PackPredicate, pattern: RoutePattern): Origin {
  if (source.path !== undefined) {
    const captures = [source.path].flat().map((name) => pattern.parameters.indexOf(name))
    return { kind: 'path', captures }
  }
  for (const kind of ['query', 'body', 'header', 'form', 'proto'] as const) {
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
  if (predicate.suffix !== undefined) return { kind: 'suffix', values: predicate.suffix }
  if (predicate.empty === true) return { kind: 'empty' }
  return { kind: predicate.present === true ? 'present' : 'absent' }
}

function compileFrames(frames: NonNullable<PackRoute['frames']>): CompiledFrames {
  const { action, model, as } = frames
  return { action, tree: compileFieldTree(model), paths: model, form: as }
}

function compileListing(listing: PackListing): ListingShape {
  const { items, name: names, version: versionField, as: form, resource: kind } = listing
  return {
    items: items === '' ? [] : items.split('.'),
    read(element) {
      const texts = names.length === 0 ? [element] : names.map((path) => memberAt(element, path))
      const said = texts.filter((text) => text !== undefined)
      const [text] = said
      if (typeof text !== 'string' || said.some((other) => other !== text)) return undefined
      const parsed = parseName(form, text)
      if (parsed === undefined || versionField === undefined) {
        return parsed && { kind, ...parsed }
      }
      const version = memberAt(element, versionField)
      // Some systems leave the version of a model that has none empty.
      if (version === undefined || version === '') return { kind, ...parsed }
      if (typeof version !== 'string' && typeof version !== 'number') return undefined
      const { name } = parsed
      return isVersion(`${version}`) ? { kind, name, version: `${version}` } : undefined
    },
  }
}

function memberAt(element: unknown, path: string): unknown {
  let value = element
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value ?? undefined
}
