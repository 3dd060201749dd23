/** Locks and drills. */
import type { Folds } from './entry.ts'
import { withChanged, withEntry } from './maps.ts'
import { withSignal } from './signals.ts'

type Kinds = 'lock.set' | 'lock.lift-asked' | 'lock.lifted' | 'drill.begun' | 'drill.reported'

/** What becomes of the state. */
export const LOCK_FOLDS: Folds<Kinds> = {
  'lock.set': (state, { lock }, at) => {
    const after = { ...state, locks: withEntry(state.locks, lock.id, lock) }
    return lock.cause.kind === 'signal' ? withSignal(after, lock.cause, at) : after
  },
  'lock.lift-asked': (state, { id, by, person, reason }, at) => {
    const liftAsked = { by, person, at, reason }
    return { ...state, locks: withChanged(state.locks, id, (lock) => ({ ...lock, liftAsked })) }
  },
  'lock.lifted': (state, { id, by, reason }, at) => {
    const lifted = { by, at, reason }
    return { ...state, locks: withChanged(state.locks, id, (lock) => ({ ...lock, lifted })) }
  },
  'drill.begun': (state, { drill }) => ({
    ...state,
    drills: withEntry(state.drills, drill.id, drill),
  }),
  'drill.reported': (state, { id, report }) => {
    const drills = withChanged(state.drills, id, (drill) => ({
      ...drill,
      reports: [...drill.reports.filter(({ replica }) => replica !== report.replica), report],
    }))
    return { ...state, drills }
  },
}
