/**
 * Finds the most specific pattern for a path with one walk down a tree of segments. A literal beats
 * an affix, an affix a parameter, a parameter a rest, from the left. Each tree node is visited at
 * most once, and what is visited depends on the path, not on how many routes there are.
 */
import { invariant } from '../../domain/errors.ts'
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

interface Node<T> {
  readonly literals: Map<string, Node<T>>
  /** Longest literal parts first. */
  readonly affixes: { readonly segment: Affix; readonly node: Node<T> }[]
  parameter?: Node<T>
  rest?: { readonly value: T }
  leaf?: { readonly value: T }
}

type Affix = PatternSegment & { readonly kind: 'affix' }

/** Builds a matcher. Shapes must be distinct and unambiguous: the pack loader has checked that. */
export function createMatcher<T>(
  entries: Iterable<{ readonly pattern: RoutePattern; readonly value: T }>,
): Matcher<T> {
  const root = emptyNode<T>()
  for (const { pattern, value } of entries) insert(root, pattern, value)
  return {
    match: (segments) => {
      const captures: string[] = []
      const found = walk(root, segments, 0, captures)
      return found && { value: found.value, captures }
    },
  }
}

function emptyNode<T>(): Node<T> {
  return { literals: new Map(), affixes: [] }
}

function insert<T>(root: Node<T>, pattern: RoutePattern, value: T): void {
  let node = root
  for (const segment of pattern.segments) {
    if (segment.kind === 'rest') {
      invariant(node.rest === undefined, 'two patterns of one shape')
      node.rest = { value }
      return
    }
    node = childFor(node, segment)
  }
  invariant(node.leaf === undefined, 'two patterns of one shape')
  node.leaf = { value }
}

function childFor<T>(node: Node<T>, segment: Exclude<PatternSegment, { kind: 'rest' }>): Node<T> {
  if (segment.kind === 'parameter') return (node.parameter ??= emptyNode())
  if (segment.kind === 'affix') return affixChild(node, segment)
  const known = node.literals.get(segment.text)
  if (known !== undefined) return known
  const created = emptyNode<T>()
  node.literals.set(segment.text, created)
  return created
}

function affixChild<T>(parent: Node<T>, segment: Affix): Node<T> {
  const known = parent.affixes.find(
    (other) => other.segment.prefix === segment.prefix && other.segment.suffix === segment.suffix,
  )
  if (known !== undefined) return known.node
  const created = { segment, node: emptyNode<T>() }
  parent.affixes.push(created)
  parent.affixes.sort((a, b) => literalLength(b.segment) - literalLength(a.segment))
  return created.node
}

function literalLength(segment: Affix): number {
  return segment.prefix.length + segment.suffix.length
}

/** Depth is bounded by the deepest pattern. Leaves in `captures` those of what was found. */
function walk<T>(
  node: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): { readonly value: T } | undefined {
  const segment = segments[index]
  if (segment === undefined) return node.leaf
  const literal = node.literals.get(segment)
  const byLiteral = literal && walk(literal, segments, index + 1, captures)
  if (byLiteral !== undefined || segment === '') return byLiteral
  for (const { segment: affix, node: below } of node.affixes) {
    if (!matchesSegment(affix, segment)) continue
    captures.push(segment.slice(affix.prefix.length, segment.length - affix.suffix.length))
    const found = walk(below, segments, index + 1, captures)
    if (found !== undefined) return found
    captures.pop()
  }
  return walkParameter(node, segments, index, captures)
}

function walkParameter<T>(
  node: Node<T>,
  segments: readonly string[],
  index: number,
  captures: string[],
): { readonly value: T } | undefined {
  if (node.parameter !== undefined) {
    captures.push(segments[index] ?? '')
    const found = walk(node.parameter, segments, index + 1, captures)
    if (found !== undefined) return found
    captures.pop()
  }
  if (node.rest !== undefined) captures.push(segments.slice(index).join('/'))
  return node.rest
}
