/**
 * Every glob of a set, run side by side over one name. A state is the set of places the globs have
 * reached; a step reads one character. Characters that no glob waits for at a state are all the
 * same to it, so that the alphabet never has to be written down.
 */

/** Globs as one row of places: the places of a glob follow those of the one before it. */
export interface NameAutomaton {
  /** The state before the first character. */
  readonly start: readonly number[]
  /** Where `state` goes: by each character some glob waits for, and by every other one. */
  successors(state: readonly number[]): {
    readonly on: ReadonlyMap<string, readonly number[]>
    readonly otherwise: readonly number[]
  }
  /** The globs (by their index) that match a name which ends in `state`. */
  accepted(state: readonly number[]): readonly number[]
}

interface Place {
  readonly glob: number
  readonly token: string
  /** Where the glob's places start. */
  readonly base: number
  /** Nothing but the star itself is left: it matches whatever comes. */
  readonly isLastStar: boolean
}

/** Builds the automaton of `globs` (`*` and characters that stand for themselves). */
export function createNameAutomaton(globs: readonly string[]): NameAutomaton {
  const places = placesOf(globs)
  const isStar = (place: number) => places[place]?.token === '*'

  /** A star may stand for nothing, so whoever is before it is also behind it. */
  const enter = (place: number, into: number[]): void => {
    into.push(place)
    if (isStar(place) && places[place]?.isLastStar === false) enter(place + 1, into)
  }
  const normal = (reached: number[]): readonly number[] => forgetful(reached, places, isStar)

  return {
    start: normal(startOf(places, enter)),
    successors(state) {
      const stars: number[] = []
      const waiting = new Map<string, number[]>()
      for (const place of state) {
        const token = places[place]?.token ?? ''
        if (token === '*') enter(place, stars)
        else if (token !== '') {
          const known = waiting.get(token)
          if (known === undefined) waiting.set(token, [place])
          else known.push(place)
        }
      }
      const on = new Map<string, readonly number[]>()
      for (const [character, from] of waiting) {
        const reached = [...stars]
        for (const place of from) enter(place + 1, reached)
        on.set(character, normal(reached))
      }
      return { on, otherwise: normal(stars) }
    },
    accepted(state) {
      const ends = state.filter((p) => places[p]?.token === '' || places[p]?.isLastStar === true)
      return [...new Set(ends.map((place) => places[place]?.glob ?? 0))]
    },
  }
}

function placesOf(globs: readonly string[]): Place[] {
  const places: Place[] = []
  for (const [glob, text] of globs.entries()) {
    const base = places.length
    for (let i = 0; i <= text.length; i++) {
      const isLastStar = text[i] === '*' && i === text.length - 1
      places.push({ glob, token: text[i] ?? '', base, isLastStar })
    }
  }
  return places
}

function startOf(places: readonly Place[], enter: (place: number, into: number[]) => void) {
  const start: number[] = []
  for (const [index, place] of places.entries()) if (place.base === index) enter(index, start)
  return start
}

/**
 * Sorted, each once, and without what cannot matter: a glob that has reached a star needs no place
 * before it, since whatever those could still match, the star can match too.
 */
function forgetful(
  reached: number[],
  places: readonly Place[],
  isStar: (place: number) => boolean,
): readonly number[] {
  reached.sort((a, b) => b - a)
  const kept: number[] = []
  let passed = -1
  let last = -1
  for (const place of reached) {
    const glob = places[place]?.glob ?? 0
    if (place === last || glob === passed) continue
    last = place
    kept.push(place)
    if (isStar(place)) passed = glob
  }
  return kept.reverse()
}
