import { emergenciesOf } from '../access/elevation/emergencies.ts'
import { createGrantIndex } from '../access/elevation/grant-index.ts'
import { createLockIndex } from '../access/locks/lock-index.ts'
import type { AccessReplica } from '../access/replica.ts'
import { createRevocationFinder } from '../access/reviews/finder.ts'
import type { AccessState } from '../access/state.ts'
import { UNTOLD } from '../access/version.ts'
import {
  createRestrictions,
  isWithheld,
  type IsRestricted,
} from '../access/versions/restrictions.ts'
import type { UnwrittenVersions } from '../access/versions/unwritten.ts'
import type { AccessView } from '../access/view.ts'
import { resourceText } from '../domain/vocabulary.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { elevationDepsOf, type ElevationRules } from './elevation-deps.ts'
import { createAccessView, type VersionFinder, type ViewParts } from './replica/access-view.ts'
import { createSeenPeople } from './replica/seen-people.ts'

/** What a view is opened with. */
export interface AccessOpening {
  readonly replica: ViewParts['replica'] & Pick<AccessReplica, 'run'>
  /** Those in force; the same object as long as they are. */
  readonly rules: () => ElevationRules
  /** Versions that the journal does not have yet. */
  readonly unwritten: Pick<UnwrittenVersions, 'has'>
  readonly log: Pick<Logger, 'warn'>
  readonly metrics: Pick<Metrics, 'breakGlassFacts'>
}

/** The state as requests see it: grants stand by the rules of the moment they are made use of. */
export function openAccess({ replica, rules, unwritten, log, metrics }: AccessOpening): AccessView {
  const view = createAccessView({
    replica,
    locks: createLockIndex(replica.state.locks),
    grants: createGrantIndex(() => elevationDepsOf(rules())),
    reviews: createRevocationFinder(),
    versions: createVersionFinder(unwritten),
    seen: createSeenPeople(replica, (error) => {
      log.warn({ err: error }, 'what somebody holds now was not written down; it is tried again')
    }),
  })
  metrics.breakGlassFacts(() => emergenciesOf(replica.state, elevationDepsOf(rules()), view.now()))
  return view
}

/** Restrictions of whatever state is the newest, and of versions that it does not have yet. */
function createVersionFinder(unwritten: AccessOpening['unwritten']): VersionFinder {
  let known: { readonly of: AccessState['versions']; readonly find: IsRestricted } | undefined
  return {
    isRestricted(state, operation) {
      const { versions } = state
      const { resource } = operation
      if (resource.kind !== 'model' || resource.version === undefined) return false
      if (isWithheld(operation.action)) {
        if (unwritten.has(resourceText(resource))) return true
        const untold = resourceText({ ...resource, version: UNTOLD })
        const isReleased = versions.get(resourceText(resource))?.released !== undefined
        if (unwritten.has(untold) && !isReleased) return true
      }
      if (known?.of !== versions) known = { of: versions, find: createRestrictions(state) }
      return known.find(operation)
    },
  }
}
