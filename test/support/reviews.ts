/** Campaigns as tests need them. */
import type { Person } from '../../gateway/access/person.ts'
import type { ReviewCampaign, ReviewLine } from '../../gateway/access/review.ts'
import type { ListedLine } from '../../gateway/access/reviews/lines.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'

export const DAY_MS = 86_400_000

/** Started at 1,000, due a day later. */
export function campaignOf(
  id: string,
  lines: readonly ReviewLine[],
  more: Partial<ReviewCampaign> = {},
): ReviewCampaign {
  return {
    id: `review-${id}`,
    title: 'Everything',
    by: 'user:kc/starter',
    startedAt: 1_000,
    dueAt: 1_000 + DAY_MS,
    revision: 'sha256:test',
    scope: {},
    lineCount: lines.length,
    lines,
    ...more,
  }
}

/** A standing privilege; decided at 2,000 when it is. */
export function lineOf(
  id: string,
  holder: string,
  privilege: string,
  verdict?: 'certify' | 'revoke',
): ReviewLine {
  return {
    ...listed(holder, privilege),
    id,
    ...(verdict === undefined ? {} : { decision: { verdict, by: 'user:kc/jo', at: 2_000 } }),
  }
}

export function listed(
  holder: string,
  privilege: string,
  more: Partial<ListedLine> = {},
): ListedLine {
  return {
    kind: 'standing',
    holder,
    privilege,
    source: 'policy.csv:1',
    givenBy: ['user:kc/author'],
    actions: ['read'],
    resources: ['model:*'],
    ghost: false,
    ...more,
  }
}

export function stateWith(...reviews: readonly ReviewCampaign[]): AccessState {
  return { ...emptyState('0'), reviews: new Map(reviews.map((one) => [one.id, one])) }
}

/** What somebody holds where rules give the role `auditor` to the group `comp`. */
export function holdingsOf({ id, holds }: Person): ReadonlySet<string> {
  return new Set([id, ...holds, ...(holds.includes('group:comp') ? ['role:auditor'] : [])])
}

/** Somebody with one account. */
export function personOf(name: string, holds: readonly string[] = []): Person {
  return { person: `person:${name}`, id: `user:kc/${name}`, holds }
}
