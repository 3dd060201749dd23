/**
 * The classes of names that a set of globs can tell apart: two names are in one class when the same
 * globs match them. Exact, by subset construction over all globs at once, shortest names first.
 */
import { GatewayError } from '../../domain/errors.ts'
import { createNameAutomaton } from './name-automaton.ts'

/** Names in which the globs see no difference. */
export interface NameClass {
  readonly index: number
  /** Positions in the list of globs of those that match, in order. */
  readonly matches: readonly number[]
  /** A name of the class: one that people recognise where there is one, else a shortest. */
  readonly witness: string
}

/** All classes; every name of 1 to {@link NAME_CHARACTERS_MAX} characters is in exactly one. */
export interface NameClasses {
  readonly classes: readonly NameClass[]
  /** The class of a name; `undefined` for an empty or an overlong one. */
  readonly classOf: (name: string) => NameClass | undefined
}

/** As long as a name may be (`assertDecidable`); a class that needs more does not exist. */
export const NAME_CHARACTERS_MAX = 512

/** What bounds the construction. Sets of globs with many inner stars multiply. */
export interface ClassBounds {
  readonly statesMax: number
  /** Places written over all states: the measure of time and memory. */
  readonly placesMax: number
}

/** A few seconds and some hundred megabytes at most. */
const CLASS_BOUNDS: ClassBounds = { statesMax: 200_000, placesMax: 30_000_000 }

interface State {
  readonly shortest: string
  readonly signature: number
  on: ReadonlyMap<string, number>
  otherwise: number
}

/**
 * Builds the classes. `fillers` are what people would write for a `*`, best first; they are also
 * tried as names themselves.
 * @throws ERR_RULES_INVALID past `bounds`, saying so
 */
export function createNameClasses(
  globs: readonly string[],
  fillers: readonly string[] = ['example'],
  bounds: ClassBounds = CLASS_BOUNDS,
): NameClasses {
  const { states, first, signatures } = construct(globs, bounds)
  const signatureOf = (name: string): number | undefined => {
    let at: State | undefined = first
    for (const character of units(name)) {
      const next: number = at?.on.get(character) ?? at?.otherwise ?? -1
      at = states[next]
    }
    return at === first ? undefined : at?.signature
  }
  const witnesses = new Map<number, string>()
  for (const name of candidates(globs, fillers)) {
    const signature = signatureOf(name)
    if (signature !== undefined && !witnesses.has(signature)) witnesses.set(signature, name)
  }
  for (const { signature, shortest } of states) {
    if (!witnesses.has(signature)) witnesses.set(signature, shortest)
  }
  const classes = signatures.map((matches, index) => ({
    index,
    matches,
    witness: witnesses.get(index) ?? '',
  }))
  return {
    classes,
    classOf(name) {
      if (name.length > NAME_CHARACTERS_MAX) return undefined
      const signature = signatureOf(name)
      return signature === undefined ? undefined : classes[signature]
    },
  }
}

/** UTF-16 units, as the matcher of the gateway compares them. */
function* units(text: string): Generator<string> {
  for (let i = 0; i < text.length; i++) yield text.charAt(i)
}

function construct(globs: readonly string[], bounds: ClassBounds) {
  const automaton = createNameAutomaton(globs)
  const states: State[] = []
  const signatures: (readonly number[])[] = []
  const known = new Map<string, number>()
  const signatureIds = new Map<string, number>()
  // The places of states that still have to be looked at, in the order in which they were found.
  const queue: { readonly places: readonly number[]; readonly into: State }[] = []
  let written = 0

  const add = (places: readonly number[], shortest: string): number => {
    written += places.length + 1
    if (states.length >= bounds.statesMax || written > bounds.placesMax) throw tooMany(globs.length)
    const state = { shortest, signature: signatureFor(places), on: new Map(), otherwise: -1 }
    queue.push({ places, into: state })
    return states.push(state) - 1
  }
  const signatureFor = (places: readonly number[]): number => {
    const matches = automaton.accepted(places)
    const key = matches.join(',')
    const id = signatureIds.get(key) ?? signatures.push(matches) - 1
    signatureIds.set(key, id)
    return id
  }
  const visit = (places: readonly number[], shortest: string): number => {
    const key = places.join(',')
    const index = known.get(key) ?? add(places, shortest)
    known.set(key, index)
    return index
  }
  const expand = (places: readonly number[], into: State): void => {
    const { on, otherwise } = automaton.successors(places)
    const go = (next: readonly number[], character: string) =>
      visit(next, into.shortest + character)
    into.on = new Map([...on].map(([character, next]) => [character, go(next, character)]))
    into.otherwise = go(otherwise, unmentioned(on))
  }

  // The empty name is nobody's name: the start is no state of its own, unless a step leads back to it.
  const first: State = { shortest: '', signature: -1, on: new Map(), otherwise: -1 }
  expand(automaton.start, first)
  for (const { places, into } of queue) {
    if (into.shortest.length < NAME_CHARACTERS_MAX) expand(places, into)
  }
  return { states, first, signatures }
}

const READABLE = 'xyzabcdefghijklmnopqrstuvw0123456789XYZABCDEFGHIJKLMNOPQRSTUVW-_./:'

/** A character that no glob waits for here, the most readable there is. */
function unmentioned(on: ReadonlyMap<string, unknown>): string {
  for (const character of READABLE) if (!on.has(character)) return character
  // Globs are made of ASCII, so that this one is always free.
  return '\u00e9'
}

/** Names worth showing to people: literal globs, then globs filled in, the more specific first. */
function* candidates(globs: readonly string[], fillers: readonly string[]): Generator<string> {
  const ranked = [...new Set(globs)].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))
  for (const glob of ranked) if (!glob.includes('*')) yield glob
  for (const filler of fillers) for (const glob of ranked) yield glob.replaceAll('*', filler)
  yield* fillers
}

function tooMany(globs: number): GatewayError {
  return new GatewayError(
    'ERR_RULES_INVALID',
    `these ${globs} patterns of names tell more names apart than can be counted in reasonable time; ` +
      'patterns with a * at the front or in the middle multiply. Nothing was compared. ' +
      'Write fewer of them, or end them in their only *.',
  )
}
