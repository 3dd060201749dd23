/**
 * Finds the most specific pattern for a path with one walk down a tree of segments. A literal beats
 * an affix, an affix a parameter, a parameter a rest, from the left. Each tree node is visited at
 * most once (below a rest with something behind it: once for every place where it can end), and
 * what is visited depends on the path, not on how many routes there are.
 */
import { invariant } from '../../domain/errors.ts'
import { Literals } from './literals.ts'
import { matchesSegment, type PatternSegment, type RoutePattern } from './pattern.ts'

/** What was found, and the text of the pattern's parameters in order. */
export interface Match<T> {
  readonly value: T
  readonly captures: readonly string[]
}

/** A compiled set of patterns. */
export interface Matcher<T> {
  /** @param segments of a parsed request target */
  match(segments: readonly string[]): Match<T> | undefined
}

/**
 * Every field is there from the start, and a literal at the end of a pattern has no node: with thousands
 * of routes in use, each object on the way to one is read from memory anew.
 */
class Node<T> {
  readonly literals = new Literals<Node<T>>()
  /** What is found when the path ends with that literal. */
  readonly ends = new Literals<T>()
  /** The `affixes` by what they end in, as long as each is nothing but a verb behind a colon. */
  verbs: Map<string, Affixed<T>> | undefined
  /** Longest literal parts first. */
  readonly affixes: Affixed<T>[] = []
  parameter: Node<T> | undefined
  /** What is behind a rest in the middle of a pattern. */
  spread: Node<T> | undefined
  rest: T | undefined
  /** What is found when the path ends here, with a parameter. */
  leaf: T | undefined
}

interface Affixed<T> {
  readonly segment: Affix
  readonly node: Node<T>
}

type Affix = PatternSegment & { readonly kind: 'affix' }

/** Builds a matcher. Shapes must be distinct and unambiguous: the pack loader has checked that. */
export function createMatcher<T extends object>(
  entries: Iterable<{ readonly pattern: RoutePattern; readonly value: T }>,
): Matcher<T> {
  const root = new Node<T>()
  for (const { pattern, value } of entries) insert(root, pattern, value)
  return {
    match: (segments) => {
      const captures: string[] = []
      const found = walk(root, segments, 0, captures)
      return found === undefined || found === AMBIGUOUS ? undefined : { value: found, captures }
    },
  }
}

/** Two readings of one path are none. */
const AMBIGUOUS = Symbol('ambiguous')

type Found<T> = T | typeof AMBIGUOUS | undefined

function insert<T>(root: Node<T>, pattern: RoutePattern, value: T): void {
  let node = root
  for (const [index, segment] of pattern.segments.entries()) {
    const isLast = index === pattern.segments.length - 1
    if (segment.kind === 'rest') {
      if (!isLast) {
        node = node.spread ??= new Node()
        continue
      }
      invariant(node.rest === undefined, 'two patterns of one shape')
      node.rest = value
      return
    }
    if (segment.kind === 'literal' && isLast) {
      invariant(node.ends.get(segment.text) === undefined, 'two patterns of one shape')
      node.ends.add(segment.text, value)
      return
    }
    node = childFor(node, segment)
  }
  invariant(node.leaf === undefined, 'two patterns of one shape')
  node.leaf = value
}

function childFor<T>(node: Node<T>, segment: Exclude<PatternSegment, { kind: 'rest' }>): Node<T> {
  if (segment.kind === 'parameter') return (node.parameter ??= new Node())
  if (segment.kind === 'affix') return affixChild(node, segment)
  const known = node.literals.get(segment.text)
  if (known !== undefined) return known
  const created = new Node<T>()
  node.literals.add(segment.text, created)
  return created
}

function affixChild<T>(parent: Node<T>, segment: Affix): Node<T> {
  const known = parent.affixes.find(
    (other) => other.segment.prefix === segment.prefix && other.segment.suffix === segment.suffix,
  )
  if (known !== undefined) return known.node
  const created = { segment, node: new Node<T>() }
  parent.affixes.push(created)
  parent.affixes.sort((a, b) => literalLength(b.segment) - literalLength(a.segment))
  parent.verbs = byVerb(parent.affixes)
  return created.node
}

/** `{x}:predict` and `{x}:explain` exclude each other, so that no more than one need be tried. */
function byVerb<T>(affixes: readonly Affixed<T>[]): Map<string, Affixed<T>> | undefined {
  const areVerbs = affixes.every(
    ({ segment: { prefix, suffix } }) => prefix === '' && suffix.lastIndexOf(':') === 0,
  )
  return areVerbs ? new Map(affixes.map((affix) => [affix.segment.suffix, affix])) : undefined
}

/** The affixes that may match, longest first. */
function affixesFor<T>(node: Node<T>, segment: string): readonly Affixed<T>[] {
  if (node.verbs === undefined) return node.affixes
  const colon = segment.lastIndexOf(':')
  const found = colon === -1 ? undefined : node.verbs.get(segment.slice(colon))
  return found === undefined ? [] : [found]
}

function literalLength(segment: Affix): number {
  return segment.prefix.length + segment.suffix.length
}

/** Depth is bounded by the deepest pattern. Leaves in `captures` those of what was found. */
function walk<T extends object>(
  node: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): Found<T> {
  const segment = segments[index]
  if (segment === undefined) return node.leaf
  const byLiteral = walkLiteral(node, segments, index, captures)
  if (byLiteral !== undefined) return byLiteral
  if (segment === '') return walkRest(node, segments, index, captures)
  for (const { segment: affix, node: below } of affixesFor(node, segment)) {
    if (!matchesSegment(affix, segment)) continue
    const text = segment.slice(affix.prefix.length, segment.length - affix.suffix.length)
    const found = walkWith(text, below, { segments, index: index + 1, captures })
    if (found !== undefined) return found
  }
  const { parameter } = node
  const found = parameter && walkWith(segment, parameter, { segments, index: index + 1, captures })
  return (
    found ??
    walkSpread(node, segments, index, captures) ??
    walkRest(node, segments, index, captures)
  )
}

function walkLiteral<T extends object>(
  { ends, literals }: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): Found<T> {
  const segment = segments[index] ?? ''
  if (index === segments.length - 1) return ends.get(segment)
  const below = literals.get(segment)
  return below && walk(below, segments, index + 1, captures)
}

interface Place {
  readonly segments: readonly string[]
  readonly index: number
  readonly captures: string[]
}

/** Goes on below with one more capture, which is taken back when nothing is found there. */
function walkWith<T extends object>(capture: string, below: Node<T>, place: Place): Found<T> {
  const { segments, index, captures } = place
  captures.push(capture)
  const found = walk(below, segments, index, captures)
  if (found === undefined) captures.pop()
  return found
}

/** A rest in the middle takes one or more segments; where two lengths fit, none does. */
function walkSpread<T extends object>(
  node: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): Found<T> {
  const { spread } = node
  if (spread === undefined) return undefined
  let best:
    { readonly found: Exclude<Found<T>, undefined>; readonly captures: string[] } | undefined
  for (let end = index + 1; end < segments.length; end++) {
    const own = [...captures]
    const text = segments.slice(index, end).join('/')
    const found = walkWith(text, spread, { segments, index: end, captures: own })
    if (found === undefined) continue
    if (best !== undefined) return AMBIGUOUS
    best = { found, captures: own }
  }
  if (best !== undefined) captures.splice(0, captures.length, ...best.captures)
  return best?.found
}

/** A rest at the end takes all that remains, if that is anything. */
function walkRest<T extends object>(
  node: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): Found<T> {
  const { rest } = node
  if (rest === undefined) return undefined
  const text = segments.slice(index).join('/')
  if (text === '') return undefined
  captures.push(text)
  return rest
}
