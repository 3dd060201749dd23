/** Campaigns and lines as the control API and exports show them: moments as ISO 8601. */
import type { ReviewCampaign, ReviewLine } from '../review.ts'
import { countLines } from './close.ts'
import { isUnused } from './lines.ts'
import { isComplete, isOpen, statusOf } from './verdicts.ts'

/** A campaign without its lines. */
export function campaignDocument(review: ReviewCampaign, now: number) {
  const { id, title, by, startedAt, dueAt, revision, scope, lineCount, closed } = review
  return {
    id,
    title,
    status: campaignStatus(review, now),
    by,
    started_at: isoOf(startedAt),
    due_at: isoOf(dueAt),
    revision,
    scope,
    lines: lineCount,
    counts: countLines(review, now),
    ...(closed === undefined ? {} : { closed: { by: closed.by, at: isoOf(closed.at) } }),
  }
}

/** `starting`: not all lines are there. `due`: its day has passed, and nobody has closed it. */
export type CampaignStatus = 'starting' | 'open' | 'due' | 'closed'

/** Where a campaign is at `now`. */
export function campaignStatus(review: ReviewCampaign, now: number): CampaignStatus {
  if (review.closed !== undefined) return 'closed'
  if (!isComplete(review)) return 'starting'
  return isOpen(review, now) ? 'open' : 'due'
}

/** What is said when it is certain that nobody has the name of who is to decide. */
export function warningOf(
  assignee: string | undefined,
  { isNobody }: { readonly isNobody: (name: string) => boolean },
): { readonly warning?: string } {
  if (assignee === undefined || !isNobody(assignee)) return {}
  const who = `By the rules and the configuration here nobody has \`${assignee}\``
  return { warning: `${who}: what is left to them lapses. Look at how it is written.` }
}

/** A line of `review`. */
export function lineDocument(review: ReviewCampaign, line: ReviewLine, now: number) {
  const { id, kind, holder, privilege, source, actions, resources, ghost, decision } = line
  return {
    id,
    status: statusOf(review, line, now),
    kind,
    holder,
    privilege,
    source,
    actions,
    resources,
    given_by: line.givenBy,
    ...(line.givenAt === undefined ? {} : { given_at: isoOf(line.givenAt) }),
    ...(line.lastUsedAt === undefined ? {} : { last_used_at: isoOf(line.lastUsedAt) }),
    ghost,
    // As of the start, so that a line does not change under the eyes of who decides it.
    unused: isUnused(line, review.startedAt),
    ...(line.revokedIn === undefined ? {} : { revoked_in: line.revokedIn }),
    ...(line.assignee === undefined ? {} : { assignee: line.assignee }),
    ...(decision === undefined ? {} : { decision: { ...decision, at: isoOf(decision.at) } }),
  }
}

/** A line as it is shown. */
export type LineDocument = ReturnType<typeof lineDocument>

/** Milliseconds since the epoch as ISO 8601, UTC. */
export function isoOf(at: number): string {
  return new Date(at).toISOString()
}
