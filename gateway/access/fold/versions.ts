/** Training runs, and the versions that come of them. */
import type { Folds } from './entry.ts'
import { withChanged, withEntry } from './maps.ts'

type Kinds = 'training.begun' | 'training.named' | 'version.registered' | 'version.released'

/** What becomes of the state. */
export const VERSION_FOLDS: Folds<Kinds> = {
  'training.begun': (state, { run }) => ({ ...state, runs: withEntry(state.runs, run.id, run) }),
  'training.named': (state, { id, upstreamRun }) => ({
    ...state,
    runs: withChanged(state.runs, id, (run) => ({ ...run, upstreamRun })),
  }),
  'version.registered': (state, { version }) => ({
    ...state,
    versions: withEntry(state.versions, version.model, version),
  }),
  'version.released': (state, { model, by, reason }, at) => {
    const released = { by, at, reason }
    const versions = withChanged(state.versions, model, (one) => ({ ...one, released }))
    return { ...state, versions }
  },
}
