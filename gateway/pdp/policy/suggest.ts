import { closest } from '../../domain/diagnostics.ts'

/** Words of one kind that are looked up per file; comparing is the dearest thing a reader does. */
const ASKED_MAX = 20

/** Candidates that are compared with a word. */
const CANDIDATES_MAX = 2000

/** Says which candidate was meant by a word, if one is near. `what` names the kind of word. */
export type Suggest = (
  what: string,
  word: string,
  candidates: Iterable<string>,
) => string | undefined

/**
 * "Did you mean" for one file, bounded: each word is compared once, and only the first words with
 * the first candidates. A hundred thousand mistyped rows must not keep the gateway busy (I17).
 */
export function createSuggest(): Suggest {
  const asked = new Map<string, Map<string, string | undefined>>()
  return (what, word, candidates) => {
    const answers = asked.get(what) ?? new Map<string, string | undefined>()
    asked.set(what, answers)
    if (answers.has(word)) return answers.get(word)
    if (answers.size >= ASKED_MAX) return undefined
    const near = closest(word, likely(word, candidates))
    answers.set(word, near)
    return near
  }
}

/** Candidates of about the same length: no other is within the distance that {@link closest} allows. */
function* likely(word: string, candidates: Iterable<string>): Generator<string> {
  const apart = Math.max(1, Math.floor(word.length / 3))
  let compared = 0
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > apart) continue
    if (compared++ === CANDIDATES_MAX) return
    yield candidate
  }
}
