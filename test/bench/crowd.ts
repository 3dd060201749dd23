/** A store that is full of what has nothing to do with the requests of a bench. */
import { entryText } from '../../gateway/access/fold/entry.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { JOURNAL_BATCH_MAX } from '../../gateway/domain/journal.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { T0 } from '../support/elevation.ts'
import { crowdedState } from '../support/many-grants.ts'

/** How many there are. */
export interface Crowd {
  readonly grants: number
  readonly locks: number
}

const HOLDS_MS = 24 * 3_600_000

/** Fills the store in `dir`, which nobody has open, through its journal. */
export async function fillStore(dir: string, { grants, locks }: Crowd): Promise<void> {
  const store = await openEmbeddedStore({ dir, clock: systemClock })
  try {
    const texts = crowdEvents({ grants, locks }).map((event) => entryText({ v: 1, event }))
    const { epoch, ...head } = await store.journal.head()
    let { seq } = head
    for (let i = 0; i < texts.length; i += JOURNAL_BATCH_MAX) {
      const appended = await store.journal.append(texts.slice(i, i + JOURNAL_BATCH_MAX), {
        epoch,
        seq,
      })
      if (!appended.appended) throw new Error('somebody else writes to the store of the bench')
      seq = appended.seq
    }
  } finally {
    await store.close()
  }
}

/** As of now, and good for a day. */
function crowdEvents({ grants, locks }: Crowd): readonly AccessEvent[] {
  const state = crowdedState(grants, locks)
  const now = systemClock.now()
  const later = (at: number): number => at - T0 + now
  return [
    ...[...state.people.values()].map((person) => ({ type: 'person.seen', person }) as const),
    ...[...state.grants.values()].map((grant) => {
      const times = { issuedAt: now, startsAt: now, expiresAt: now + HOLDS_MS }
      return { type: 'grant.issued', grant: { ...grant, ...times } } as const
    }),
    ...[...state.locks.values()].map(({ expiresAt, ...lock }) => {
      const ends = expiresAt === undefined ? {} : { expiresAt: later(expiresAt) }
      return { type: 'lock.set', lock: { ...lock, at: now, ...ends } } as const
    }),
  ]
}
