/** Reviews: campaigns, their lines, and what they came to. */
import { decline, isDeclined, type Command } from '../../../access/command.ts'
import type { ReviewCampaign, ReviewLine } from '../../../access/review.ts'
import { closeReview } from '../../../access/reviews/close.ts'
import {
  decideLine,
  delegateLine,
  type LinePlace,
  type Reviewer,
} from '../../../access/reviews/decide.ts'
import { campaignDocument, lineDocument, warningOf } from '../../../access/reviews/documents.ts'
import { reviewCsv, reviewMarkdown } from '../../../access/reviews/result-text.ts'
import { reviewResult, type ReviewResult } from '../../../access/reviews/result.ts'
import { statusOf } from '../../../access/reviews/verdicts.ts'
import type { AccessState } from '../../../access/state.ts'
import {
  answered,
  changeRoute,
  readRoute,
  type ApiResult,
  type ApiRoute,
  type ChangeContext,
  type ReadContext,
} from '../api-route.ts'
import { startFrom } from './review-start.ts'

const REVIEW = '/v1/reviews/{id}'
const LINE = `${REVIEW}/lines/{line}`
const READ = { area: 'reviews', action: 'read' } as const
const ADMIN = { area: 'reviews', action: 'admin', method: 'POST' } as const

/** `/v1/reviews`. */
export const REVIEW_ROUTES: readonly ApiRoute[] = [
  changeRoute({
    ...ADMIN,
    path: '/v1/reviews',
    operationId: 'reviews.start',
    summary: 'Lists every privilege within a scope for review; nothing happens when there is none',
    body: 'reviewStart',
    answer: 'reviewStarted',
    status: 201,
    run: startFrom,
  }),
  readRoute({
    ...READ,
    path: '/v1/reviews',
    operationId: 'reviews.list',
    summary: 'Review campaigns, without their lines',
    query: 'page',
    answer: 'reviews',
    run({ state, now, page }) {
      const paged = page(state.reviews.values(), ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      const items = paged.entries.map((review) => campaignDocument(review, now))
      return answered('reviews', { items, ...nextOf(paged) })
    },
  }),
  readRoute({
    ...READ,
    path: REVIEW,
    operationId: 'reviews.show',
    summary: 'One campaign, without its lines',
    query: 'none',
    answer: 'review',
    run: (context) =>
      onReview(context, (review) => answered('review', campaignDocument(review, context.now))),
  }),
  readRoute({
    ...READ,
    path: `${REVIEW}/lines`,
    operationId: 'reviews.lines',
    summary: 'Lines of a campaign; with order=oldest in the order in which they deserve a look',
    query: 'reviewLines',
    answer: 'reviewLines',
    run: (context) => onReview(context, (review) => linesOf(context, review)),
  }),
  decisionRoute('certify', 'Keeps the privilege; never one of your own'),
  decisionRoute('revoke', 'Takes the privilege away, at once and on every replica'),
  changeRoute({
    ...ADMIN,
    path: `${LINE}/delegate`,
    operationId: 'reviews.delegate',
    summary: 'Leaves a line to somebody else to decide',
    body: 'reviewDelegation',
    answer: 'reviewLine',
    run: (context) => {
      const { to } = context.body
      return onLine(context, (line) => delegateLine({ ...line, to }))
    },
  }),
  changeRoute({
    ...ADMIN,
    path: `${REVIEW}/close`,
    operationId: 'reviews.close',
    summary: 'Closes a campaign in which everything is decided, or whose day has passed',
    body: 'nothing',
    answer: 'review',
    run: ({ caller, params, change }) => {
      const { id = '' } = params
      const close = closeReview({ review: id, by: caller.subject.id })
      return change(withId(close, id), {
        document: (state, review, now) => campaignIn(state, review, now),
      })
    },
  }),
  readRoute({
    ...READ,
    path: `${REVIEW}/export`,
    operationId: 'reviews.export',
    summary: 'All lines and decisions, and what is to be changed in the rules',
    query: 'none',
    answer: 'reviewResult',
    run: (context) =>
      onReview(context, (review) => answered('reviewResult', reviewResult(review, context.now))),
  }),
  textRoute('export.csv', 'text/csv; charset=utf-8', reviewCsv),
  textRoute('export.md', 'text/markdown; charset=utf-8', reviewMarkdown),
]

function decisionRoute(verdict: 'certify' | 'revoke', summary: string): ApiRoute {
  return changeRoute({
    ...ADMIN,
    path: `${LINE}/${verdict}`,
    operationId: `reviews.${verdict}`,
    summary,
    body: 'reviewDecision',
    answer: 'reviewLine',
    run: (context) => {
      const { comment } = context.body
      return onLine(context, (line) => decideLine({ ...line, verdict, comment }))
    },
  })
}

function textRoute(name: string, type: string, write: (result: ReviewResult) => string): ApiRoute {
  return readRoute({
    ...READ,
    path: `${REVIEW}/${name}`,
    operationId: `reviews.${name}`,
    summary: `The result as ${type.split(';', 1)[0] ?? ''}`,
    query: 'none',
    answer: { text: type },
    run: (context) =>
      onReview(context, (review) => ({ text: write(reviewResult(review, context.now)), type })),
  })
}

function onReview(
  { state, params }: Pick<ReadContext, 'state' | 'params'>,
  answer: (review: ReviewCampaign) => ApiResult,
): ApiResult {
  const review = state.reviews.get(params['id'] ?? '')
  return review === undefined ? decline('not_found', 'There is no such review.') : answer(review)
}

function linesOf(
  { query, now, page }: ReadContext<'reviewLines'>,
  review: ReviewCampaign,
): ApiResult {
  const wanted = review.lines.filter(
    (line) =>
      (query.status === undefined || statusOf(review, line, now) === query.status) &&
      (query.assignee === undefined || line.assignee === query.assignee),
  )
  // Ids of lines are numbers, and pages are in the order of texts.
  const paged = page(wanted, ({ id }) => id.padStart(8, '0'))
  if ('reason' in paged) return { problem: paged }
  const items = paged.entries.map((line) => lineDocument(review, line, now))
  return answered('reviewLines', { items, ...nextOf(paged) })
}

function nextOf({ next }: { readonly next?: string }): { readonly next?: string } {
  return next === undefined ? {} : { next }
}

async function onLine(
  { caller, params, parts, change }: Pick<ChangeContext, 'caller' | 'params' | 'parts' | 'change'>,
  command: (asked: LinePlace & Reviewer) => Command<ReviewLine>,
): Promise<ApiResult> {
  const { id = '', line = '' } = params
  const { person } = caller
  if (person === undefined) return decline('person_unknown', 'Lines are decided by people.')
  const deps = parts.elevation(caller)
  const reviewer: Reviewer = { by: person, holdingsOf: (one) => deps.holdingsOf(one) }
  return change(withId(command({ review: id, line, ...reviewer }), id), {
    document(state, review, now) {
      const campaign = state.reviews.get(review)
      const found = campaign?.lines.find((one) => one.id === line)
      if (campaign === undefined || found === undefined) return undefined
      const assignee = found.decision === undefined ? found.assignee : undefined
      const isNobody = (name: string) => parts.privileges.isNobody(name)
      return { ...lineDocument(campaign, found, now), ...warningOf(assignee, { isNobody }) }
    },
  })
}

function campaignIn({ reviews }: AccessState, id: string, now: number): object | undefined {
  const review = reviews.get(id)
  return review === undefined ? undefined : campaignDocument(review, now)
}

function withId<T>(command: Command<T>, id: string): Command<{ readonly id: string }> {
  return (state, now) => {
    const ruled = command(state, now)
    return isDeclined(ruled) ? ruled : { ...ruled, result: { id } }
  }
}
