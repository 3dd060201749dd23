/** Finds the globs that cover another one without comparing it with all of them. */
import { globMatches } from '../../domain/glob.ts'
import { createInfixFinder } from '../engine/infix-finder.ts'
import { IntList } from '../engine/int-list.ts'
import type { LiteralFinder } from '../engine/literal-table.ts'

/** Stands for what a `*` may hold when globs are compared; no name and no glob contains it. */
const ANY_RUN = '\u0001'

/**
 * Whether every text that `inner` matches is matched by `outer`. Exact: a `*` of `inner` may hold a
 * character that `outer` does not mention, so only a `*` of `outer` can take its place.
 */
export function globCovers(outer: string, inner: string): boolean {
  return outer === '*' || outer === inner || globMatches(outer, inner.replaceAll('*', ANY_RUN))
}

/** Globs whose text before the first `*` and after the last have the same lengths. */
interface Shape {
  readonly head: number
  readonly tail: number
  readonly byEnds: Map<string, Alike>
}

/** Globs with the same ends. */
interface Alike {
  readonly globs: string[]
  /** What finds those that may cover; made when it is first asked, and again when there are more. */
  finder?: { readonly find: (inner: string) => Iterable<string>; readonly count: number }
}

/** So many globs with the same ends are compared one by one. */
const FEW = 8

/** Values by glob. */
export class GlobIndex<T> {
  readonly #values = new Map<string, T>()
  readonly #shapes = new Map<number, Shape>()

  /** The value of exactly this glob. */
  get(glob: string): T | undefined {
    return this.#values.get(glob)
  }

  set(glob: string, value: T): void {
    const isNew = !this.#values.has(glob)
    this.#values.set(glob, value)
    if (!isNew || !glob.includes('*')) return
    const { head, tail } = fixedOf(glob)
    const key = head * GLOB_LENGTHS + tail
    const shape = this.#shapes.get(key) ?? { head, tail, byEnds: new Map<string, Alike>() }
    this.#shapes.set(key, shape)
    const ends = endsOf(glob, shape)
    const same = shape.byEnds.get(ends)
    if (same === undefined) shape.byEnds.set(ends, { globs: [glob] })
    else same.globs.push(glob)
  }

  /**
   * Looks through the values of globs that cover `glob`, itself included, for one that `accept`
   * takes. `step` is asked per glob looked at, and ends the search when it says no.
   */
  find(glob: string, accept: (value: T) => boolean, step: () => boolean): boolean {
    const exact = this.#values.get(glob)
    if (exact !== undefined && accept(exact)) return true
    if (this.#shapes.size === 0) return false
    const { head, tail } = fixedOf(glob)
    for (const shape of this.#shapes.values()) {
      if (!step()) return false
      if (shape.head > head || shape.tail > tail) continue
      const alike = shape.byEnds.get(endsOf(glob, shape))
      if (alike !== undefined && this.#findAmong(alike, glob, { accept, step })) return true
    }
    return false
  }

  #findAmong(
    alike: Alike,
    glob: string,
    { accept, step }: { accept: (value: T) => boolean; step: () => boolean },
  ): boolean {
    for (const outer of candidatesFor(glob, alike)) {
      if (!step()) return false
      if (outer === glob || !globCovers(outer, glob)) continue
      const value = this.#values.get(outer)
      if (value !== undefined && accept(value)) return true
    }
    return false
  }
}

/** Those of `alike` that may cover `glob`, in their order. */
function candidatesFor(glob: string, alike: Alike): Iterable<string> {
  const { globs } = alike
  if (globs.length <= FEW) return globs
  if (alike.finder?.count !== globs.length) {
    alike.finder = { find: createCandidates(globs), count: globs.length }
  }
  return alike.finder.find(glob)
}

/**
 * Finds globs by the longest text between their stars: what a glob covers contains it. One glob at
 * most has none, since with the same ends and nothing between them it is the same glob.
 */
function createCandidates(globs: readonly string[]): (inner: string) => Iterable<string> {
  const places = new Map<string, number[]>()
  for (const [place, glob] of globs.entries()) {
    const literal = longestBetween(glob)
    const same = places.get(literal)
    if (same === undefined) places.set(literal, [place])
    else same.push(place)
  }
  const open = places.get('') ?? []
  places.delete('')
  const lists = [...places.values()]
  const finder: LiteralFinder = createInfixFinder([...places.keys()])
  const found = new IntList()
  return (inner) => {
    found.clear()
    finder.find(inner, found)
    if (found.size === 0 && open.length === 0) return NONE
    const candidates = [...open]
    for (let i = 0; i < found.size; i++) candidates.push(...(lists[found.at(i)] ?? []))
    return candidates.sort((a, b) => a - b).map((place) => globs[place] ?? '')
  }
}

const NONE: readonly string[] = []

function longestBetween(glob: string): string {
  const parts = glob.split('*').slice(1, -1)
  return parts.reduce((best, part) => (part.length > best.length ? part : best), '')
}

/** How many characters of `glob` stand for themselves before its first `*` and after its last. */
function fixedOf(glob: string): { readonly head: number; readonly tail: number } {
  const first = glob.indexOf('*')
  if (first < 0) return { head: glob.length, tail: glob.length }
  return { head: first, tail: glob.length - 1 - glob.lastIndexOf('*') }
}

/** More than any glob is long. */
const GLOB_LENGTHS = 1024

/** The ends of `glob` that a glob of this shape fixes; of fixed lengths, so one text is enough. */
function endsOf(glob: string, { head, tail }: Pick<Shape, 'head' | 'tail'>): string {
  return glob.slice(0, head) + glob.slice(glob.length - tail)
}
