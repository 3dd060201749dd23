/** Deciding lines of a campaign, and handing them to somebody else. */
import { decline, type Command, type Declined } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import type { Person } from '../person.ts'
import type { ReviewCampaign, ReviewLine, ReviewVerdict } from '../review.ts'
import type { AccessState } from '../state.ts'
import { EVERYONE } from './names.ts'
import { isComplete, isOpen } from './verdicts.ts'

/** A line of a campaign. */
export interface LinePlace {
  readonly review: string
  readonly line: string
}

/** Who decides a line or hands it on. */
export interface Reviewer {
  readonly by: Person
  /** Everything that such a person holds by the rules in force, by way of others too. */
  readonly holdingsOf: (person: Person) => ReadonlySet<string>
}

/** Somebody's word on a line. */
export interface LineDecision extends LinePlace, Reviewer {
  readonly verdict: ReviewVerdict
  /** At most 1,000 characters. Free text: escaped wherever it is shown. */
  readonly comment?: string | undefined
}

/** A line that is handed on. */
export interface LineDelegation extends LinePlace, Reviewer {
  /** `user:…`, `group:…` or `role:…` who is to decide. */
  readonly to: string
}

const COMMENT_MAX = 1_000

/**
 * Certifies or revokes a line; the result is the line as it then is. What is revoked is gone at once,
 * and stays so within this campaign; what was certified can still be revoked until it is closed or
 * due. Declines:
 *
 * - `not_found`, `closed` (also when its day has passed: open lines have lapsed; and to certify what
 *   was revoked), `already_done`
 * - `not_eligible`: somebody else is to decide, or the privilege is one's own. It is one's own when
 *   its holder is any account of the person, or a group or role that any of them had when it was last
 *   heard of (threats §2.H 265, 266). What everybody has is nobody's own. Anyone may give up what an
 *   account of theirs has; what a group or role has is not theirs alone to give up.
 */
export function decideLine(ask: LineDecision): Command<ReviewLine> {
  return (state, now) => {
    const found = findLine(state, ask, now)
    if ('declined' in found) return found
    const { review, line } = found
    const problem = decisionProblem(state, line, ask)
    if (problem !== undefined) return problem
    const { verdict, by, comment } = ask
    const said = { verdict, by: by.id, at: now, ...(comment === undefined ? {} : { comment }) }
    return {
      events: [
        { type: 'review.decided', id: review.id, line: line.id, decision: said },
        ...grantEnd(state, review, line, said),
      ],
      result: { ...line, decision: said },
    }
  }
}

/**
 * Hands a line to somebody else, who must be allowed to review. Only who is to decide it, or who
 * started the campaign, may; never to its holder, who could not certify it. Declines as
 * {@link decideLine}, `invalid` for the holder, and `closed` for a line that is decided.
 */
export function delegateLine(ask: LineDelegation): Command<ReviewLine> {
  return (state, now) => {
    const found = findLine(state, ask, now)
    if ('declined' in found) return found
    const { review, line } = found
    if (line.decision !== undefined) return tooLateToDelegate(line.decision)
    if (ask.to === line.holder) {
      return decline('invalid', 'Whoever has the privilege cannot certify it. Name somebody else.')
    }
    if (review.by !== ask.by.id && !isAssigned(line, ask)) return notYours(line)
    return {
      events: [
        { type: 'review.delegated', id: review.id, line: line.id, to: ask.to, by: ask.by.id },
      ],
      result: { ...line, assignee: ask.to },
    }
  }
}

function findLine(
  { reviews }: AccessState,
  place: LinePlace,
  now: number,
): { readonly review: ReviewCampaign; readonly line: ReviewLine } | Declined {
  const review = reviews.get(place.review)
  if (review === undefined) return decline('not_found', 'There is no such review.')
  if (!isOpen(review, now)) {
    const why = review.closed === undefined ? 'The day it was due has passed' : 'It was closed'
    return decline('closed', `${why}. Start a new campaign.`)
  }
  if (!isComplete(review)) {
    return decline(
      'unfinished',
      'Its lines are not all there yet. Start it again if they never come.',
    )
  }
  const line = review.lines.find(({ id }) => id === place.line)
  return line === undefined
    ? decline('not_found', 'The review has no such line.')
    : { review, line }
}

function decisionProblem(
  state: AccessState,
  line: ReviewLine,
  ask: LineDecision,
): Declined | undefined {
  const { verdict, by, comment = '' } = ask
  if (comment.length > COMMENT_MAX) {
    return decline('invalid', `A comment has at most ${COMMENT_MAX} characters.`)
  }
  if (verdict === 'certify' && isOwnLine(state, line, by)) {
    return decline('not_eligible', 'Nobody certifies a privilege of their own. Delegate the line.')
  }
  const givesUp = verdict === 'revoke' && isOfAccount(state, line, by)
  if (!givesUp && !isAssigned(line, ask)) return notYours(line)
  return line.decision === undefined ? undefined : secondWord(line.decision, verdict)
}

type Decided = NonNullable<ReviewLine['decision']>

/** Only what was asked for is `already_done`: the opposite of it is not. */
function secondWord(before: Decided, verdict: ReviewVerdict): Declined | undefined {
  if (before.verdict === verdict) {
    return decline('already_done', `It was ${WAS[verdict]} already, by ${before.by}.`)
  }
  if (before.verdict === 'certify') return undefined
  const detail = `It was revoked by ${before.by}. To give it back, certify it in a new campaign.`
  return decline('closed', detail)
}

function tooLateToDelegate({ verdict, by }: Decided): Declined {
  const more = verdict === 'certify' ? ' Whoever may decide it can still revoke it.' : ''
  const detail = `It was ${WAS[verdict]} by ${by}, and what is decided is not handed on.${more}`
  return decline('closed', detail)
}

const WAS: Readonly<Record<ReviewVerdict, string>> = { certify: 'certified', revoke: 'revoked' }

function notYours({ assignee }: ReviewLine): Declined {
  return decline('not_eligible', `This line is for ${assignee ?? 'somebody else'} to decide.`)
}

/** What rules give counts like what the token says: there may be no other way to the role. */
function isAssigned({ assignee }: ReviewLine, { by, holdingsOf }: Reviewer): boolean {
  return assignee === undefined || holdingsOf(by).has(assignee)
}

/** One human with two accounts is one person; all that is known of any of them counts. */
function isOwnLine(state: AccessState, line: ReviewLine, by: Person): boolean {
  const { holder } = line
  if (holder === EVERYONE) return false
  if (isOfAccount(state, line, by) || by.holds.includes(holder)) return true
  for (const other of state.people.values()) {
    if (other.person === by.person && other.holds.includes(holder)) return true
  }
  return false
}

/** Whether an account of the person has it, and nobody with them. */
function isOfAccount({ people, grants }: AccessState, line: ReviewLine, by: Person): boolean {
  const { kind, holder, privilege } = line
  if (kind === 'grant' && grants.get(privilege)?.holder.person === by.person) return true
  return holder === by.id || people.get(holder)?.person === by.person
}

/** A grant of the journal ends as by any other revocation, so that whoever uses it is cut off. */
function grantEnd(
  { grants }: AccessState,
  review: ReviewCampaign,
  line: ReviewLine,
  { verdict, by, comment }: Decided,
): AccessEvent[] {
  const grant = line.kind === 'grant' ? grants.get(line.privilege) : undefined
  if (verdict !== 'revoke' || grant === undefined || grant.revoked !== undefined) return []
  const reason = `${review.id}: ${comment ?? 'revoked in a review'}`
  return [{ type: 'grant.revoked', id: grant.id, by, reason }]
}
