/**
 * What reviews say of one privilege of one holder, when several campaigns speak of it.
 *
 * A revocation stands, and so does a lapse, until a newer campaign certifies the privilege
 * explicitly, and after it was revoked. To start a newer campaign lifts nothing, nor does leaving its
 * line open.
 */
import type { ReviewCampaign, ReviewLine } from '../review.ts'

/** What one campaign says. */
export interface Verdict {
  readonly kind: 'certify' | 'revoke' | 'lapse'
  /** Of the campaign. */
  readonly review: string
  readonly startedAt: number
  /** Milliseconds since the epoch; from then on it holds. */
  readonly from: number
}

/** Whether all lines of a campaign are there; before, nothing in it counts. */
export function isComplete({ lines, lineCount }: ReviewCampaign): boolean {
  return lines.length >= lineCount
}

/** What `review` says by `line`; a line that is open lapses when the campaign is due. */
export function verdictOf(review: ReviewCampaign, line: ReviewLine): Verdict | undefined {
  if (!isComplete(review)) return undefined
  const { id, startedAt, dueAt } = review
  const { decision } = line
  if (decision === undefined) return { kind: 'lapse', review: id, startedAt, from: dueAt }
  return { kind: decision.verdict, review: id, startedAt, from: decision.at }
}

/** The first revocation or lapse that stands; it may be one that is yet to come. */
export function standingOf(verdicts: readonly Verdict[]): Verdict | undefined {
  let first: Verdict | undefined
  for (const verdict of verdicts) {
    if (verdict.kind === 'certify' || isLifted(verdict, verdicts)) continue
    if (first === undefined || verdict.from < first.from) first = verdict
  }
  return first
}

function isLifted(verdict: Verdict, verdicts: readonly Verdict[]): boolean {
  return verdicts.some(
    (other) =>
      other.kind === 'certify' &&
      isNewer(other, verdict) &&
      (verdict.kind === 'lapse' || other.from >= verdict.from),
  )
}

function isNewer(a: Verdict, b: Verdict): boolean {
  return a.startedAt === b.startedAt ? a.review > b.review : a.startedAt > b.startedAt
}

/** How a line stands at `now`, milliseconds since the epoch. */
export type LineStatus = 'open' | 'certified' | 'revoked' | 'lapsed' | 'abandoned'

/** See {@link LineStatus}; a line of a campaign that was closed unfinished is `abandoned`. */
export function statusOf(review: ReviewCampaign, line: ReviewLine, now: number): LineStatus {
  if (line.decision?.verdict === 'certify') return 'certified'
  if (line.decision?.verdict === 'revoke') return 'revoked'
  if (!isComplete(review)) return review.closed === undefined ? 'open' : 'abandoned'
  return now >= review.dueAt ? 'lapsed' : 'open'
}

/** Whether lines of `review` may still be decided at `now`. */
export function isOpen(review: ReviewCampaign, now: number): boolean {
  return review.closed === undefined && now < review.dueAt
}
