/** Training runs, and the versions that come of them. */
import type { Folds } from './entry.ts'
import { withChanged, withEntry, withoutEntry } from './maps.ts'

type Kinds =
  | 'training.begun'
  | 'training.named'
  | 'registration.begun'
  | 'registration.ended'
  | 'version.registered'
  | 'version.released'

/** What becomes of the state. */
export const VERSION_FOLDS: Folds<Kinds> = {
  'training.begun': (state, { run }) => ({ ...state, runs: withEntry(state.runs, run.id, run) }),
  'training.named': (state, { id, upstreamRun }) => ({
    ...state,
    runs: withChanged(state.runs, id, (run) => ({ ...run, upstreamRun })),
  }),
  'registration.begun': (state, { registration }, at) => {
    const begun = { ...registration, since: at }
    return { ...state, registrations: withEntry(state.registrations, begun.id, begun) }
  },
  'registration.ended': (state, { id }) => ({
    ...state,
    registrations: withoutEntry(state.registrations, id),
  }),
  'version.registered': (state, { version, registration = '' }) => ({
    ...state,
    versions: withEntry(state.versions, version.model, version),
    registrations: withoutEntry(state.registrations, registration),
  }),
  'version.released': (state, { model, by, reason }, at) => {
    const released = { by, at, reason }
    const versions = withChanged(state.versions, model, (one) => ({ ...one, released }))
    return { ...state, versions }
  },
}
