/** The release of a version that came of a retraining: by somebody else than who trained it. */
import { decline, type Command, type Declined } from '../command.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'
import { UNTOLD, type RegisteredVersion } from '../version.ts'

/** Who releases which version, and why. */
export interface Release {
  /** `model:<name>@<version>`. */
  readonly model: string
  readonly by: Person
  /** Free text; escaped wherever it is shown. */
  readonly reason: string
}

const REASON_MAX = 2_000

/**
 * Lifts the restriction, of the other names of the version too. Where the model has a version that
 * nobody can name, any version of it can be released by its name. Declines with `not_found`, `already_done`, `invalid`, `person_unknown` when
 * nobody knows which person releases, and `second_person` when it is one who trained or registered
 * it, held the grant, or has an account in common with them (threats §2.H 265, 266).
 */
export function releaseVersion({ model, by, reason }: Release): Command<RegisteredVersion> {
  return (state, now) => {
    const known = state.versions.get(model)
    const version = known ?? underUntold(state, model, now)
    if (version === undefined) return decline('not_found', 'No such version came of a retraining.')
    if (version.released !== undefined) return decline('already_done', 'It is released already.')
    const text = reason.trim()
    if (text === '' || text.length > REASON_MAX) {
      return decline('invalid', `Give a reason of at most ${REASON_MAX} characters.`)
    }
    const against = notAnother(state, version, by)
    if (against !== undefined) return against
    const released = { by: by.id, at: now, reason: text }
    const names = [model, ...otherNames(state, model)]
    return {
      events: [
        ...(known === undefined ? [{ type: 'version.registered', version } as const] : []),
        ...names.map((name) => releaseOf(name, { by: by.id, reason: text })),
      ],
      result: { ...version, released },
    }
  }
}

function releaseOf(model: string, deed: { readonly by: string; readonly reason: string }) {
  return { type: 'version.released', model, ...deed } as const
}

/** Those that it was registered by besides, and that nobody has released since. */
function otherNames({ versions }: AccessState, model: string): string[] {
  return [...versions.values()]
    .filter((one) => one.with === model && one.released === undefined)
    .map((one) => one.model)
}

/** A version that is withheld only because another one cannot be named. */
function underUntold(
  { versions }: AccessState,
  model: string,
  at: number,
): RegisteredVersion | undefined {
  const name = NAMED.exec(model)?.[1]
  const untold = name === undefined ? undefined : versions.get(`${name}@${UNTOLD}`)
  if (untold === undefined || untold.released !== undefined) return undefined
  const { by, person, upstreamRun } = untold
  return {
    ...{ model, at, by },
    ...(person === undefined ? {} : { person }),
    ...(upstreamRun === undefined ? {} : { upstreamRun }),
  }
}

const NAMED = /^(model:[^@\s*\p{C}]{1,256})@[^@\s*\p{C}]{1,256}$/u

function notAnother(
  state: AccessState,
  version: RegisteredVersion,
  by: Person,
): Declined | undefined {
  if (by.person === '') return decline('person_unknown', 'A release needs a person.')
  const { ids, people } = makersOf(state, version)
  if (!ids.has(by.id) && !people.has(by.person)) return undefined
  return decline('second_person', 'Somebody else than who trained or registered it releases it.')
}

/** Everybody who had a hand in it; where it is not known which run it was, in any that it may be. */
function makersOf(state: AccessState, version: RegisteredVersion) {
  const name = version.model.slice(0, version.model.lastIndexOf('@'))
  const { run: linked, upstreamRun: said } = version
  const runs = [...state.runs.values()].filter(({ id, destination, upstreamRun }) => {
    if (linked !== undefined) return id === linked
    const isSaid = said !== undefined && upstreamRun === said
    return isSaid || destination === undefined || destination === name
  })
  const ids = new Set<string>([version.by, ...runs.map((run) => run.by)])
  const people = new Set<string>()
  const add = (person: string | undefined): void => {
    if (person !== undefined && person !== '') people.add(person)
  }
  add(version.person)
  for (const { person, grant } of runs) {
    add(person)
    const holder = grant === undefined ? undefined : state.grants.get(grant)?.holder
    add(holder?.person)
    if (holder !== undefined) ids.add(holder.id)
  }
  for (const id of ids) add(state.people.get(id)?.person)
  return { ids, people }
}
