/**
 * Which of many globs match a text, without trying each. Exact names are looked up; a glob with a
 * star is found by a literal part of it and only then compared.
 */
import { globMatches } from '../../domain/glob.ts'
import { createInfixFinder } from './infix-finder.ts'
import { IntList } from './int-list.ts'
import { createAffixFinder, createExactFinder, type LiteralFinder } from './literal-table.ts'

/** Globs, each with a number. Immutable. */
export interface GlobIndex {
  /** Adds to `found` the number of each glob that matches `text`, each once, in no order. */
  find(text: string, found: IntList): void
}

/** Characters of a literal that the automaton keeps: more cost memory and choose hardly better. */
const INFIX_CHARACTERS_MAX = 16

/** So many are compared one by one: a matrix can name a version or two for each of many models. */
const FEW = 4

/** The literal a glob is found by. */
type Anchor = 'prefix' | 'suffix' | 'infix'

/** A glob with a star: its text between stars, first and last part bound to the ends. */
interface Shape {
  readonly glob: string
  readonly number: number
  readonly parts: readonly string[]
}

/** Builds the index. Keys are globs as `domain/glob.ts` defines them. */
export function createGlobIndex(globs: ReadonlyMap<string, number>): GlobIndex {
  if (globs.size <= FEW) return createList([...globs.keys()], [...globs.values()])
  const any = globs.get('*')
  const exact = new Map<string, number>()
  const shapes: Shape[] = []
  for (const [glob, number] of globs) {
    if (!glob.includes('*')) exact.set(glob, number)
    else if (glob !== '*') shapes.push({ glob, number, parts: glob.split('*') })
  }
  const finders = createFinders(shapes)
  if (exact.size > 0) finders.push(createExactFinder(exact))
  return {
    find(text, found) {
      if (any !== undefined) found.push(any)
      for (const finder of finders) finder.find(text, found)
    },
  }
}

function createList(globs: readonly string[], numbers: readonly number[]): GlobIndex {
  return {
    find(text, found) {
      for (let i = 0; i < globs.length; i++) {
        if (globMatches(globs[i] ?? '', text)) found.push(numbers[i] ?? 0)
      }
    },
  }
}

function createFinders(shapes: readonly Shape[]): GlobIndex[] {
  const anchorOf = createAnchorChoice(shapes)
  const groups: Record<Anchor, Shape[]> = { prefix: [], suffix: [], infix: [] }
  for (const shape of shapes) groups[anchorOf(shape)].push(shape)
  const finders: GlobIndex[] = []
  const add = (anchor: Anchor, create: (literals: string[]) => LiteralFinder) => {
    if (groups[anchor].length > 0) finders.push(createAnchored(groups[anchor], anchor, create))
  }
  add('prefix', (literals) => createAffixFinder(literals, false))
  add('suffix', (literals) => createAffixFinder(literals, true))
  add('infix', createInfixFinder)
  return finders
}

/** Of both ends the one that fewer globs share, since all that share it are compared. */
function createAnchorChoice(shapes: readonly Shape[]): (shape: Shape) => Anchor {
  const prefixes = new Map<string, number>()
  const suffixes = new Map<string, number>()
  const count = (counts: Map<string, number>, literal: string) =>
    counts.set(literal, (counts.get(literal) ?? 0) + 1)
  for (const { parts } of shapes) {
    count(prefixes, parts[0] ?? '')
    count(suffixes, parts.at(-1) ?? '')
  }
  return ({ parts }) => {
    const prefix = parts[0] ?? ''
    const suffix = parts.at(-1) ?? ''
    if (prefix === '' && suffix === '') return 'infix'
    if (prefix === '' || suffix === '') return prefix === '' ? 'suffix' : 'prefix'
    return (suffixes.get(suffix) ?? 0) < (prefixes.get(prefix) ?? 0) ? 'suffix' : 'prefix'
  }
}

function literalOf({ parts }: Shape, anchor: Anchor): string {
  if (anchor === 'prefix') return parts[0] ?? ''
  if (anchor === 'suffix') return parts.at(-1) ?? ''
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best))
  return longest.slice(0, INFIX_CHARACTERS_MAX)
}

/** Globs under their literals; those of one literal are chained and compared one by one. */
function createAnchored(
  shapes: readonly Shape[],
  anchor: Anchor,
  create: (literals: string[]) => LiteralFinder,
): GlobIndex {
  const heads = new Map<string, number>()
  const next = new Int32Array(shapes.length).fill(-1)
  for (const [place, shape] of shapes.entries()) {
    const literal = literalOf(shape, anchor)
    next[place] = heads.get(literal) ?? -1
    heads.set(literal, place)
  }
  const finder = create([...heads.keys()])
  const first = Int32Array.from(heads.values())
  const tests = shapes.map((shape) => createTest(shape, anchor))
  const numbers = Int32Array.from(shapes, ({ number }) => number)
  const literals = new IntList()
  return {
    find(text, found) {
      literals.clear()
      finder.find(text, literals)
      for (let i = 0; i < literals.size; i++) {
        for (let at = first[literals.at(i)] ?? -1; at >= 0; at = next[at] ?? -1) {
          const test = tests[at]
          if (test === undefined || test(text)) found.push(numbers[at] ?? 0)
        }
      }
    },
  }
}

/** What is left to compare once the literal is found; `undefined` when that is all there is. */
function createTest({ parts }: Shape, anchor: Anchor): ((text: string) => boolean) | undefined {
  const prefix = parts[0] ?? ''
  const suffix = parts.at(-1) ?? ''
  if (anchor !== 'infix' && parts.length === 2 && (prefix === '' || suffix === '')) return undefined
  const inner = parts.slice(1, -1)
  return (text) => {
    if (!text.startsWith(prefix) || !text.endsWith(suffix)) return false
    // Leftmost is enough: an earlier end leaves more room for what follows.
    let from = prefix.length
    for (const part of inner) {
      const at = text.indexOf(part, from)
      if (at < 0) return false
      from = at + part.length
    }
    // Nothing may be counted twice: `a*a` is more than `a`.
    return from <= text.length - suffix.length
  }
}
