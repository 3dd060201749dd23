/** What requests, approvals and grants are judged by: the rules in force, as commands ask about them. */
import type { ElevationDeps } from '../access/elevation/deps.ts'
import type { Person } from '../access/person.ts'
import type { Subject } from '../domain/subject.ts'
import { parseResource } from '../domain/vocabulary.ts'
import type { LoadedRules } from './load-rules.ts'

/** What of a rule set it takes. */
export interface ElevationRules extends Pick<LoadedRules, 'approvals' | 'resources'> {
  readonly policy: Pick<LoadedRules['policy'], 'holdingsOf'>
}

const kept = new WeakMap<ElevationRules, ElevationDeps>()

/**
 * The same object for as long as `rules` is: what was made of a grant is kept by it. No filter holds,
 * for there is no call: to judge one, see {@link elevationFor}.
 */
export function elevationDepsOf(rules: ElevationRules): ElevationDeps {
  const known = kept.get(rules)
  if (known !== undefined) return known
  const { approvals, resources } = rules
  const deps: ElevationDeps = Object.freeze({
    rules: approvals,
    holdingsOf: holdingsOfPeople(rules),
    attributesOf: (resource: string) => resources.attributesOf(parseResource(resource)),
    filterHolds: () => false,
  })
  kept.set(rules, deps)
  return deps
}

/**
 * As {@link elevationDepsOf}, for one call.
 * @param filterHolds whether an expression over conditions is known to hold for this call
 */
export function elevationFor(
  rules: ElevationRules,
  filterHolds: ElevationDeps['filterHolds'],
): ElevationDeps {
  return Object.freeze({ ...elevationDepsOf(rules), filterHolds })
}

/** Once for every person that the journal knows, however often grants are looked at. */
function holdingsOfPeople({ policy }: ElevationRules): ElevationDeps['holdingsOf'] {
  const holdings = new WeakMap<Person, ReadonlySet<string>>()
  return (person) => {
    const known = holdings.get(person) ?? policy.holdingsOf(subjectOf(person))
    holdings.set(person, known)
    return known
  }
}

/** Somebody without a token of now: they have names, and nothing that a condition could ask about. */
function subjectOf({ id, person, holds }: Person): Subject {
  const issuerName = /^user:([^/]*)\//.exec(id)?.[1] ?? ''
  return {
    id,
    person,
    issuer: '',
    issuerName,
    groups: holds.filter((one) => one.startsWith('group:')),
    roles: holds.filter((one) => one.startsWith('role:')),
    issuedAt: 0,
    expiresAt: 0,
    authentication: {},
    claims: new Map(),
  }
}
