/** Compiles one row of a route pack. */
import { withoutCase } from '../../domain/letter-case.ts'
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
import { compileRegistration, registrationPaths } from './registration.ts'
import { compileTraining, trainingPaths } from './training.ts'

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
    answers: route.answers,
    listing: route.listing && [route.listing].flat().map(compileListing),
    frames: route.frames && compileFrames(route.frames, route.model),
    ...compileTrained(route, pattern),
  }
}

function compileTrained(
  { training, registers }: PackRoute,
  { parameters }: RoutePattern,
): Pick<CompiledRow, 'training' | 'registers' | 'trainingPaths' | 'registeredQuery'> {
  const trains = training === 'none' ? undefined : training
  return {
    training: training === 'none' ? training : trains && compileTraining(trains),
    registers: registers && compileRegistration(registers, parameters),
    registeredQuery: (registers?.version ?? []).flatMap(({ query }) => query ?? []),
    trainingPaths: [
      ...(trains === undefined ? [] : trainingPaths(trains)),
      ...(registers === undefined ? [] : registrationPaths(registers)),
    ],
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

function compileFrames(
  { action, model, as, named }: NonNullable<PackRoute['frames']>,
  ofRequest: PackRoute['model'] = [],
): CompiledFrames {
  const isNamed = named === true || ofRequest.length > 0
  return { action, tree: compileFieldTree(model), paths: model, form: as, isNamed }
}

function compileListing(listing: PackListing): ListingShape {
  const { items, name: names, version, as: form, resource: kind } = listing
  const ways = [...names, ...(version === undefined ? [] : [version])].map((path) =>
    path.split('.'),
  )
  return {
    items: items === '' ? [] : items.split('.'),
    read(element) {
      if (ways.some((way) => hasTwin(element, way))) return undefined
      const texts = names.length === 0 ? [element] : names.map((path) => memberAt(element, path))
      const said = texts.filter((text) => text !== undefined)
      const [text] = said
      if (typeof text !== 'string' || said.some((other) => other !== text)) return undefined
      const parsed = parseName(form, text)
      if (parsed === undefined || version === undefined) return parsed && { kind, ...parsed }
      const value = versionText(memberAt(element, version))
      // Some systems leave the version of a model that has none empty.
      if (value === '') return { kind, ...parsed }
      return isVersion(value) ? { kind, name: parsed.name, version: value } : undefined
    },
  }
}

/** Empty when there is none; what is no version when it cannot be told. */
function versionText(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  // A number past 2^53 was another one in the text.
  return typeof value === 'number' && Number.isSafeInteger(value) ? `${value}` : '?'
}

/** Whether a key on the way is there in another case, where a client in Go may read that one. */
function hasTwin(value: unknown, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined || typeof value !== 'object' || value === null) return false
  const wanted = withoutCase(name)
  for (const key of Object.keys(value)) {
    if (key.length === name.length && key !== name && withoutCase(key) === wanted) return true
  }
  return hasTwin((value as Readonly<Record<string, unknown>>)[name], rest)
}

function memberAt(element: unknown, path: string): unknown {
  let value = element
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value ?? undefined
}
