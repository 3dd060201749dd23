/** Finds the route of a path: exact, segment by segment, without patterns over what callers send. */
import type { ApiRoute } from './api-route.ts'

/** What a path leads to. */
export interface FoundRoute {
  /** By method; empty when there is no such path. */
  readonly routes: readonly ApiRoute[]
  /** Decoded. */
  readonly params: Readonly<Record<string, string>>
}

/** Longest path that is looked at. */
const PATH_MAX = 2_048
const SEGMENT_MAX = 512

/** Looks paths up in `routes`. @throws Error when two have the same method and path */
export function createRouteTable(
  routes: readonly ApiRoute[],
): (path: string) => FoundRoute | undefined {
  const compiled = compile(routes)
  return (path) => {
    if (path.length > PATH_MAX) return undefined
    const segments = path.split('/').slice(1)
    for (const one of compiled) {
      const params = matched(one.segments, segments)
      if (params !== undefined) return { routes: one.routes, params }
    }
    return undefined
  }
}

interface Compiled {
  readonly segments: readonly string[]
  readonly routes: ApiRoute[]
}

/** Those without parameters first: `/v1/x/y` is never an `{id}` of `/v1/x`. */
function compile(routes: readonly ApiRoute[]): readonly Compiled[] {
  const byPath = new Map<string, Compiled>()
  for (const route of routes) {
    const one = byPath.get(route.path) ?? { segments: route.path.split('/').slice(1), routes: [] }
    if (one.routes.some(({ method }) => method === route.method)) {
      throw new Error(`two routes for ${route.method} ${route.path}`)
    }
    one.routes.push(route)
    byPath.set(route.path, one)
  }
  const variables = ({ segments }: Compiled) => segments.filter(isVariable).length
  return [...byPath.values()].sort((a, b) => variables(a) - variables(b))
}

function matched(
  template: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (template.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, wanted] of template.entries()) {
    const segment = segments[index] ?? ''
    if (!isVariable(wanted)) {
      if (wanted !== segment) return undefined
      continue
    }
    const value = decoded(segment)
    if (value === undefined) return undefined
    params[wanted.slice(1, -1)] = value
  }
  return params
}

function isVariable(segment: string): boolean {
  return segment.startsWith('{')
}

/** A segment that is empty, too long, badly encoded or holds control characters is none. */
function decoded(segment: string): string | undefined {
  if (segment === '' || segment.length > SEGMENT_MAX * 3) return undefined
  try {
    const text = decodeURIComponent(segment)
    return text.length > SEGMENT_MAX || /\p{Cc}/u.test(text) ? undefined : text
  } catch {
    return undefined
  }
}
