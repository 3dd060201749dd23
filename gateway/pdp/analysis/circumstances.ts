/** A function of conditions, written so that people can read it: a short `|` of `&`. */
import type { Truth } from '../../domain/access.ts'
import { ALWAYS, NEVER, TRUTHS, type Diagram, type Diagrams } from './diagrams.ts'

/** What one condition must be. */
export interface Literal {
  readonly condition: string
  /** One or two of the three; all three would say nothing. */
  readonly truths: readonly Truth[]
}

/** When something holds. `always` and `never` have no terms to speak of. */
export interface Circumstances {
  /** `mfa & corp-network | vault-network`. */
  readonly text: string
  /** Any of these, in each of which all literals hold; absent when there are too many to read. */
  readonly terms?: readonly (readonly Literal[])[]
}

/** Terms past this are no help to anybody. */
const TERMS_MAX = 24
const PATHS_MAX = 512

/** Which truths are allowed, one bit for each of {@link TRUTHS}. */
type Mask = number
const ANY: Mask = 7

type Cube = ReadonlyMap<number, Mask>

/**
 * Writes `diagram` as a short sum of products: each term as wide as it can be, none superfluous.
 * Not always the shortest there is. `otherwise` is what is said when there are too many terms.
 */
export function circumstancesOf(
  diagrams: Diagrams,
  diagram: Diagram,
  labelOf: (variable: number) => string,
  otherwise = 'many combinations of conditions',
): Circumstances {
  if (diagram === ALWAYS) return { text: 'always', terms: [[]] }
  if (diagram === NEVER) return { text: 'never', terms: [] }
  const cubes = coverOf(diagrams, diagram)
  if (cubes === undefined) return { text: otherwise }
  const terms = cubes.map((cube) =>
    [...cube].map(([variable, mask]) => ({
      condition: labelOf(variable),
      truths: TRUTHS.filter((_, i) => (mask & (1 << i)) !== 0),
    })),
  )
  terms.sort((a, b) => a.length - b.length)
  return { text: terms.map((term) => term.map(literalText).join(' & ')).join(' | '), terms }
}

/** How one literal is written in text: `mfa`, `!mfa`, `mfa unknown`, … */
function literalText({ condition, truths }: Literal): string {
  switch (truths.join(' ')) {
    case 'true':
      return condition
    case 'false':
      return `!${condition}`
    case 'unknown':
      return `${condition} unknown`
    case 'true false':
      return `${condition} known`
    case 'true unknown':
      return `${condition} not ruled out`
    default:
      return `${condition} not met`
  }
}

function coverOf(diagrams: Diagrams, diagram: Diagram): Cube[] | undefined {
  const paths: Cube[] = []
  if (!collectPaths({ diagrams, paths }, diagram, new Map())) return undefined
  const wide = paths.map((cube) => widened(diagrams, diagram, cube))
  const kept = withoutSuperfluous(diagrams, distinct(wide))
  return kept.length > TERMS_MAX ? undefined : kept
}

interface Walk {
  readonly diagrams: Diagrams
  readonly paths: Cube[]
}

/** Every way to {@link ALWAYS}; false when there are more than can be used. */
function collectPaths(walk: Walk, at: Diagram, cube: Cube): boolean {
  if (at === NEVER) return true
  if (at === ALWAYS) return walk.paths.push(cube) <= PATHS_MAX
  const { variable, next } = walk.diagrams.branchesOf(at)
  for (const target of new Set(next)) {
    const mask = next.reduce((bits, to, i) => (to === target ? bits | (1 << i) : bits), 0)
    if (!collectPaths(walk, target, new Map([...cube, [variable, mask]]))) return false
  }
  return true
}

/** Leaves out what need not be said, and then says less of what must be. */
function widened(diagrams: Diagrams, diagram: Diagram, cube: Cube): Cube {
  const wide = new Map(cube)
  const tryMask = (variable: number, mask: Mask): boolean => {
    const before = wide.get(variable) ?? ANY
    if (mask === before) return false
    wide.set(variable, mask)
    if (isWithin(diagrams, diagram, wide)) return true
    wide.set(variable, before)
    return false
  }
  for (const variable of cube.keys()) tryMask(variable, ANY)
  for (const [variable, mask] of cube) {
    if (wide.get(variable) !== ANY) for (const bit of [4, 2, 1]) tryMask(variable, mask | bit)
  }
  for (const [variable, mask] of wide) if (mask === ANY) wide.delete(variable)
  return wide
}

/** Whether `diagram` holds everywhere in `cube`. */
function isWithin(diagrams: Diagrams, diagram: Diagram, cube: Cube): boolean {
  const seen = new Set<Diagram>()
  const walk = (at: Diagram): boolean => {
    if (at <= ALWAYS) return at === ALWAYS
    if (seen.has(at)) return true
    seen.add(at)
    const { variable, next } = diagrams.branchesOf(at)
    const mask = cube.get(variable) ?? ANY
    return next.every((to, i) => (mask & (1 << i)) === 0 || walk(to))
  }
  return walk(diagram)
}

function distinct(cubes: readonly Cube[]): Cube[] {
  const byKey = new Map(cubes.map((cube) => [[...cube].sort(byVariable).join(';'), cube]))
  return [...byKey.values()]
}

function byVariable(a: readonly [number, Mask], b: readonly [number, Mask]): number {
  return a[0] - b[0]
}

function withoutSuperfluous(diagrams: Diagrams, cubes: readonly Cube[]): Cube[] {
  const kept = [...cubes].sort((a, b) => a.size - b.size)
  for (const cube of [...kept].reverse()) {
    const others = kept.filter((other) => other !== cube)
    const union = others.reduce(
      (sum, other) => diagrams.or(sum, cubeDiagram(diagrams, other)),
      NEVER,
    )
    if (isWithin(diagrams, union, cube)) kept.splice(kept.indexOf(cube), 1)
  }
  return kept
}

function cubeDiagram(diagrams: Diagrams, cube: Cube): Diagram {
  return [...cube].reduce((product, [variable, mask]) => {
    const truths = TRUTHS.filter((_, i) => (mask & (1 << i)) !== 0)
    return diagrams.and(product, diagrams.test(variable, ...truths))
  }, ALWAYS)
}

/** One way in which `diagram` holds: the truth of each variable that matters. */
export function exampleOf(diagrams: Diagrams, diagram: Diagram): ReadonlyMap<number, Truth> {
  const truths = new Map<number, Truth>()
  let at = diagram
  while (at > ALWAYS) {
    const { variable, next } = diagrams.branchesOf(at)
    const i = next.findIndex((to) => to !== NEVER)
    truths.set(variable, TRUTHS[i] ?? 'unknown')
    at = next[i] ?? NEVER
  }
  return truths
}
