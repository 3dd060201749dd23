/** Puts the routes of a server beside those of its pack, by pattern: no request is sent. */
import type { CompiledPack, MethodGroup } from '../../classify/pack/compiled-pack.ts'
import { METHODS, type Method } from '../../domain/request.ts'
import { strongest, type Proposal } from './proposal.ts'
import type { ServedRoute } from './served-routes.ts'
import { isWider, samplesOf } from './template.ts'
import type { Action } from '../../domain/vocabulary.ts'

/** A route that the pack takes. */
export interface MappedRoute {
  readonly route: ServedRoute
  /** The strongest of the actions that its rows ask for. */
  readonly action: Action
  /** The route of the pack that takes it. */
  readonly by: string
  /** Whether that route takes a word of this one for a name: it may not know this one at all. */
  readonly wider: boolean
}

/** A route that nothing of the pack takes, and what a row for it would say. */
export interface UnmappedRoute {
  readonly route: ServedRoute
  readonly proposal: Proposal
}

/** The routes of a server beside its pack. */
export interface Comparison {
  readonly unmapped: readonly UnmappedRoute[]
  readonly mapped: readonly MappedRoute[]
  /** Known and never served, and methods that the gateway does not carry. */
  readonly refused: readonly ServedRoute[]
  /** `METHOD /path` of the pack that no listed route is. gRPC methods are not listed by anybody. */
  readonly absent: readonly string[]
  /** HEAD and OPTIONS that frameworks add to another method of the same path. */
  readonly companions: number
}

/** Compares. @param propose what a row for an unmapped route would say */
export function compareRoutes(
  pack: CompiledPack,
  routes: readonly ServedRoute[],
  propose: (route: ServedRoute) => Proposal,
): Comparison {
  const unmapped: UnmappedRoute[] = []
  const mapped: MappedRoute[] = []
  const refused: ServedRoute[] = []
  const { own, companions } = withoutCompanions(routes)
  const paths = new Map(pack.routes.map(({ row, path }) => [row, path]))
  const seen = new Set<string>()
  for (const route of own) {
    const groups = groupsFor(pack, route)
    if (groups === 'never') refused.push(route)
    else if (groups === undefined) unmapped.push({ route, proposal: propose(route) })
    else {
      const taken = groups.map(({ rows }) => (rows[0] === undefined ? '' : (paths.get(rows[0]) ?? '')))
      for (const path of taken) seen.add(`${route.method} ${path}`)
      const actions = groups.flatMap((group) => actionsOf(group))
      const action = strongest(actions)
      const by = taken[0] ?? ''
      if (action === undefined) refused.push(route)
      else mapped.push({ route, action, by, wider: isWider(by, route.path) })
    }
  }
  return { unmapped, mapped, refused, absent: absentFrom(pack, seen), companions }
}

/** The rows for each of the sample paths; `never` for a method that is not carried. */
function groupsFor(
  pack: CompiledPack,
  { method, path }: ServedRoute,
): readonly MethodGroup[] | 'never' | undefined {
  if (!(METHODS as readonly string[]).includes(method)) return 'never'
  const groupOf = (segments: readonly string[]): MethodGroup | undefined =>
    pack.matcher.match(segments)?.value.methods.get(method as Method)
  const { all, deeper } = samplesOf(path)
  const found = all.map(groupOf)
  const groups = found.filter((group) => group !== undefined)
  if (groups.length === found.length) return groups
  const below = deeper === undefined ? undefined : groupOf(deeper)
  return below === undefined ? undefined : [below]
}

/** What a caller needs at most; empty when no row is served. */
function actionsOf(group: MethodGroup): readonly Action[] {
  const served = group.rows.filter((row) => !row.refused)
  return served.flatMap(({ actions, serverActions }) => [...actions, ...serverActions])
}

function absentFrom(pack: CompiledPack, seen: ReadonlySet<string>): readonly string[] {
  const own = pack.routes
    .filter(({ transport, row }) => transport === 'http' && !row.refused)
    .map(({ method, path }) => `${method} ${path}`)
  return [...new Set(own)].filter((route) => !seen.has(route))
}

function withoutCompanions(routes: readonly ServedRoute[]): {
  readonly own: readonly ServedRoute[]
  readonly companions: number
} {
  const distinct = new Map<string, ServedRoute>()
  for (const route of routes) {
    const key = JSON.stringify([route.method, route.path])
    if (!distinct.has(key)) distinct.set(key, route)
  }
  const all = [...distinct.values()]
  const isCompanion = ({ method }: ServedRoute): boolean =>
    method === 'HEAD' || method === 'OPTIONS'
  const main = new Set(all.filter((route) => !isCompanion(route)).map(({ path }) => path))
  const own = all.filter((route) => !isCompanion(route) || !main.has(route.path))
  return { own, companions: all.length - own.length }
}
