/** Starting a review from the control API. */
import { decline, isDeclined } from '../../../access/command.ts'
import { newId } from '../../../access/ids.ts'
import type { ReviewCampaign, ReviewScope } from '../../../access/review.ts'
import { campaignDocument, warningOf } from '../../../access/reviews/documents.ts'
import { REVIEW_LINES_MAX, startReview, type ReviewStart } from '../../../access/reviews/start.ts'
import { GatewayError } from '../../../domain/errors.ts'
import { problem } from '../../problem.ts'
import { answered, type ApiResult, type ChangeContext } from '../api-route.ts'

type Context = ChangeContext<'reviewStart'>
type Warning = ReturnType<typeof warningOf>

/**
 * Lists what is to be reviewed and journals it. A repetition of a call is answered with the review
 * that the first one started, whole or not.
 */
export async function startFrom(context: Context): Promise<ApiResult> {
  try {
    return await start(context)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'ERR_STORE_UNAVAILABLE') throw error
    const remedy = 'Look at GET /v1/reviews; close one that stays `starting`, and start again.'
    return { problem: problem('store_unavailable', { retryAfter: 5, remedy }) }
  }
}

async function start({ caller, body, parts, now, change }: Context): Promise<ApiResult> {
  const { person } = caller
  if (person === undefined) return decline('person_unknown', 'A review is started by a person.')
  const ready = await parts.run((state) => ({ events: [], result: state }))
  if (isDeclined(ready)) return ready
  const scope = scopeOf(body.scope)
  const { lines, more, revision } = await parts.privileges.list(ready.done, now, scope)
  if (more) {
    const detail = `There are more than ${REVIEW_LINES_MAX} privileges. Name a resource or an action.`
    return decline('too_many', detail)
  }
  const id = newId('review', now)
  const { title, due_at: dueAt, assignee } = body
  const draft = { id, title, by: person, dueAt, revision, scope, lines, assignee }
  if (lines.length === 0) return answered('reviewStarted', { skipped: true })
  const isNobody = (name: string) => parts.privileges.isNobody(name)
  const warning = warningOf(assignee, { isNobody })
  return begun(startReview(draft), id, { parts, change, warning })
}

async function begun(
  { first, rest }: ReviewStart,
  id: string,
  { parts, change, warning }: Pick<Context, 'parts' | 'change'> & { readonly warning: Warning },
): Promise<ApiResult> {
  let made: string | undefined
  const answer = await change(
    (state, now) => {
      const ruled = first(state, now)
      return isDeclined(ruled) ? ruled : { ...ruled, result: { id } }
    },
    {
      status: 201,
      location: (review) => `/v1/reviews/${review}`,
      document(state, review, now) {
        made = review
        return documentOf(state.reviews.get(review), now, warning)
      },
    },
  )
  if (made !== id || !('document' in answer)) return answer
  for (const command of rest) {
    const added = await parts.run(command)
    if (isDeclined(added)) return added
  }
  const seen = await parts.run((state, now) => ({
    events: [],
    result: documentOf(state.reviews.get(id), now, warning),
  }))
  return isDeclined(seen) || seen.done === undefined ? answer : { ...answer, document: seen.done }
}

function documentOf(review: ReviewCampaign | undefined, now: number, warning: Warning) {
  return review === undefined
    ? undefined
    : { skipped: false, review: campaignDocument(review, now), ...warning }
}

/** Without the keys whose value is `undefined`. */
function scopeOf(scope: Context['body']['scope']): ReviewScope {
  const { resource, action, holder, kind } = scope ?? {}
  return {
    ...(resource === undefined ? {} : { resource }),
    ...(action === undefined ? {} : { action }),
    ...(holder === undefined ? {} : { holder }),
    ...(kind === undefined ? {} : { kind }),
  }
}
