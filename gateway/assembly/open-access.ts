import { createLockIndex } from '../access/locks/lock-index.ts'
import type { AccessView } from '../access/view.ts'
import { createAccessView, type ViewParts } from './replica/access-view.ts'

/**
 * The state as requests see it. Without `finders`, journalled grants are not found, which gives
 * nothing, and versions that were not released are restricted.
 */
export function openAccess(
  replica: ViewParts['replica'],
  finders: Partial<Pick<ViewParts, 'grants' | 'reviews' | 'versions'>> = {},
): AccessView {
  return createAccessView({
    replica,
    locks: createLockIndex(replica.state.locks),
    grants: finders.grants ?? { find: () => ({}) },
    reviews: finders.reviews ?? { revokedBy: () => undefined },
    versions: finders.versions ?? { isRestricted: isUnreleased },
  })
}

/** Whether the version that is named came of a retraining and was not released. */
const isUnreleased: ViewParts['versions']['isRestricted'] = ({ versions }, { resource }) => {
  if (versions.size === 0 || resource.kind !== 'model' || resource.version === undefined) {
    return false
  }
  const found = versions.get(`model:${resource.name}@${resource.version}`)
  return found !== undefined && found.released === undefined
}
