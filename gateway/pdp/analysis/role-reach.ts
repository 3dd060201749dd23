/** Who holds what through `g` rows, in both directions and with the chain that leads there. */
import { ANYONE, type RoleLink } from '../policy/rule.ts'

/** What a principal of a token leads to. Immutable. */
export interface RoleReach {
  /** Every principal the links name, and `role:anyone`. */
  readonly principals: ReadonlySet<string>
  /**
   * What whoever has `principal` holds, with the shortest chain to each: `principal` itself first.
   * What everybody holds is left out, unless `principal` is `role:anyone`.
   */
  heldBy(principal: string): ReadonlyMap<string, readonly string[]>
  /** Whoever holds `held`, itself included. */
  holdersOf(held: string): readonly string[]
}

/** Walks the links; they are acyclic and shallow, as the loader has checked. */
export function createRoleReach(links: readonly RoleLink[]): RoleReach {
  const roles = new Map<string, Set<string>>()
  const members = new Map<string, Set<string>>()
  for (const { member, role } of links) {
    add(roles, member, role)
    add(members, role, member)
  }
  const everybody = walk(roles, ANYONE)
  const kept = new Map<string, ReadonlyMap<string, readonly string[]>>()
  return {
    principals: new Set([ANYONE, ...roles.keys(), ...members.keys()]),
    heldBy(principal) {
      const known = kept.get(principal)
      if (known !== undefined) return known
      const held = walk(roles, principal)
      if (principal !== ANYONE) {
        for (const name of everybody.keys()) if (name !== principal) held.delete(name)
      }
      kept.set(principal, held)
      return held
    },
    holdersOf: (held) => [...walk(members, held).keys()],
  }
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, new Set([value]))
  else known.add(value)
}

function walk(
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
): Map<string, readonly string[]> {
  const chains = new Map<string, readonly string[]>([[from, [from]]])
  // A map grows while it is walked: first come the shortest chains.
  for (const [name, chain] of chains) {
    for (const next of edges.get(name) ?? []) {
      if (!chains.has(next)) chains.set(next, [...chain, next])
    }
  }
  return chains
}
