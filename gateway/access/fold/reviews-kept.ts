/** What is kept of reviews that are long over. */
import type { ReviewCampaign, ReviewLine } from '../review.ts'
import type { AccessState } from '../state.ts'
import { privilegeOf } from '../reviews/privileges.ts'
import { standingOf, verdictOf, type Verdict } from '../reviews/verdicts.ts'

/**
 * `reviews` without those that were due before `old`, but for their lines that still keep a standing
 * privilege from somebody: to forget these would give it back. Grants are long over by then.
 */
export function keepReviews(reviews: AccessState['reviews'], old: number): AccessState['reviews'] {
  if (![...reviews.values()].some(({ dueAt }) => dueAt <= old)) return reviews
  const said = verdictsOf(reviews)
  const kept = new Map<string, ReviewCampaign>()
  for (const [id, review] of reviews) {
    const left = review.dueAt > old ? review : trimmed(review, said)
    if (left.lines.length > 0 || left.dueAt > old) kept.set(id, left)
  }
  const isSame = [...reviews].every(([id, review]) => kept.get(id) === review)
  return isSame ? reviews : kept
}

function verdictsOf(reviews: AccessState['reviews']): ReadonlyMap<string, readonly Verdict[]> {
  const said = new Map<string, Verdict[]>()
  for (const review of reviews.values()) {
    for (const line of review.lines) {
      const verdict = verdictOf(review, line)
      if (verdict === undefined) continue
      const known = said.get(keyOf(line))
      if (known === undefined) said.set(keyOf(line), [verdict])
      else known.push(verdict)
    }
  }
  return said
}

function trimmed(
  review: ReviewCampaign,
  said: ReadonlyMap<string, readonly Verdict[]>,
): ReviewCampaign {
  const lines = review.lines.filter(
    (line) =>
      line.kind === 'standing' && standingOf(said.get(keyOf(line)) ?? [])?.review === review.id,
  )
  return lines.length === review.lines.length
    ? review
    : { ...review, lines, lineCount: lines.length }
}

function keyOf(line: ReviewLine): string {
  return `${privilegeOf(line)}\0${line.holder}`
}
