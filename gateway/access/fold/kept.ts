/** What is kept for a while and then forgotten, so that the state stays bounded. */
import type { AccessState } from '../state.ts'
import type { ReadEntry } from './entry.ts'
import { filtered, withEntry } from './maps.ts'
import { keepReviews } from './reviews-kept.ts'
import { keepRuns } from './runs-kept.ts'

const DAY_MS = 86_400_000

/** How long a call of the API can be repeated with its key. */
export const CALL_KEPT_MS = DAY_MS

/** How long a signal is known to have been taken: longer than any is accepted after its making. */
export const SIGNAL_KEPT_MS = 7 * DAY_MS

/** How long what is over stays to be looked at: requests, grants, locks, drills. */
const OVER_KEPT_MS = 90 * DAY_MS

/** Reviews are evidence for the yearly audit; what they took away is not given back after it. */
const REVIEW_KEPT_MS = 400 * DAY_MS

/** Runs stay as long as a version of theirs can still be registered or released; then the ledger has them. */
const RUN_KEPT_MS = 90 * DAY_MS

/** What a call did, so that its repetition is answered alike. */
export function foldCall(state: AccessState, { call, at }: ReadEntry): AccessState {
  if (call === undefined) return state
  const kept = { value: call, until: at + CALL_KEPT_MS }
  return { ...state, calls: withEntry(state.calls, call.key, kept) }
}

/** `state` without what has been over for long, by the time of its last entry. */
export function forget(state: AccessState): AccessState {
  const { at } = state
  const old = at - OVER_KEPT_MS
  return {
    ...state,
    calls: filtered(state.calls, ({ until }) => until > at),
    signals: filtered(state.signals, ({ until }) => until > at),
    requests: filtered(state.requests, ({ expiresAt, grant, closed }) =>
      grant === undefined ? Math.max(expiresAt, closed?.at ?? 0) > old : isKept(state, grant, old),
    ),
    grants: filtered(state.grants, (_grant, id) => isKept(state, id, old)),
    locks: filtered(
      state.locks,
      ({ expiresAt, lifted }) => Math.min(expiresAt ?? Infinity, lifted?.at ?? Infinity) > old,
    ),
    drills: filtered(state.drills, (drill) => drill.at > old),
    reviews: keepReviews(state.reviews, at - REVIEW_KEPT_MS),
    runs: keepRuns(state, at - RUN_KEPT_MS),
    // What is not released stays restricted, however long that takes.
    versions: filtered(
      state.versions,
      ({ released }) => released === undefined || released.at > at - REVIEW_KEPT_MS,
    ),
    autoApprovals: filtered(state.autoApprovals, (times) => (times.at(-1) ?? 0) > old),
  }
}

/** A break-glass that was opened stays until somebody has reviewed it. */
function isKept({ grants }: AccessState, id: string, old: number): boolean {
  const grant = grants.get(id)
  if (grant === undefined) return false
  const { sealed, expiresAt } = grant
  if (sealed?.openedAt !== undefined && sealed.reviewed === undefined) return true
  return expiresAt > old
}
