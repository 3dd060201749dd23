/** What locks can be on, for a warning where one is on nothing. */
import type { KnownNames } from '../access/locks/names-nothing.ts'
import { isResourceName, isSomeVersion } from '../classify/names.ts'
import { rolesIn } from './grant-names.ts'
import { knownNames } from './load-rules.ts'
import type { Reloader } from './reloader.ts'

/** Asks by the rules and settings in force; put together once for each pair of them. */
export function createLockNames(reloader: Pick<Reloader, 'active' | 'settings'>): () => KnownNames {
  let from: readonly unknown[] = []
  let names: KnownNames | undefined
  return () => {
    const { policy } = reloader.active().rules
    const settings = reloader.settings()
    if (names !== undefined && from[0] === policy && from[1] === settings) return names
    const roles = rolesIn(policy, knownNames(settings))
    const { issuers, upstreams } = settings
    from = [policy, settings]
    names = {
      issuers,
      upstreams,
      isRole: (id) => roles.has(id),
      isModelName: isResourceName,
      isVersion: isSomeVersion,
    }
    return names
  }
}
