/** What happens in this process when the journal has changed: to open exchanges, and in a drill. */
import type { Applied } from '../access/replica.ts'
import { nextLapse } from '../access/reviews/revocations.ts'
import type { AccessState } from '../access/state.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import { atInstant } from '../pep/streams/expiry.ts'
import type { Flights } from '../pep/streams/flights.ts'
import { createLockEnforcer } from '../pep/watching/enforce-locks.ts'
import { createDrillAnswers } from './answer-drills.ts'
import type { RunningReplica } from './replica/replica.ts'

/** What {@link followJournal} needs. */
export interface JournalFollowing {
  readonly services: Services & {
    readonly replica: Pick<RunningReplica, 'self' | 'state' | 'now' | 'run' | 'onApplied'>
  }
  readonly flights: Pick<Flights, 'cutLocked' | 'decideAgain'>
  readonly runtime: () => Runtime
}

/**
 * Follows the journal from now on, after the view that requests ask: new locks end what they are on,
 * what was taken away by a revocation, a review or its lapse ends what relies on it, and this
 * replica takes its part in every drill.
 */
export function followJournal(following: JournalFollowing): { readonly stop: () => void } {
  const { services, flights } = following
  const { replica } = services
  const now = (): number => replica.now()
  const enforce = createLockEnforcer({ services, flights, now })
  const answer = createDrillAnswers({ services, replica, runtime: following.runtime })
  let [isStopped, stopLapse] = [false, nothing]
  const armLapse = (): void => {
    stopLapse()
    const at = nextLapse(replica.state, now())
    if (at === undefined) return
    stopLapse = atInstant({ now }, at, () => {
      void flights.decideAgain()
      armLapse()
    })
  }
  armLapse()
  replica.onApplied((applied) => {
    if (isStopped) return
    void enforce(applied)
    if (bearsOnPermits(applied)) void flights.decideAgain()
    if (applied.before.reviews !== applied.after.reviews) armLapse()
    void answer(applied)
  })
  return {
    stop() {
      isStopped = true
      stopLapse()
    },
  }
}

function nothing(): void {
  // Nothing is awaited yet.
}

/**
 * Whether what was permitted may rest on what is different. Grants rest on what those who agreed to
 * them hold, and on their not being locked out.
 */
function bearsOnPermits({ before, after }: Applied): boolean {
  const isOther = (name: keyof AccessState): boolean => before[name] !== after[name]
  if (isOther('grants') || isOther('reviews') || isOther('versions')) return true
  return after.grants.size > 0 && (isOther('people') || isOther('locks'))
}
