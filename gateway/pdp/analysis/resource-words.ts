/** Sets of resource classes, said in the patterns that people wrote: `model:* except model:crown-*`. */
import { isGateArea, resourceText } from '../../domain/vocabulary.ts'
import type { ResourceClass, ResourceClasses } from './resource-classes.ts'

/** Classes for people. */
export interface ResourceWords {
  /** `model:* except model:crown-*; model:crown-demo`; resources by name where no pattern says it. */
  readonly text: string
  /** One of each class would be too many: the first that people recognise. */
  readonly example: string
  readonly classes: number
}

interface Candidate {
  readonly text: string
  readonly members: readonly number[]
}

const VERSIONLESS = ' without a version'
/** Patterns that one phrase takes away. */
const EXCEPTIONS_MAX = 6
const PHRASES_MAX = 8

/** Prepares the words; `patterns` are texts that can be written in a rule. */
export function createResourceWords({
  classes,
}: ResourceClasses): (some: readonly ResourceClass[]) => ResourceWords {
  const candidates = candidatesOf(classes)
  const byClass = new Map<number, Candidate[]>()
  for (const candidate of candidates) {
    for (const index of candidate.members) {
      const known = byClass.get(index)
      if (known === undefined) byClass.set(index, [candidate])
      else known.push(candidate)
    }
  }
  return (some) => {
    const wanted = new Set(some.map(({ index }) => index))
    const first = some[0]
    const example = first === undefined ? '' : resourceText(first.witness)
    const text = phrases(wanted, byClass, classes)
    return { text, example, classes: some.length }
  }
}

/** Everything that can be said of some classes at once, the wider first. */
function candidatesOf(classes: readonly ResourceClass[]): Candidate[] {
  const members = new Map<string, number[]>()
  const put = (text: string, index: number): void => {
    const known = members.get(text)
    if (known === undefined) members.set(text, [index])
    else if (known.at(-1) !== index) known.push(index)
  }
  // Where a class is not split by version, its members without one cannot be spoken of alone.
  const unsplit = new Set<string>()
  for (const { index, kind, version, named, coveredBy, witness } of classes) {
    // Words mean what they mean in a rule that allows: `*` is not about the control API.
    const isGate = isGateArea(witness)
    if (!isGate) put('*', index)
    const whole = isGate ? [] : [`${kind}:*`]
    for (const text of new Set([...whole, ...named, ...coveredBy.allow])) {
      put(text, index)
      if (version === 'any') unsplit.add(text)
      if (version === 'absent' && !text.includes('@')) put(`${text}${VERSIONLESS}`, index)
    }
  }
  for (const text of unsplit) members.delete(`${text}${VERSIONLESS}`)
  return [...members]
    .map(([text, indexes]) => ({ text, members: indexes }))
    .sort((a, b) => b.members.length - a.members.length || (a.text < b.text ? -1 : 1))
}

function phrases(
  wanted: ReadonlySet<number>,
  byClass: ReadonlyMap<number, readonly Candidate[]>,
  classes: readonly ResourceClass[],
): string {
  const left = new Set(wanted)
  const said: string[] = []
  for (const index of wanted) {
    if (!left.has(index)) continue
    const phrase =
      said.length < PHRASES_MAX ? bestPhrase(index, { wanted, left, byClass }) : undefined
    if (phrase === undefined) {
      left.delete(index)
      const witness = classes[index]?.witness
      if (said.length < PHRASES_MAX && witness !== undefined)
        said.push(`resources such as ${resourceText(witness)}`)
      continue
    }
    said.push(phrase.text)
    for (const member of phrase.covers) left.delete(member)
  }
  return said.join(said.some((phrase) => phrase.includes(' except ')) ? '; ' : ', ')
}

interface Search {
  readonly wanted: ReadonlySet<number>
  readonly left: ReadonlySet<number>
  readonly byClass: ReadonlyMap<number, readonly Candidate[]>
}

/** What says most of the wanted classes and nothing of others; with the fewest exceptions. */
function bestPhrase(index: number, search: Search) {
  const { wanted, left, byClass } = search
  let best: { text: string; covers: readonly number[]; gain: number; cost: number } | undefined
  for (const candidate of byClass.get(index) ?? []) {
    const outside = candidate.members.filter((member) => !wanted.has(member))
    const exceptions = exceptionsFor(index, outside, search)
    if (exceptions === undefined) continue
    const without = new Set(exceptions.flatMap(({ members }) => members))
    const covers = candidate.members.filter((member) => !without.has(member) && wanted.has(member))
    const gain = covers.filter((member) => left.has(member)).length
    const cost = exceptions.length
    if (cost > covers.length) continue
    if (best !== undefined && (gain < best.gain || (gain === best.gain && cost >= best.cost))) {
      continue
    }
    const except = cost === 0 ? '' : ` except ${exceptions.map(({ text }) => text).join(', ')}`
    best = { text: `${candidate.text}${except}`, covers, gain, cost }
  }
  return best
}

/**
 * Patterns that cover all of `outside`, not the class in question, and little that is wanted: what
 * they take away of that is said in another phrase.
 */
function exceptionsFor(
  index: number,
  outside: readonly number[],
  { wanted, byClass }: Search,
): readonly Candidate[] | undefined {
  const left = new Set(outside)
  const said: Candidate[] = []
  const spoils = ({ members }: Candidate) => members.filter((m) => wanted.has(m)).length
  for (const member of outside) {
    if (!left.has(member)) continue
    const fitting = (byClass.get(member) ?? []).filter(({ members }) => !members.includes(index))
    const least = Math.min(...fitting.map(spoils))
    // Of those that take away as little as possible, the first is the widest.
    const found = fitting.find((candidate) => spoils(candidate) === least)
    if (found === undefined || said.length === EXCEPTIONS_MAX) return undefined
    said.push(found)
    for (const covered of found.members) left.delete(covered)
  }
  return said
}
