/** Lines of grants: those of `grants.yaml`, and those that came of requests. */
import type { ElevationGrant } from '../../access/elevation.ts'
import type { ListedLine } from '../../access/reviews/lines.ts'
import { grantPrivilege, useKey } from '../../access/reviews/privileges.ts'
import type { Grant } from '../../domain/access.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import type { Holders } from '../../pdp/analysis/standing-privileges.ts'
import type { LineFacts } from './rule-lines.ts'

/** A line, and when the grant ends; milliseconds since the epoch. */
export interface GrantLine {
  readonly line: ListedLine
  readonly expiresAt: number
}

/** The line of a grant of the journal; `undefined` when it is over or was revoked. */
export function journalGrantLine(
  grant: ElevationGrant,
  now: number,
  facts: LineFacts,
): GrantLine | undefined {
  if (grant.revoked !== undefined || grant.expiresAt <= now) return undefined
  const { id, request, terms, votes, auto, issuedAt, expiresAt } = grant
  const approvers = votes.filter(({ decision }) => decision === 'approve').map(({ by }) => by.id)
  const givenBy = auto === undefined ? [...new Set(approvers)] : [`approvals.yaml ${auto}`]
  const { holder, actions, resources } = terms
  const about = { id, source: request, givenBy, givenAt: issuedAt, actions, resources }
  return { line: lineOf(about, holder, facts), expiresAt }
}

/** The lines of a grant of the file: one for each who comes to it. None when it is over. */
export function fileGrantLines(
  grant: Grant,
  source: string,
  at: { readonly now: number; readonly holders: Holders; readonly facts: LineFacts },
): readonly GrantLine[] {
  const { id, to, actions, resources, approvals, expiresAt } = grant
  const { now, holders, facts } = at
  if (expiresAt <= now) return []
  const approvers = [...new Set(approvals.map(({ by }) => by))]
  const times = approvals.map((one) => one.at)
  const about = {
    id,
    source,
    givenBy: approvers.length === 0 ? [source.replace(/:\d+$/, '')] : approvers,
    ...(times.length === 0 ? {} : { givenAt: Math.max(...times) }),
    actions,
    resources: resources.map(resourceText),
  }
  return to.flatMap((name) =>
    [...holders.of(name)].map((holder) => {
      const line = lineOf(about, holder, facts)
      return { line: { ...line, ghost: line.ghost || holders.isUnheld(name) }, expiresAt }
    }),
  )
}

interface About extends Pick<
  ListedLine,
  'source' | 'givenBy' | 'givenAt' | 'actions' | 'resources'
> {
  readonly id: string
}

function lineOf({ id, ...about }: About, holder: string, { ghosts, uses }: LineFacts): ListedLine {
  const lastUsedAt = uses.get(useKey(grantPrivilege(id), holder))
  return {
    kind: 'grant',
    holder,
    privilege: id,
    ...about,
    ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
    ghost: ghosts.isHolder(holder) || ghosts.areResources(about.resources),
  }
}
