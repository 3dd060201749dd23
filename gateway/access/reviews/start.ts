/** Starting a campaign. A long one is several entries, and several appends. */
import { JOURNAL_BATCH_MAX } from '../../domain/journal.ts'
import { decline, type Command, type Declined } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import type { Person } from '../person.ts'
import type { AccessReplica } from '../replica.ts'
import type { ReviewCampaign, ReviewLine, ReviewScope } from '../review.ts'
import { sizeOfMap } from '../size.ts'
import type { AccessState } from '../state.ts'
import { inOrder, type ListedLine } from './lines.ts'
import { entryPieces } from './pieces.ts'
import { isOpen } from './verdicts.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Lines of one campaign. */
export const REVIEW_LINES_MAX = 20_000

/** Campaigns that are neither closed nor due. */
export const REVIEWS_OPEN_MAX = 50

/** Lines of all campaigns that are kept: what the state may grow to. */
export const REVIEW_LINES_KEPT_MAX = 200_000

/** Characters of them, as JSON, past which none begins: the state must hold everything else, too. */
export const REVIEWS_CHARS_MAX = 25_165_824

/** Shortest and longest time for a campaign. */
const DUE_MS = { min: HOUR_MS, max: 366 * DAY_MS }

/** Events of one append: room for what others may add to it. */
const BATCH = JOURNAL_BATCH_MAX - 4

/** A campaign that is to be started. */
export interface ReviewDraft {
  /** From `newId('review', …)`. */
  readonly id: string
  /** 1 to 200 characters. */
  readonly title: string
  readonly by: Person
  /** Milliseconds since the epoch. */
  readonly dueAt: number
  readonly revision: string
  readonly scope: ReviewScope
  /** In any order. */
  readonly lines: readonly ListedLine[]
  /** Who is to decide; anyone who may review when absent. */
  readonly assignee?: string | undefined
}

/** What became of a draft: nothing to review is no campaign, and nobody is bothered (`skipped`). */
export type StartedReview =
  { readonly id: string; readonly lines: number } | { readonly skipped: 'nothing-to-review' }

/**
 * The commands that start a campaign, to be run in this order. Until the last was, nothing in it can
 * be decided and nothing lapses. Each may be run again when it is not known whether it was done.
 */
export interface ReviewStart {
  readonly first: Command<StartedReview>
  readonly rest: readonly Command<StartedReview>[]
}

/**
 * Lists the lines of `draft`, ghosts and unused ones first, and says how it is started. The commands
 * decline `invalid` for a title or a day that is none, and `too_many` past 20,000 lines, 50 open
 * campaigns or 200,000 lines in all.
 */
export function startReview(draft: ReviewDraft): ReviewStart {
  const { assignee } = draft
  const lines = inOrder(draft.lines).map((line, at): ReviewLine => ({
    ...line,
    id: String(at + 1),
    ...(assignee === undefined || assignee === line.holder ? {} : { assignee }),
  }))
  const pieces = lines.length > REVIEW_LINES_MAX ? [[]] : entryPieces(lines)
  const batches: (readonly ReviewLine[])[][] = []
  for (let at = 0; at < pieces.length; at += BATCH) batches.push(pieces.slice(at, at + BATCH))
  const [head = [], ...tail] = batches
  return {
    first: (state, now) => begin(draft, { lines, pieces: head }, state, now),
    rest: tail.map((batch) => (state) => continued(draft.id, batch, state)),
  }
}

function begin(
  draft: ReviewDraft,
  { lines, pieces }: { readonly lines: readonly ReviewLine[]; readonly pieces: Pieces },
  state: AccessState,
  now: number,
): ReturnType<Command<StartedReview>> {
  if (lines.length === 0) return { events: [], result: { skipped: 'nothing-to-review' } }
  const result = { id: draft.id, lines: lines.length }
  if (state.reviews.has(draft.id)) return { events: [], result }
  const problem = problemOf(draft, lines.length, state, now)
  if (problem !== undefined) return problem
  const { id, title, by, dueAt, revision, scope } = draft
  const [first = [], ...more] = pieces
  const review: ReviewCampaign = {
    id,
    title,
    by: by.id,
    startedAt: now,
    dueAt,
    revision,
    scope,
    lineCount: lines.length,
    lines: first,
  }
  return { events: [{ type: 'review.started', review }, ...added(id, more)], result }
}

type Pieces = readonly (readonly ReviewLine[])[]

function added(id: string, pieces: Pieces): AccessEvent[] {
  return pieces.map((lines) => ({ type: 'review.lines-added', id, lines }))
}

function continued(
  id: string,
  pieces: Pieces,
  { reviews }: AccessState,
): ReturnType<Command<StartedReview>> {
  const review = reviews.get(id)
  if (review === undefined || review.closed !== undefined) {
    return decline('closed', 'The campaign was closed before all of its lines were there.')
  }
  const result = { id, lines: review.lineCount }
  const next = Number(pieces[0]?.[0]?.id ?? 0)
  // Done already, when the answer to the last attempt was lost.
  if (review.lines.length >= next) return { events: [], result }
  return { events: added(id, pieces), result }
}

function problemOf(
  { title, dueAt }: ReviewDraft,
  count: number,
  { reviews }: AccessState,
  now: number,
): Declined | undefined {
  if (title.trim() === '' || title.length > 200) {
    return decline('invalid', 'A title has 1 to 200 characters.')
  }
  if (!(dueAt >= now + DUE_MS.min && dueAt <= now + DUE_MS.max)) {
    return decline('invalid', 'A review is due in an hour at the earliest and in 366 days at last.')
  }
  if (count > REVIEW_LINES_MAX) {
    const detail = `There are ${count} lines, and a campaign has ${REVIEW_LINES_MAX} at most.`
    return decline('too_many', `${detail} Review one resource, action or holder at a time.`)
  }
  const all = [...reviews.values()]
  if (all.filter((review) => isOpen(review, now)).length >= REVIEWS_OPEN_MAX) {
    return decline('too_many', `${REVIEWS_OPEN_MAX} campaigns are open. Close one first.`)
  }
  const kept = all.reduce((sum, { lineCount }) => sum + lineCount, 0)
  if (kept + count > REVIEW_LINES_KEPT_MAX || sizeOfMap(reviews) > REVIEWS_CHARS_MAX) {
    const detail = `Campaigns of the last 400 days may have ${REVIEW_LINES_KEPT_MAX} lines together`
    const chars = `, and ${REVIEWS_CHARS_MAX} characters.`
    return decline('too_many', `${detail}${chars} Review less at a time.`)
  }
  return undefined
}

/**
 * Runs all commands of `start` in their order.
 * @throws ERR_STORE_UNAVAILABLE as `AccessReplica.run`; running the same start again goes on with it
 */
export async function runStart(
  replica: Pick<AccessReplica, 'run'>,
  { first, rest }: ReviewStart,
): Promise<{ readonly done: StartedReview } | Declined> {
  const begun = await replica.run(first)
  if ('declined' in begun || 'skipped' in begun.done) return begun
  for (const command of rest) {
    const added = await replica.run(command)
    if ('declined' in added) return added
  }
  return begun
}
