/**
 * Finds circles and long chains among `g` rows. Everything here is iterative and follows each link
 * a fixed number of times, so that the densest graph takes time in proportion to its rows.
 */
import type { RoleLink } from './rule.ts'

/** Who is given what, in the order of the file. */
export type RolesOf = ReadonlyMap<string, ReadonlySet<string>>

const NOTHING: ReadonlySet<string> = new Set()

interface Visit {
  readonly name: string
  readonly rest: Iterator<string>
}

/**
 * For each group of roles that all lead to one another, one shortest circle through the first link
 * of the group in the file.
 */
export function circlesOf(links: readonly RoleLink[], roles: RolesOf): Circle[] {
  const knots = knotsOf(roles)
  const told = new Set<number>()
  const circles: Circle[] = []
  for (const link of links) {
    const knot = knots.get(link.member)
    if (knot === undefined || knot !== knots.get(link.role) || link.member === link.role) continue
    if (told.has(knot)) continue
    told.add(knot)
    const inside = (name: string) => knots.get(name) === knot
    circles.push({ link, path: [link.member, ...wayBack(link, roles, inside)] })
  }
  return circles
}

/** A circle: the row it is reported at, and its names, the first one again at the end. */
export interface Circle {
  readonly link: RoleLink
  readonly path: readonly string[]
}

/** The shortest way from the role of `link` to its member, both included, within one knot. */
function wayBack(link: RoleLink, roles: RolesOf, inside: (name: string) => boolean): string[] {
  const cameFrom = new Map<string, string | undefined>([[link.role, undefined]])
  for (const name of cameFrom.keys()) {
    if (name === link.member) break
    for (const next of roles.get(name) ?? NOTHING) {
      if (inside(next) && !cameFrom.has(next)) cameFrom.set(next, name)
    }
  }
  const path: string[] = []
  for (let at: string | undefined = link.member; at !== undefined; at = cameFrom.get(at)) {
    path.push(at)
  }
  return path.reverse()
}

/** Tarjan's strongly connected components, iteratively: the number of the knot of each name. */
function knotsOf(roles: RolesOf): ReadonlyMap<string, number> {
  const order = new Map<string, number>()
  const lowest = new Map<string, number>()
  const open: string[] = []
  const knots = new Map<string, number>()
  const lower = (name: string, to: number) => {
    lowest.set(name, Math.min(lowest.get(name) ?? to, to))
  }
  const enter = (name: string): Visit => {
    order.set(name, order.size)
    lower(name, order.size - 1)
    open.push(name)
    return { name, rest: (roles.get(name) ?? NOTHING)[Symbol.iterator]() }
  }
  const leave = (name: string) => {
    if (lowest.get(name) !== order.get(name)) return
    for (let member = open.pop(); member !== undefined; member = open.pop()) {
      knots.set(member, order.get(name) ?? 0)
      if (member === name) return
    }
  }
  for (const start of roles.keys()) {
    if (order.has(start)) continue
    const stack = [enter(start)]
    for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
      const next = visit.rest.next()
      if (next.done === true) {
        stack.pop()
        leave(visit.name)
        const parent = stack.at(-1)
        if (parent !== undefined) lower(parent.name, lowest.get(visit.name) ?? 0)
      } else if (!order.has(next.value)) stack.push(enter(next.value))
      else if (!knots.has(next.value)) lower(visit.name, order.get(next.value) ?? 0)
    }
  }
  return knots
}

/** For each name the role that starts its longest chain, and how many links that chain has. */
export type Chains = ReadonlyMap<string, { readonly depth: number; readonly by: string }>

/** The longest chain from each member. `roles` must have no circles. */
export function chainsOf(roles: RolesOf): Chains {
  const chains = new Map<string, { depth: number; by: string }>()
  const done = new Set<string>()
  for (const start of roles.keys()) {
    const stack = [start]
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      const given = done.has(name) ? NOTHING : (roles.get(name) ?? NOTHING)
      const height = stack.length
      for (const role of given) if (!done.has(role)) stack.push(role)
      // What it leads to comes first; then it is at the top again, and everything is known.
      if (stack.length > height) continue
      stack.pop()
      done.add(name)
      const longest = longestOf(given, chains)
      if (longest !== undefined) chains.set(name, longest)
    }
  }
  return chains
}

function longestOf(given: ReadonlySet<string>, chains: Chains) {
  let longest: { depth: number; by: string } | undefined
  for (const by of given) {
    const depth = (chains.get(by)?.depth ?? 0) + 1
    if (depth > (longest?.depth ?? 0)) longest = { depth, by }
  }
  return longest
}

/** The names along the longest chain from `name`. */
export function chainPath(chains: Chains, name: string): string[] {
  const path = [name]
  for (let at = chains.get(name); at !== undefined; at = chains.get(at.by)) path.push(at.by)
  return path
}

/** How many roles `name` comes to hold; stops counting past `max`. */
export function closureSize(roles: RolesOf, name: string, max: number): number {
  const held = new Set([name])
  for (const each of held) {
    for (const role of roles.get(each) ?? NOTHING) held.add(role)
    if (held.size > max + 1) break
  }
  return held.size - 1
}
