/**
 * Which limits apply to a request: by action, held subject and the literal start of the resource
 * pattern. A request that no limit is about costs one look-up, and the time of the others grows with
 * what its subject holds and not with the number of limits.
 */
import { entryOf } from '../../domain/entry-of.ts'
import type { Obligation } from '../../domain/access.ts'
import type { Action, Resource, ResourceKind } from '../../domain/vocabulary.ts'
import type { Evaluation } from '../engine/evaluation.ts'
import { evaluate, type Expression } from '../policy/expression.ts'
import { coversResource, type ResourcePattern } from '../policy/resource-pattern.ts'

/** One entry of `limits.yaml`, checked. */
export interface Limit {
  readonly name: string
  /** Whoever holds one of them; `role:anyone` is everyone. */
  readonly subjects: readonly string[]
  /** Whoever holds one of them is exempt. */
  readonly except: readonly string[]
  readonly actions: readonly Action[]
  readonly resources: readonly ResourcePattern[]
  /** It applies unless this is known to be false; always, when absent. */
  readonly when: Expression | undefined
  /** What it demands, each with the line it is written on. */
  readonly obligations: readonly Obligation[]
}

/** Finds limits. Immutable. */
export interface LimitIndex {
  /** The limits that apply, each once, in the order of the file. */
  applying(evaluation: Evaluation): readonly Limit[]
}

/** Places of limits by the literal start of a pattern of theirs. */
interface ByStart {
  /** Lengths of the starts, ascending, each once. */
  readonly lengths: readonly number[]
  readonly places: ReadonlyMap<string, readonly number[]>
}

type ByKind = ReadonlyMap<ResourceKind | '*', ByStart>
type BySubject = ReadonlyMap<string, ByKind>

const NONE: readonly Limit[] = []

/** Builds the index over `limits`, whose order it keeps. */
export function createLimitIndex(limits: readonly Limit[]): LimitIndex {
  const byAction = indexOf(limits)
  return {
    applying(evaluation) {
      const { request, holdings } = evaluation
      const bySubject = byAction.get(request.action)
      if (bySubject === undefined) return NONE
      const found = placesFor(bySubject, holdings, request.resource)
      if (found === undefined) return NONE
      return [...found]
        .sort((a, b) => a - b)
        .flatMap((place) => limits[place] ?? [])
        .filter((limit) => applies(limit, evaluation))
    },
  }
}

/**
 * A limit narrows what a permit gives, so that it reads what is unknown as a deny does: a version
 * the request does not name may be the limited one, and a condition must be known to be false.
 */
function applies(limit: Limit, evaluation: Evaluation): boolean {
  const { request, holdings, truthOf } = evaluation
  return (
    limit.resources.some((pattern) => coversResource(pattern, request.resource, 'deny')) &&
    !limit.except.some((subject) => holdings.has(subject)) &&
    (limit.when === undefined || evaluate(limit.when, truthOf) !== 'false')
  )
}

/** Walks whichever is shorter: what the caller holds, or whom limits name. */
function placesFor(
  bySubject: BySubject,
  holdings: ReadonlySet<string>,
  resource: Resource,
): ReadonlySet<number> | undefined {
  let found: Set<number> | undefined
  const take = (byKind: ByKind | undefined): void => {
    if (byKind === undefined) return
    for (const kind of [resource.kind, '*'] as const) {
      const byStart = byKind.get(kind)
      if (byStart !== undefined) found = addPlaces(byStart, resource.name, found)
    }
  }
  if (bySubject.size < holdings.size) {
    for (const [subject, byKind] of bySubject) if (holdings.has(subject)) take(byKind)
  } else {
    for (const subject of holdings) take(bySubject.get(subject))
  }
  return found
}

function addPlaces(
  { lengths, places }: ByStart,
  name: string,
  found: Set<number> | undefined,
): Set<number> | undefined {
  let all = found
  for (const length of lengths) {
    if (length > name.length) break
    const here = places.get(name.slice(0, length))
    if (here === undefined) continue
    all ??= new Set()
    for (const place of here) all.add(place)
  }
  return all
}

type Places = Map<string, number[]>
type PlacesByKind = Map<ResourceKind | '*', Places>

function indexOf(limits: readonly Limit[]): ReadonlyMap<Action, BySubject> {
  const byAction = new Map<Action, Map<string, PlacesByKind>>()
  for (const [place, limit] of limits.entries()) {
    for (const action of limit.actions) {
      const bySubject = entryOf(byAction, action, () => new Map<string, PlacesByKind>())
      for (const subject of limit.subjects) {
        const byKind = entryOf(bySubject, subject, (): PlacesByKind => new Map())
        addPatterns(byKind, limit.resources, place)
      }
    }
  }
  return mapped(byAction, (bySubject) =>
    mapped(bySubject, (byKind) => mapped(byKind, (byStart) => sealed(byStart))),
  )
}

function addPatterns(
  byKind: PlacesByKind,
  patterns: readonly ResourcePattern[],
  place: number,
): void {
  for (const pattern of patterns) {
    const byStart = entryOf(byKind, pattern.kind, (): Places => new Map())
    entryOf(byStart, startOf(pattern), (): number[] => []).push(place)
  }
}

/** What every name the pattern covers starts with. */
function startOf({ name }: ResourcePattern): string {
  const star = name.indexOf('*')
  return star < 0 ? name : name.slice(0, star)
}

function sealed(places: ReadonlyMap<string, readonly number[]>): ByStart {
  const lengths = [...new Set([...places.keys()].map((start) => start.length))]
  return { lengths: lengths.sort((a, b) => a - b), places }
}

function mapped<K, V, W>(map: ReadonlyMap<K, V>, change: (value: V) => W): ReadonlyMap<K, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]))
}
