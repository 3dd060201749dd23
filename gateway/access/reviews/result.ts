/** What a campaign came to, and what is to be changed in the rules so that they say the same. */
import type { ReviewCampaign, ReviewLine } from '../review.ts'
import { campaignDocument, isoOf, lineDocument } from './documents.ts'
import { statusOf } from './verdicts.ts'

/** What the operator is to do in a file of the rules. */
export interface RuleEdit {
  /** `policy.csv:12`. */
  readonly source: string
  /** The row as written, or the id of the grant. */
  readonly text: string
  /** Nobody of the campaign keeps it: the row can go. Otherwise only these holders lose it. */
  readonly whole: boolean
  readonly holders: readonly string[]
}

/** The whole result, to be kept as evidence. */
export function reviewResult(review: ReviewCampaign, now: number) {
  return {
    v: 1 as const,
    exported_at: isoOf(now),
    review: campaignDocument(review, now),
    lines: review.lines.map((line) => lineDocument(review, line, now)),
    edits: ruleEdits(review, now),
  }
}

/** See {@link reviewResult}. */
export type ReviewResult = ReturnType<typeof reviewResult>

/**
 * Rows of files that lost holders. A row is `whole` when every line of it was revoked or lapsed, and
 * the campaign was not about one holder alone. Grants of the journal need no edit: they have ended.
 */
export function ruleEdits(review: ReviewCampaign, now: number): readonly RuleEdit[] {
  const rows = new Map<string, ReviewLine[]>()
  for (const line of review.lines) {
    if (line.kind === 'grant' && !/:\d+$/.test(line.source)) continue
    const key = `${line.kind} ${line.privilege}`
    const known = rows.get(key)
    if (known === undefined) rows.set(key, [line])
    else known.push(line)
  }
  return [...rows.values()].flatMap((lines) => {
    const gone = lines.filter((line) => isGone(review, line, now))
    const [first] = gone
    if (first === undefined) return []
    const whole = gone.length === lines.length && review.scope.holder === undefined
    const holders = gone.map(({ holder }) => holder)
    return { source: first.source, text: first.privilege, whole, holders }
  })
}

function isGone(review: ReviewCampaign, line: ReviewLine, now: number): boolean {
  const status = statusOf(review, line, now)
  return status === 'revoked' || status === 'lapsed'
}
