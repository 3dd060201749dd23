/** Finds the globs that cover another one without comparing it with all of them. */
import { globMatches } from '../../domain/glob.ts'

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
  readonly byEnds: Map<string, string[]>
}

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
    const shape = this.#shapes.get(key) ?? { head, tail, byEnds: new Map<string, string[]>() }
    this.#shapes.set(key, shape)
    const ends = endsOf(glob, shape)
    const same = shape.byEnds.get(ends)
    if (same === undefined) shape.byEnds.set(ends, [glob])
    else same.push(glob)
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
    alike: readonly string[],
    glob: string,
    { accept, step }: { accept: (value: T) => boolean; step: () => boolean },
  ): boolean {
    for (const outer of alike) {
      if (!step()) return false
      if (outer === glob || !globCovers(outer, glob)) continue
      const value = this.#values.get(outer)
      if (value !== undefined && accept(value)) return true
    }
    return false
  }
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
