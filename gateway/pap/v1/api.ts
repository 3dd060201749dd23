/** The control API over HTTP: one way through for every route of the table. */
import type { Express, Request, Response } from 'express'
import { isDeclined } from '../../access/command.ts'
import { isRefusal } from '../../domain/refusal.ts'
import {
  declinedProblem,
  problem,
  refusedProblem,
  sendRefusal,
  type Problem,
  tooOften,
} from '../problem.ts'
import { guardRequest, singleFields } from '../request-guard.ts'
import { runChange, runRead } from './api-call.ts'
import type { ApiAsk, ApiControl } from './api-control.ts'
import { askOf } from './ask-of.ts'
import type { ApiCaller } from './api-caller.ts'
import type { ApiResult, ApiRoute } from './api-route.ts'
import { openApiText } from './openapi.ts'
import { etagOf, isNoneMatch, tagsOf } from './preconditions.ts'
import { addressKey, createCallRates, type CallRates } from './rate-limit.ts'
import { createRouteTable, type FoundRoute } from './route-table.ts'
import { API_ROUTES, DESCRIBED_ROUTES } from './routes.ts'

const PREFIX = '/v1'
const DESCRIPTION = `${PREFIX}/openapi.json`

const NO_ROUTE = {
  detail: 'There is no such route.',
  remedy: `GET ${DESCRIPTION} describes every route.`,
}

interface Api extends CallRates {
  readonly control: ApiControl
  readonly find: (path: string) => FoundRoute | undefined
  /** The description of {@link DESCRIBED_ROUTES}. */
  readonly description: string
}

/**
 * Adds `/v1/…`: every route of {@link API_ROUTES}, and their description in OpenAPI 3.1, which needs no
 * token. A call passes, in this order: the guard against other sites, the route and its method, the
 * rate of its address, authentication, the rules (`read` or `admin` on `server:gate:<area>`), the rate
 * of its principal, its parameters or body, the record of what is about to be done, the route. Without
 * `control` everything answers 404 and says how to have it.
 */
export function addApi(app: Express, control: ApiControl | undefined): void {
  const api = control === undefined ? undefined : openApi(control)
  app.use((request, response, next) => {
    if (request.path !== PREFIX && !request.path.startsWith(`${PREFIX}/`)) {
      next()
    } else if (api === undefined) {
      sendRefusal(request, response, problem('control_api_off'))
    } else {
      answer(request, response, api).catch(next)
    }
  })
}

function openApi(control: ApiControl): Api {
  const { clock } = control
  return {
    control,
    find: createRouteTable(API_ROUTES),
    ...createCallRates(clock),
    description: openApiText(DESCRIBED_ROUTES),
  }
}

async function answer(request: Request, response: Response, api: Api): Promise<void> {
  const found = routed(request, api)
  if ('refused' in found) {
    if (found.allow !== undefined) response.set('allow', found.allow)
    sendRefusal(request, response, found.refused)
  } else if (found.route === undefined) {
    response.type('application/json').send(api.description)
  } else {
    await runRoute(request, response, { api, route: found.route, params: found.params })
  }
}

/** Where a call goes; without a route to the description of all of them. */
type Routed =
  | { readonly refused: Problem; readonly allow?: string }
  | { readonly route: ApiRoute | undefined; readonly params: FoundRoute['params'] }

function routed(request: Request, api: Api): Routed {
  const refused = guardRequest(request, api.control)
  if (refused !== undefined) return { refused }
  const wait = api.byAddress(addressKey(request.socket.remoteAddress ?? ''))
  if (wait !== undefined) return { refused: tooOften(wait) }
  const path = request.url.split('?', 1)[0] ?? ''
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (path === DESCRIPTION) {
    if (method === 'GET') return { route: undefined, params: {} }
    return { refused: problem('method_refused'), allow: 'GET, HEAD' }
  }
  const found = api.find(path)
  if (found === undefined) return { refused: problem('not_found', NO_ROUTE) }
  const { routes, params } = found
  const route = routes.find((one) => one.method === method)
  if (route !== undefined) return { route, params }
  const allow = routes.map((one) => (one.method === 'GET' ? 'GET, HEAD' : one.method)).join(', ')
  return { refused: problem('method_refused'), allow }
}

async function runRoute(
  request: Request,
  response: Response,
  called: { readonly api: Api; readonly route: ApiRoute; readonly params: FoundRoute['params'] },
): Promise<void> {
  const { api, route, params } = called
  const { control } = api
  const ask = askOf(request, route)
  const caller = await control.authorize(ask)
  if (isRefusal(caller)) {
    sendRefusal(request, response, { ...refusedProblem(caller, control), id: ask.id })
    return
  }
  response.set('x-modelgate-decision-id', caller.id)
  const wait = api.byPrincipal(caller.subject.id)
  const result =
    wait === undefined
      ? await run({ control, caller, params, request }, route, ask)
      : { problem: tooOften(wait) }
  send(request, response, { result, caller })
}

async function run(
  call: Omit<Parameters<typeof runRead>[0], 'route'>,
  route: ApiRoute,
  ask: ApiAsk,
): Promise<ApiResult> {
  const { control, caller } = call
  try {
    return route.method === 'GET'
      ? await runRead({ ...call, route })
      : await runChange({ ...call, route }, () => control.authorize(ask))
  } catch (error) {
    control.failed(error, caller.id)
    return { problem: problem('internal') }
  }
}

function send(
  request: Request,
  response: Response,
  { result, caller }: { readonly result: ApiResult; readonly caller: ApiCaller },
): void {
  if (isDeclined(result)) {
    sendRefusal(request, response, { ...declinedProblem(result), id: caller.id })
  } else if ('problem' in result) {
    sendRefusal(request, response, { ...result.problem, id: caller.id })
  } else if ('text' in result) {
    response.type(result.type).send(result.text)
  } else {
    sendDocument(request, response, result)
  }
}

function sendDocument(
  request: Request,
  response: Response,
  { document, status = 200, location }: Extract<ApiResult, { document: object }>,
): void {
  const etag = etagOf(document)
  const field = singleFields(request.rawHeaders)?.get('if-none-match')
  const tags = field === undefined ? undefined : tagsOf(field)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  response.set('etag', etag)
  if (location !== undefined) response.set('location', location)
  if (isRead && tags !== undefined && !isNoneMatch(tags, etag)) {
    response.status(304).end()
  } else {
    response.status(status).json(document)
  }
}
