/**
 * Which conditions would have to be known true or false for an expression to be. In Kleene's logic
 * an expression has a definite truth exactly when one of these sets holds, so that nothing is tried
 * out and nothing is missed.
 */
import type { Truth } from '../../domain/access.ts'
import type { Expression } from '../policy/expression.ts'

/** A definite truth. */
export type Wanted = 'true' | 'false'

/** Conditions by name, with the truth that each must have. */
export type Needs = ReadonlyMap<string, Wanted>

/** Sets of needs, any of which is enough. */
export interface Ways {
  readonly list: readonly Needs[]
  /** False when there were too many to keep; those that change the least were kept. */
  readonly complete: boolean
}

/** Alternatives kept at any moment: an expression of 128 tokens can have billions. */
const ALTERNATIVES_MAX = 64

type TruthOf = (name: string) => Truth

/** The ways for `expression` to be `wanted`. */
export function waysToBe(expression: Expression, wanted: Wanted, truthOf: TruthOf): Ways {
  switch (expression.type) {
    case 'name':
      return waysOfName(expression.name, wanted)
    case 'not':
      return waysToBe(expression.operand, wanted === 'true' ? 'false' : 'true', truthOf)
    case 'and':
    case 'or': {
      const left = waysToBe(expression.left, wanted, truthOf)
      const right = waysToBe(expression.right, wanted, truthOf)
      const needsBoth = (expression.type === 'and') === (wanted === 'true')
      if (needsBoth) return combined(left, right, truthOf)
      return kept([...left.list, ...right.list], left.complete && right.complete, truthOf)
    }
  }
}

function waysOfName(name: string, wanted: Wanted): Ways {
  if (name !== 'always') return { list: [new Map([[name, wanted]])], complete: true }
  return { list: wanted === 'true' ? [new Map()] : [], complete: true }
}

/** The ways for both at once; what would need one condition to be both true and false is none. */
export function combined(a: Ways, b: Ways, truthOf: TruthOf): Ways {
  const list: Needs[] = []
  for (const one of a.list) {
    for (const other of b.list) {
      const both = merged(one, other)
      if (both !== undefined) list.push(both)
    }
  }
  return kept(list, a.complete && b.complete, truthOf)
}

function merged(one: Needs, other: Needs): Needs | undefined {
  const both = new Map(one)
  for (const [name, wanted] of other) {
    const known = both.get(name)
    if (known !== undefined && known !== wanted) return undefined
    both.set(name, wanted)
  }
  return both
}

/** Without those that hold another one, the least change first, bounded. */
function kept(list: readonly Needs[], complete: boolean, truthOf: TruthOf): Ways {
  const changes = (needs: Needs) => [...needs].filter(([n, wanted]) => truthOf(n) !== wanted).length
  const ranked = list
    .map((needs) => ({ needs, cost: changes(needs) }))
    .sort((a, b) => a.cost - b.cost || a.needs.size - b.needs.size)
  const found: Needs[] = []
  for (const { needs } of ranked) {
    if (found.some((other) => isWithin(other, needs))) continue
    if (found.length === ALTERNATIVES_MAX) return { list: found, complete: false }
    found.push(needs)
  }
  return { list: found, complete }
}

function isWithin(part: Needs, whole: Needs): boolean {
  for (const [name, wanted] of part) if (whole.get(name) !== wanted) return false
  return true
}
