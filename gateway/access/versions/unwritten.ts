/** Versions that a registry made and the journal does not have yet: restricted here all the same. */
import { isDeclined } from '../command.ts'
import type { AccessReplica } from '../replica.ts'
import { namesOf, registerVersion, type Registration } from './trainings.ts'

/** Registrations that wait at once. */
const WAITING_MAX = 1_000

/** See {@link createUnwritten}. */
export interface UnwrittenVersions {
  /**
   * Restricts the version in this process until the journal has been told of it; false when too many
   * wait already.
   */
  hold(registration: Registration): boolean
  /** Whether `model:<name>@<version>` waits, by any of its names; `*` is one that nobody can name. */
  has(version: string): boolean
  /** Tells the journal of all that wait, one after the other; ends at the first failure. Never rejects. */
  retry(): Promise<void>
  readonly size: number
}

/** Begins with none. `onFailed` is told what kept the journal from being told. */
export function createUnwritten(
  { run }: Pick<AccessReplica, 'run'>,
  onFailed: (error: unknown, version: string) => void,
): UnwrittenVersions {
  const waiting = new Map<string, Registration>()
  let names: ReadonlySet<string> = new Set()
  const changed = (): void => {
    names = new Set([...waiting.values()].flatMap(namesOf))
  }
  let isTrying = false
  const tryAll = async (): Promise<void> => {
    for (const [key, registration] of waiting) {
      const [version] = namesOf(registration)
      try {
        const done = await run(registerVersion(registration))
        // What is declined is not in the journal: it stays restricted here.
        if (isDeclined(done)) onFailed(new Error(done.detail), version)
        // The same may have been registered anew meanwhile.
        else if (waiting.get(key) === registration) {
          waiting.delete(key)
          changed()
        }
      } catch (error) {
        onFailed(error, version)
        return
      }
    }
  }
  return {
    hold(registration) {
      const key = keyOf(registration)
      if (waiting.size >= WAITING_MAX && !waiting.has(key)) return false
      waiting.set(key, registration)
      changed()
      return true
    },
    has: (version) => names.has(version),
    async retry() {
      if (isTrying || waiting.size === 0) return
      isTrying = true
      await tryAll()
      isTrying = false
    },
    get size() {
      return waiting.size
    },
  }
}

/**
 * One tag may have been put on two digests while they wait, `*` may be of two runs, and each ends
 * what the journal was told of it before: all stay.
 */
function keyOf(registration: Registration): string {
  const { upstreamRun = '', begun = '' } = registration
  return [...namesOf(registration), upstreamRun, begun].join('\n')
}
