/** `/v1/requests`: asking for privilege, and deciding on what was asked. */
import { isDeclined, type Command } from '../../../access/command.ts'
import type { ElevationDeps, RequestOutcome } from '../../../access/elevation/deps.ts'
import { cancelRequest, createRequest, editRequest } from '../../../access/elevation/request.ts'
import { voteOn } from '../../../access/elevation/vote.ts'
import { newId } from '../../../access/ids.ts'
import type { Person } from '../../../access/person.ts'
import { statusOf } from '../../../access/standing.ts'
import type { AccessState } from '../../../access/state.ts'
import type { ApiBodyName } from '../../../settings/schemas/api.ts'
import { answered, changeRoute, readRoute } from '../api-route.ts'
import type { ApiResult, ApiRoute, ChangeContext } from '../api-route.ts'
import { narrowingOf, reasonsOf, termsOf } from '../bodies.ts'
import { byId, callingPerson, notFound, pageDocument } from '../commanded.ts'
import { requestDocument, wholeRequest } from '../documents/requests.ts'
import { isOwn, passes, refusalFor, visibleTo } from '../visible.ts'

const AREA = { area: 'requests', action: 'read' } as const
const ONE = { ...AREA, answer: 'request' } as const

/** The routes. Who may decide on what, `approvals.yaml` says; who administers requests sees all. */
export const REQUEST_ROUTES: readonly ApiRoute[] = [
  readRoute({
    ...AREA,
    path: '/v1/requests',
    operationId: 'requests.list',
    summary: 'Requests of the caller, and those the caller could decide on',
    query: 'requests',
    answer: 'requests',
    run: ({ caller, query, state, now, parts, page }) => {
      const isVisible = visibleTo(caller, parts, 'requests')
      const { status } = query
      const found = [...state.requests.values()].filter(
        (one) =>
          (status === undefined || statusOf(one, now) === status) &&
          passes(query, one, isOwn(one.by, caller)) &&
          isVisible(one.by, one.demands),
      )
      const paged = page(found, ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      return answered(
        'requests',
        pageDocument(paged, (one) => requestDocument(one, now)),
      )
    },
  }),
  readRoute({
    ...ONE,
    path: '/v1/requests/{id}',
    operationId: 'requests.show',
    summary: 'A request, with the text that an approval of it signs',
    query: 'none',
    run: ({ caller, params, state, now, parts }) => {
      const request = state.requests.get(params['id'] ?? '')
      const isVisible = visibleTo(caller, parts, 'requests')
      if (request === undefined || !isVisible(request.by, request.demands)) {
        return notFound('request')
      }
      return answered('request', wholeRequest(request, now))
    },
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/requests',
    operationId: 'requests.create',
    summary: 'Ask for privilege for yourself',
    body: 'request',
    status: 201,
    run: (context) =>
      acting(context, (deps, by) => {
        const { body, now } = context
        const { kind = 'elevation' } = body
        const ask = { newId: newId('req', now), kind, by }
        return createRequest(deps, { ...ask, terms: termsOf(body), reasons: reasonsOf(body) })
      }),
  }),
  changeRoute({
    ...ONE,
    method: 'PUT',
    path: '/v1/requests/{id}',
    operationId: 'requests.edit',
    summary: 'Replace what you ask for; voids every approval given so far',
    body: 'request_edit',
    run: (context) =>
      acting(context, (deps, by, id) => {
        const { body } = context
        return editRequest(deps, { id, by, terms: termsOf(body), reasons: reasonsOf(body) })
      }),
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/requests/{id}/approve',
    operationId: 'requests.approve',
    summary: 'Agree to exactly the request whose digest you send, or to less of it',
    body: 'approval',
    run: (context) =>
      acting(context, (deps, by, id) => {
        const { digest, comment, narrowing } = context.body
        return voteOn(deps, {
          id,
          by,
          decision: 'approve',
          digest,
          ...(comment === undefined ? {} : { comment }),
          ...(narrowing === undefined ? {} : { narrowing: narrowingOf(narrowing) }),
        })
      }),
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/requests/{id}/deny',
    operationId: 'requests.deny',
    summary: 'Refuse a request, with a comment that says why',
    body: 'denial',
    run: (context) =>
      acting(context, (deps, by, id) =>
        voteOn(deps, { id, by, decision: 'deny', ...context.body }),
      ),
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/requests/{id}/cancel',
    operationId: 'requests.cancel',
    summary: 'Withdraw a request of yours; with `admin`, anybody’s',
    body: 'reason',
    run: (context) =>
      acting(context, (deps, by, id) => {
        const override = context.caller.may('admin', 'requests')
        return cancelRequest(deps, { id, by, reason: context.body.reason, override })
      }),
  }),
]

/** Runs what `make` gives as the person who calls; what they may not see is not there. */
async function acting<B extends ApiBodyName>(
  { caller, parts, params, change }: ChangeContext<B>,
  make: (deps: ElevationDeps, by: Person, id: string) => Command<RequestOutcome>,
): Promise<ApiResult> {
  const by = callingPerson(caller)
  if (isDeclined(by)) return by
  const id = params['id']
  const command = make(parts.elevation(caller), by, id ?? '')
  const document = (state: AccessState, of: string, now: number) => {
    const request = state.requests.get(of)
    return request === undefined ? undefined : wholeRequest(request, now)
  }
  const made =
    id === undefined
      ? ({ status: 201, location: (of: string) => `/v1/requests/${of}` } as const)
      : {}
  const refusal = refusalFor({ caller, parts }, 'requests', ({ requests }, of) => {
    const request = requests.get(of)
    return request === undefined ? undefined : { owner: request.by, demands: request.demands }
  })
  const seen = byId(command, ({ request }) => request.id)
  return change(seen, { document, refusal, ...made })
}
