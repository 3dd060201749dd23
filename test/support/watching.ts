/** The parts of services that watch callers, over a store of this process; no timer is started. */
import { NO_ACCESS } from '../../gateway/access/no-access.ts'
import type { Clock } from '../../gateway/domain/clock.ts'
import type { LockoutStore } from '../../gateway/domain/shared-state.ts'
import { createExtractionDetector } from '../../gateway/detect/detector.ts'
import { createLockouts } from '../../gateway/pep/watching/lockouts.ts'
import type { Services } from '../../gateway/pep/runtime.ts'
import { createMemoryReplica, livingOver } from './memory-replica.ts'

/** Nobody is kept out, and nothing was counted. */
export function watchingOf(
  store: LockoutStore,
  clock: Clock,
): Pick<Services, 'access' | 'replica' | 'registrations' | 'lockouts' | 'extraction'> {
  const schedule = () => () => undefined
  const replica = createMemoryReplica(clock.now())
  return {
    access: NO_ACCESS,
    replica,
    registrations: livingOver(replica),
    lockouts: createLockouts({ store, clock, schedule }),
    extraction: createExtractionDetector({ clock, seed: 1 }),
  }
}
