/** `/v1/grants`: privilege that was given, and taking it back. */
import { isDeclined, type Command } from '../../../access/command.ts'
import type { ElevationGrant } from '../../../access/elevation.ts'
import type { ElevationDeps } from '../../../access/elevation/deps.ts'
import { revokeGrant } from '../../../access/elevation/revoke.ts'
import { openSeal, reviewSeal } from '../../../access/elevation/seal.ts'
import type { Person } from '../../../access/person.ts'
import { grantStatusOf } from '../../../access/standing.ts'
import type { AccessState } from '../../../access/state.ts'
import type { ApiBodyName } from '../../../settings/schemas/api.ts'
import { answered, changeRoute, readRoute } from '../api-route.ts'
import type { ApiResult, ApiRoute, ChangeContext } from '../api-route.ts'
import { byId, callingPerson, notFound, pageDocument } from '../commanded.ts'
import { grantDocument } from '../documents/requests.ts'
import { isOwn, passes, refusalFor, visibleTo } from '../visible.ts'

const AREA = { area: 'grants', action: 'read' } as const
const ONE = { ...AREA, answer: 'grant' } as const

/** The routes. */
export const GRANT_ROUTES: readonly ApiRoute[] = [
  readRoute({
    ...AREA,
    path: '/v1/grants',
    operationId: 'grants.list',
    summary: 'Grants of the caller, and those the caller could have decided on',
    query: 'grants',
    answer: 'grants',
    run: ({ caller, query, state, now, parts, page }) => {
      const isVisible = visibleTo(caller, parts, 'grants')
      const { status } = query
      const found = [...state.grants.values()].filter(
        (one) =>
          (status === undefined || grantStatusOf(one, now) === status) &&
          passes(query, one, isOwn(one.holder, caller)) &&
          isVisible(one.holder, one.demands),
      )
      const paged = page(found, ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      const deps = parts.elevation(caller)
      return answered(
        'grants',
        pageDocument(paged, (one) => grantDocument(one, now, deps)),
      )
    },
  }),
  readRoute({
    ...ONE,
    path: '/v1/grants/{id}',
    operationId: 'grants.show',
    summary: 'A grant',
    query: 'none',
    run: ({ caller, params, state, now, parts }) => {
      const grant = state.grants.get(params['id'] ?? '')
      const isVisible = visibleTo(caller, parts, 'grants')
      if (grant === undefined || !isVisible(grant.holder, grant.demands)) return notFound('grant')
      return answered('grant', grantDocument(grant, now, parts.elevation(caller)))
    },
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/grants/{id}/revoke',
    operationId: 'grants.revoke',
    summary: 'Take a grant back: its holder, who could have approved it, or with `admin`',
    body: 'reason',
    run: (context) =>
      acting(context, (deps, by, id) => {
        const override = context.caller.may('admin', 'grants')
        return revokeGrant(deps, { id, by, reason: context.body.reason, override })
      }),
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/grants/{id}/open',
    operationId: 'grants.open',
    summary: 'Break-glass: open your seal in an emergency; somebody will look at what you did',
    body: 'reason',
    run: (context) =>
      acting(context, (deps, by, id) => openSeal(deps, { id, by, ...context.body })),
  }),
  changeRoute({
    ...ONE,
    method: 'POST',
    path: '/v1/grants/{id}/review',
    operationId: 'grants.review',
    summary: 'Break-glass: say what you found of what was done',
    body: 'findings',
    run: (context) =>
      acting(context, (deps, by, id) => reviewSeal(deps, { id, by, ...context.body })),
  }),
]

async function acting<B extends ApiBodyName>(
  { caller, parts, params, change }: ChangeContext<B>,
  make: (deps: ElevationDeps, by: Person, id: string) => Command<ElevationGrant>,
): Promise<ApiResult> {
  const by = callingPerson(caller)
  if (isDeclined(by)) return by
  const id = params['id'] ?? ''
  const deps = parts.elevation(caller)
  const command = byId(make(deps, by, id), (grant) => grant.id)
  const refusal = refusalFor({ caller, parts }, 'grants', ({ grants }, of) => {
    const grant = grants.get(of)
    return grant === undefined ? undefined : { owner: grant.holder, demands: grant.demands }
  })
  const document = (state: AccessState, of: string, now: number) => {
    const grant = state.grants.get(of)
    return grant === undefined ? undefined : grantDocument(grant, now, deps)
  }
  return change(command, { document, refusal })
}
