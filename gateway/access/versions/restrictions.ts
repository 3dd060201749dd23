/** Versions that came of a retraining and were not released. */
import { resourceText, type Action, type Operation } from '../../domain/vocabulary.ts'
import type { AccessState } from '../state.ts'
import { UNTOLD } from '../version.ts'

/** What is withheld: the use of the version, its bytes, and every way to put it to use. */
const WITHHELD: ReadonlySet<Action> = new Set<Action>(['infer', 'export', 'deploy'])

/** Whether `action` is withheld from versions that were not released. */
export function isWithheld(action: Action): boolean {
  return WITHHELD.has(action)
}

/** See `AccessView.isRestricted`. */
export type IsRestricted = (operation: Pick<Operation, 'action' | 'resource'>) => boolean

/**
 * Whether operations are on a restricted version, in `state`: constant time, whatever the number of
 * versions. Where one was made that nobody can name, every version is that was not released by its
 * name. Only an operation that names the version is: which version an upstream takes where none
 * is named is decided by a `deploy`, and that names it.
 */
export function createRestrictions({ versions }: Pick<AccessState, 'versions'>): IsRestricted {
  return ({ action, resource }) => {
    if (versions.size === 0 || resource.kind !== 'model' || resource.version === undefined) {
      return false
    }
    if (!isWithheld(action)) return false
    const version =
      versions.get(resourceText(resource)) ??
      versions.get(resourceText({ ...resource, version: UNTOLD }))
    return version !== undefined && version.released === undefined
  }
}
