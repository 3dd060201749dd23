/** Closing a campaign. */
import { decline, type Command } from '../command.ts'
import { isComplete, statusOf, type LineStatus } from './verdicts.ts'

/** How many lines stand how. */
export type LineCounts = Readonly<Record<LineStatus, number>>

/**
 * Closes a campaign in which everything is decided, or whose day has passed: open lines have then
 * lapsed. One that was never completed can be closed any time, and nothing in it counts. Declines
 * `not_found`, `closed` when it was closed before, `unfinished` when lines are still open.
 */
export function closeReview(ask: {
  readonly review: string
  /** `user:…`. */
  readonly by: string
}): Command<LineCounts> {
  return (state, now) => {
    const review = state.reviews.get(ask.review)
    if (review === undefined) return decline('not_found', 'There is no such review.')
    if (review.closed !== undefined) return decline('closed', 'It is closed already.')
    const after = { ...review, closed: { by: ask.by, at: now } }
    const counts = countLines(isComplete(review) ? review : after, now)
    if (isComplete(review) && counts.open > 0) {
      const lines = counts.open === 1 ? 'One line is' : `${counts.open} lines are`
      return decline('unfinished', `${lines} still open. Decide them, or wait until it is due.`)
    }
    return { events: [{ type: 'review.closed', id: review.id, by: ask.by }], result: counts }
  }
}

/** Counts the lines of `review` at `now`. */
export function countLines(review: Parameters<typeof statusOf>[0], now: number): LineCounts {
  const counts = { open: 0, certified: 0, revoked: 0, lapsed: 0, abandoned: 0 }
  for (const line of review.lines) counts[statusOf(review, line, now)]++
  return counts
}
