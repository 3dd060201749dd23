/**
 * Where an operator's file asks for less than the pack it extends. Nothing is refused for it: the
 * operator may mean it. It is said, in `check`, in the log and in the ledger, so that nobody finds
 * out from an incident.
 */
import { isPrivileged, type Action } from '../../domain/vocabulary.ts'
import type {
  PackDocument,
  PackPredicate,
  PackRoute,
  PackSource,
} from '../../settings/schemas/pack.ts'
import type { RowGroup } from './pack-expand.ts'
import type { RoutePattern } from './pattern.ts'

/** What a group of rows asks for less than the one it takes requests from. */
export interface Lowering {
  readonly before: string
  readonly now: string
  /** What is gone that is no action: sources of names, filters, checks of messages. */
  readonly gone: readonly string[]
}

/** How `over` asks for less than `base`; `undefined` when it does not. */
export function loweringOf(base: RowGroup, over: RowGroup): Lowering | undefined {
  const routes = { base: base.rows.map(routeOf), over: over.rows.map(routeOf) }
  const gone = [...lostChecks(routes.base, routes.over), ...lostSources(base, over)]
  if (gone.length === 0 && !asksLess(routes.base, routes.over)) return undefined
  return { before: askedBy(routes.base), now: askedBy(routes.over), gone }
}

function routeOf({ route }: RowGroup['rows'][number]): PackRoute {
  return route
}

type Routes = readonly PackRoute[]

function asksLess(base: Routes, over: Routes): boolean {
  const served = over.filter((route) => route.refuse !== true)
  if (served.length === 0) return false
  const all = new Set(served.flatMap(demandsOf))
  if (base.flatMap(demandsOf).some((demand) => !isMet(demand, all))) return true
  // What every row asked for, every row is to ask for: a request chooses its row.
  const [first, ...rest] = base.map(demandsOf)
  const floor = (first ?? []).filter((demand) => rest.every((demands) => demands.includes(demand)))
  return served.some((route) => {
    const own = new Set(demandsOf(route))
    const twin = base.find((other) => sameWhen(other, route))
    const needed = twin === undefined ? floor : demandsOf(twin)
    return needed.some((demand) => !isMet(demand, own))
  })
}

function sameWhen(a: PackRoute, b: PackRoute): boolean {
  return JSON.stringify(a.when) === JSON.stringify(b.when)
}

/** What no other demand stands in for, one per action and where it is asked. */
function demandsOf(route: PackRoute): string[] {
  if (route.refuse === true) return ['refuse']
  const own = [route.action, ...(route.also ?? [])]
  const guarded = own.filter(isPrivileged)
  return [
    ...own,
    // On the server it is asked for more than on any one model.
    ...(route.model === undefined ? guarded.map((action) => `server ${action}`) : []),
    ...serverActionsOf(route).map((action) => `server ${action}`),
    ...(route.also_on ?? []).map((effect) => `${effect.action} of ${JSON.stringify(effect.model)}`),
  ]
}

/** See `verified` in the schema: what nobody has seen in the source asks for an administrator. */
export function serverActionsOf(route: PackRoute): readonly Action[] {
  const { action, also_server: also = [], verified } = route
  const isGuarded = isPrivileged(action) || also.includes('admin')
  return verified === false && !isGuarded ? [...also, 'admin'] : also
}

/** An ordinary action is also met by a privileged one, and `read` by every other. */
function isMet(demand: string, asked: ReadonlySet<string>): boolean {
  if (asked.has(demand)) return true
  if (demand === 'read') return asked.size > 0
  if (demand !== 'infer' && demand !== 'data:read') return false
  return [...asked].some((other) => isPrivileged(other as Action))
}

const CHECKS = [
  ['frames', 'the check of messages'],
  ['version', 'the version'],
  ['training', 'what it trains with'],
  ['registers', 'which version it registers'],
] as const

function lostChecks(base: Routes, over: Routes): string[] {
  const served = over.filter((route) => route.refuse !== true)
  if (served.length === 0) return []
  const gone = CHECKS.filter(
    ([key]) => base.some((route) => route[key]) && !served.some((route) => route[key]),
  ).map(([, words]) => words)
  const arrays = new Set(served.flatMap(arraysOf))
  const isFiltered = base.flatMap(arraysOf).every((items) => arrays.has(items))
  return [
    ...(isFiltered ? [] : ['the filter of the listing']),
    ...gone,
    ...lostOfMessages(base, served),
    ...(loses(base, served, 'required', 'all') ? ['that every source names a model'] : []),
    ...(loses(base, served, 'combine', 'agree') ? ['that all sources agree'] : []),
  ]
}

function lostOfMessages(base: Routes, served: Routes): string[] {
  const framed = base.find(({ frames }) => frames)?.frames
  const other = served.find(({ frames }) => frames)?.frames
  if (framed === undefined || other === undefined) return []
  const isLess = !isMet(framed.action, new Set<string>([other.action]))
  const isOpen = framed.named === undefined && other.named === true
  const unread = framed.model.filter((path) => !other.model.includes(path))
  return [
    ...(isLess ? [`${framed.action} for messages`] : []),
    ...(isOpen ? ['that a message names the model first'] : []),
    ...unread.map((path) => `the name in ${path} of messages`),
  ]
}

function arraysOf({ listing = [] }: PackRoute): string[] {
  return [listing].flat().map(({ items }) => items)
}

/** A key that says something only where there are several sources. */
function loses(
  base: Routes,
  over: Routes,
  key: 'required' | 'combine',
  strict: 'all' | 'agree',
): boolean {
  const severally = (route: PackRoute): boolean => (route.model ?? []).length > 1
  const had = base.filter(severally)
  if (had.length === 0 || had.some((route) => route[key] !== strict)) return false
  return over.some((route) => severally(route) && route[key] !== strict)
}

/** A name that upstream reads and the rules no longer see. The server is asked for instead of all. */
function lostSources(base: RowGroup, over: RowGroup): string[] {
  const served = over.rows.filter(({ route }) => route.refuse !== true)
  if (served.length === 0 || served.every(({ route }) => route.model === undefined)) return []
  const left = new Set(served.flatMap(({ route }) => sourcesOf(route, over.pattern)))
  const had = new Set(base.rows.flatMap(({ route }) => sourcesOf(route, base.pattern)))
  const isSamePath = base.pattern.shape === over.pattern.shape
  return [...had]
    .filter((source) => !left.has(source) && (isSamePath || !source.startsWith('path ')))
    .map((source) => `the name in ${source}`)
}

function sourcesOf(route: PackRoute, { parameters }: RoutePattern): string[] {
  if (route.refuse === true) return []
  return (route.model ?? []).map((source) => placeOf(source, parameters))
}

/** Parameters by number: `/models/{model}` and `/models/{name}` are one path. */
function placeOf(source: PackSource | PackPredicate, parameters: readonly string[]): string {
  if (source.path !== undefined) {
    const places = [source.path].flat().map((name) => parameters.indexOf(name) + 1)
    return `path parameter ${places.join(' and ')}`
  }
  for (const key of ['query', 'body', 'header', 'form', 'proto'] as const) {
    if (source[key] !== undefined) return `${key} ${source[key]}`
  }
  return 'the name of the upstream'
}

const ROWS_SAID_MAX = 4

/** What rows ask for, for people: `deploy on the model; or read on the server`. */
function askedBy(routes: Routes): string {
  const said = [...new Set(routes.map(askedByRow))]
  const more = said.length - ROWS_SAID_MAX
  return [...said.slice(0, ROWS_SAID_MAX), ...(more > 0 ? [`${more} more`] : [])].join('; or ')
}

function askedByRow(route: PackRoute): string {
  if (route.refuse === true) return 'refused'
  const what = route.resource ?? (route.model === undefined ? 'server' : 'model')
  const own = [route.action, ...(route.also ?? [])].join(', ')
  const server = serverActionsOf(route)
  const others = (route.also_on ?? []).map(({ action }) => `${action} on another model`)
  return [
    `${own} on the ${what}`,
    ...others,
    ...(server.length === 0 ? [] : [`${server.join(', ')} on the server`]),
  ].join(' and ')
}

type Profile = NonNullable<PackDocument['profile']>

/** What a profile takes of a request that the one it replaces refused. */
export function profileLosses(before: Profile, now: Profile): readonly string[] {
  const encoded = (now.encoded ?? '').split('')
  const lost: (string | false)[] = [
    grants(before.decodes_path, now.decodes_path) && 'percent-encoded paths',
    encoded.some((one) => before.encoded?.includes(one) !== true) && 'more encoded characters',
    isWider(before.encoded_in, now.encoded_in) &&
      encoded.length > 0 &&
      'encoded characters in more parameters',
    grants(before.empty_segments, now.empty_segments) && 'empty segments',
    isWider(before.known_query, now.known_query) && 'more query parameters',
    (before.exclusive_query ?? []).some((one) => now.exclusive_query?.includes(one) !== true) &&
      'several query parameters that say what is done',
    grants(now.verbs, before.verbs) && 'verbs that no route has',
  ]
  return lost.filter((text) => text !== false)
}

function grants(before: boolean | undefined, now: boolean | undefined): boolean {
  return before !== true && now === true
}

/** Whether a list, of which none means any, lets more pass. */
function isWider(
  before: readonly string[] | undefined,
  now: readonly string[] | undefined,
): boolean {
  if (before === undefined) return false
  return now === undefined || now.some((one) => !before.includes(one))
}
