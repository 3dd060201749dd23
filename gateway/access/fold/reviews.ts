/** Review campaigns. */
import type { ReviewCampaign, ReviewLine } from '../review.ts'
import type { AccessState } from '../state.ts'
import type { Folds } from './entry.ts'
import { withChanged, withEntry } from './maps.ts'

type Kinds =
  'review.started' | 'review.lines-added' | 'review.decided' | 'review.delegated' | 'review.closed'

/** What becomes of the state. */
export const REVIEW_FOLDS: Folds<Kinds> = {
  'review.started': (state, { review }) => ({
    ...state,
    reviews: withEntry(state.reviews, review.id, review),
  }),
  'review.lines-added': (state, { id, lines }) =>
    onReview(state, id, (review) => ({ ...review, lines: [...review.lines, ...lines] })),
  'review.decided': (state, event) =>
    onLine(state, event, (line) => ({ ...line, decision: event.decision })),
  'review.delegated': (state, event) =>
    onLine(state, event, (line) => ({ ...line, assignee: event.to })),
  'review.closed': (state, { id, by }, at) =>
    onReview(state, id, (review) => ({ ...review, closed: { by, at } })),
}

function onLine(
  state: AccessState,
  { id, line: wanted }: { readonly id: string; readonly line: string },
  change: (line: ReviewLine) => ReviewLine,
): AccessState {
  return onReview(state, id, (review) => ({
    ...review,
    lines: review.lines.map((line) => (line.id === wanted ? change(line) : line)),
  }))
}

function onReview(
  state: AccessState,
  id: string,
  change: (review: ReviewCampaign) => ReviewCampaign,
): AccessState {
  return { ...state, reviews: withChanged(state.reviews, id, change) }
}
