/**
 * Functions of three-valued conditions, as ordered decision diagrams with shared nodes: two
 * functions are equal exactly when their numbers are, and one can hold exactly when its number is
 * not {@link NEVER}. Conditions are independent of each other here: any of them may be true, false
 * or unknown, whatever the others are.
 */
import type { Truth } from '../../domain/access.ts'
import { GatewayError } from '../../domain/errors.ts'

/** A function that holds or not; a number that means something to its own {@link Diagrams} only. */
export type Diagram = number

/** Holds under no circumstances. */
export const NEVER: Diagram = 0
/** Holds under all circumstances. */
export const ALWAYS: Diagram = 1

/** The three truths, in the order of the branches of a node. */
export const TRUTHS: readonly Truth[] = ['true', 'false', 'unknown']

/** One node: by the truth of `variable`. */
export interface Branches {
  readonly variable: number
  /** In the order of {@link TRUTHS}. */
  readonly next: readonly [Diagram, Diagram, Diagram]
}

/** See the module. */
export interface Diagrams {
  /** Holds when the variable has one of the truths. */
  readonly test: (variable: number, ...truths: readonly Truth[]) => Diagram
  readonly and: (a: Diagram, b: Diagram) => Diagram
  readonly or: (a: Diagram, b: Diagram) => Diagram
  readonly not: (a: Diagram) => Diagram
  /** The branches of a function that is neither {@link NEVER} nor {@link ALWAYS}. */
  branchesOf(a: Diagram): Branches
  /** Whether it holds when each variable has the truth that `truthOf` gives. */
  holds(a: Diagram, truthOf: (variable: number) => Truth): boolean
}

/** Nodes of one comparison; past it the conditions are tangled beyond what can be shown anyway. */
const NODES_MAX = 1_000_000
/** Combinations that are remembered. */
const STEPS_MAX = 8_000_000

/** Starts an empty set of diagrams. Its operations throw ERR_RULES_INVALID past a million nodes. */
export function createDiagrams(nodesMax = NODES_MAX): Diagrams {
  const nodes: (Branches | undefined)[] = [undefined, undefined]
  const unique = new Map<string, Diagram>()

  const node = (variable: number, next: Branches['next']): Diagram => {
    const [t, f, u] = next
    if (t === f && f === u) return t
    const key = `${variable},${t},${f},${u}`
    const known = unique.get(key)
    if (known !== undefined) return known
    if (nodes.length >= nodesMax) throw tooTangled()
    const made = nodes.push({ variable, next }) - 1
    unique.set(key, made)
    return made
  }
  const branchesOf = (a: Diagram): Branches => {
    const found = nodes[a]
    if (found === undefined) throw new GatewayError('ERR_INTERNAL', 'a constant has no branches')
    return found
  }
  const and = conjunction(nodes, node, nodesMax)
  const not = negation(nodes, node)
  return {
    test(variable, ...truths) {
      const at = (truth: Truth) => (truths.includes(truth) ? ALWAYS : NEVER)
      return node(variable, [at('true'), at('false'), at('unknown')])
    },
    and,
    not,
    or: (a, b) => not(and(not(a), not(b))),
    branchesOf,
    holds(a, truthOf) {
      let at = a
      while (at > ALWAYS) {
        const { variable, next } = branchesOf(at)
        at = next[TRUTHS.indexOf(truthOf(variable)) as 0 | 1 | 2]
      }
      return at === ALWAYS
    },
  }
}

type Nodes = readonly (Branches | undefined)[]
type MakeNode = (variable: number, next: Branches['next']) => Diagram

function conjunction(nodes: Nodes, node: MakeNode, nodesMax: number) {
  const memo = new Map<number, Diagram>()
  const and = (a: Diagram, b: Diagram): Diagram => {
    if (a === b || b === ALWAYS) return a
    if (a === ALWAYS) return b
    if (a === NEVER || b === NEVER) return NEVER
    const key = Math.min(a, b) * nodesMax + Math.max(a, b)
    const known = memo.get(key)
    if (known !== undefined) return known
    if (memo.size >= STEPS_MAX) throw tooTangled()
    const variable = Math.min(nodes[a]?.variable ?? Infinity, nodes[b]?.variable ?? Infinity)
    const left = nextOf(nodes, a, variable)
    const right = nextOf(nodes, b, variable)
    const made = node(variable, [
      and(left[0], right[0]),
      and(left[1], right[1]),
      and(left[2], right[2]),
    ])
    memo.set(key, made)
    return made
  }
  return and
}

function nextOf(nodes: Nodes, a: Diagram, variable: number): Branches['next'] {
  const found = nodes[a]
  return found?.variable === variable ? found.next : [a, a, a]
}

function negation(nodes: Nodes, node: MakeNode) {
  const memo = new Map<Diagram, Diagram>()
  const not = (a: Diagram): Diagram => {
    if (a <= ALWAYS) return a === NEVER ? ALWAYS : NEVER
    const known = memo.get(a)
    if (known !== undefined) return known
    const { variable, next } = nodes[a] ?? { variable: 0, next: [a, a, a] as const }
    const made = node(variable, [not(next[0]), not(next[1]), not(next[2])])
    memo.set(a, made)
    memo.set(made, a)
    return made
  }
  return not
}

function tooTangled(): GatewayError {
  return new GatewayError(
    'ERR_RULES_INVALID',
    'the conditions of these rules are combined in more ways than can be told apart in reasonable ' +
      'time. Nothing was compared. Write fewer different conditions per subject and resource.',
  )
}
