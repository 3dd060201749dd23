/** Versions that are in use as soon as they are made: restricted before. */
import { isDeclined, type Command } from '../command.ts'
import type { AccessState } from '../state.ts'
import type { RegisteredVersion } from '../version.ts'
import { namesOf, registerVersion, runsFor, type Registration } from './trainings.ts'

/** A version that must not be made yet. */
export interface HeldVersion {
  readonly version: RegisteredVersion
  /** Whether this is the first that is heard of it since it became restricted. */
  readonly isNew: boolean
}

/**
 * Nothing where the version comes of no training, or all its names were released after the newest
 * training that it may come of: what is behind a name in a store of files may be another thing since.
 * Else the version, restricted. Declines with `too_many`.
 */
export function holdVersion(registration: Registration): Command<HeldVersion | undefined> {
  return (state, now) => {
    const runs = runsFor(state, registration)
    if (runs.length === 0) return { events: [], result: undefined }
    const newest = runs.reduce((last, { at }) => Math.max(last, at), 0)
    const names = namesOf(registration)
    if (names.every((name) => isReleasedSince(state, name, newest))) {
      return { events: [], result: undefined }
    }
    const [first] = names
    const known = state.versions.get(first)
    if (known !== undefined && known.released === undefined) {
      return { events: [], result: { version: known, isNew: false } }
    }
    const ruled = registerVersion(registration)(state, now)
    if (isDeclined(ruled)) return ruled
    const version = ruled.result ?? known
    return version === undefined
      ? { events: [], result: undefined }
      : { events: ruled.events, result: { version, isNew: true } }
  }
}

function isReleasedSince({ versions }: AccessState, name: string, newest: number): boolean {
  const released = versions.get(name)?.released
  return released !== undefined && released.at >= newest
}
