/** Notices change nothing: they are in the journal to be told of. */
import type { NoticeType } from '../notice.ts'
import type { AccessState } from '../state.ts'
import type { Folds } from './entry.ts'

/** What becomes of the state. */
export const NOTICE_FOLDS: Folds<NoticeType> = {
  'incident.raised': same,
  'decision.refused': same,
  'decision.exported': same,
}

function same(state: AccessState): AccessState {
  return state
}
