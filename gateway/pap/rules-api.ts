import type { Express, Request, Response } from 'express'
import type { Clock } from '../domain/clock.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import { readApiBody, type ApiBody, type ApiBodyName } from '../settings/schemas/api.ts'
import { readJsonBody } from './json-body.ts'
import {
  problem,
  refusedProblem,
  sendProblem,
  sendRefusal,
  tooOften,
  type Problem,
} from './problem.ts'
import { RULE_ROUTES, type RuleOperation } from './rule-routes.ts'
import type { ApiAsk } from './v1/api-control.ts'
import { askOf } from './v1/ask-of.ts'
import { addressKey, createCallRates, type CallRates } from './v1/rate-limit.ts'
import { guardRequest, type GuardOptions } from './request-guard.ts'

/** Whoever was let in, for the record of what is then done. */
export interface ControlCaller {
  /** `user:<issuer>/<sub>`. */
  readonly subject: string
  /** Id under which everything this request does is recorded. */
  readonly id: string
}

/** What an operation led to: a document, or why nothing was done. */
export type ControlResult = { readonly document: object } | { readonly problem: Problem }

/** Who is kept out after incidents, and letting them in again. */
export interface LockoutsControl {
  lockouts(): ControlResult
  lift(caller: ControlCaller, whom: ApiBody<'lift'>): Promise<ControlResult>
}

/** What the control API needs; wired by the composition root. */
export interface RulesControl extends GuardOptions, LockoutsControl {
  readonly clock: Pick<Clock, 'monotonicMs'>
  /** Authenticates, decides by the rules in force and records a refusal. Never throws. */
  authorize(ask: ApiAsk): Promise<ControlCaller | Refusal>
  /** The challenge of a 401. */
  challenge(refusal: Refusal): string
  /** Revision in force, pin, counts. */
  rules(): ControlResult
  revisions(): Promise<ControlResult>
  reload(caller: ControlCaller): Promise<ControlResult>
  rollback(caller: ControlCaller, to: ApiBody<'rollback'>): Promise<ControlResult>
  unpin(caller: ControlCaller, why: ApiBody<'unpin'>): Promise<ControlResult>
}

/**
 * {@link RULE_ROUTES}: rules in force and their revisions, and lockouts, over HTTP. Every call needs a
 * token for the control audience and a rule that permits `read` (GET) or `admin` (POST) on
 * `server:gate:policy` or `server:gate:lockouts`. Without `control` the routes answer 404 and say how
 * to have them.
 */
export function addRulesApi(app: Express, control: RulesControl | undefined): void {
  const api = control === undefined ? undefined : openApi(control)
  app.use((request, response, next) => {
    if (!PREFIXES.some((one) => request.path === one || request.path.startsWith(`${one}/`))) {
      next()
      return
    }
    if (api === undefined) {
      sendProblem(response, problem('control_api_off'))
      return
    }
    answer(request, response, api).catch(next)
  })
}

const PREFIXES = ['/rules', '/lockouts']

const NO_ROUTE = {
  detail: 'There is no such route.',
  remedy: 'Use /rules, /rules/revisions or /lockouts, as they are documented.',
}

/** `again`: whether the caller would be let in now, which may be long after. */
type Run = (
  request: Request,
  caller: ControlCaller,
  again: () => Promise<ControlCaller | Refusal>,
) => Promise<ControlResult> | ControlResult

function runsOf(control: RulesControl): Readonly<Record<RuleOperation, Run>> {
  return {
    'rules.read': () => control.rules(),
    'rules.revisions': () => control.revisions(),
    'rules.reload': withBody(control, 'nothing', (caller) => control.reload(caller)),
    'rules.rollback': withBody(control, 'rollback', (caller, to) => control.rollback(caller, to)),
    'rules.unpin': withBody(control, 'unpin', (caller, why) => control.unpin(caller, why)),
    'lockouts.read': () => control.lockouts(),
    'lockouts.lift': withBody(control, 'lift', (caller, whom) => control.lift(caller, whom)),
  }
}

/** Who sends slowly may have been locked out by the time the body is there. */
function withBody<N extends ApiBodyName>(
  control: RulesControl,
  name: N,
  run: (caller: ControlCaller, body: ApiBody<N>) => Promise<ControlResult>,
): Run {
  return async (request, _caller, again) => {
    const body = await readJsonBody(request, (text) => readApiBody(name, text))
    if (!('value' in body)) return { problem: body }
    const caller = await again()
    return isRefusal(caller)
      ? { problem: refusedProblem(caller, control) }
      : run(caller, body.value)
  }
}

interface Api {
  readonly control: RulesControl
  readonly rates: CallRates
  readonly runs: Readonly<Record<RuleOperation, Run>>
}

function openApi(control: RulesControl): Api {
  return { control, rates: createCallRates(control.clock), runs: runsOf(control) }
}

async function answer(request: Request, response: Response, api: Api): Promise<void> {
  const found = RULE_ROUTES.filter(({ path }) => path === request.path)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = found.find((one) => one.method === method)
  const refused = guardRequest(request, api.control) ?? refusedFirst(request, api.rates)
  if (refused !== undefined) {
    sendRefusal(request, response, refused)
  } else if (found.length === 0) {
    sendRefusal(request, response, problem('not_found', NO_ROUTE))
  } else if (route === undefined) {
    response.set('allow', found.map((one) => (one.method === 'GET' ? 'GET, HEAD' : 'POST')).join())
    sendRefusal(request, response, problem('method_refused'))
  } else {
    await runRoute(request, response, { ...api, route })
  }
}

/** Before anybody is authenticated. No route takes parameters. */
function refusedFirst(request: Request, { byAddress }: CallRates): Problem | undefined {
  const wait = byAddress(addressKey(request.socket.remoteAddress ?? ''))
  if (wait !== undefined) return tooOften(wait)
  return request.url.includes('?') ? problem('query_invalid', NO_QUERY) : undefined
}

const NO_QUERY = {
  detail: 'The route takes no parameters.',
  remedy: 'Leave out what is behind the `?`.',
}

async function runRoute(
  request: Request,
  response: Response,
  called: Api & { readonly route: (typeof RULE_ROUTES)[number] },
): Promise<void> {
  const { control, rates, runs, route } = called
  const ask = askOf(request, route)
  const caller = await control.authorize(ask)
  if (isRefusal(caller)) {
    sendRefusal(request, response, { ...refusedProblem(caller, control), id: ask.id })
    return
  }
  const wait = rates.byPrincipal(caller.subject)
  const again = () => control.authorize(ask)
  const result =
    wait === undefined
      ? await runs[route.operationId](request, caller, again)
      : { problem: tooOften(wait) }
  if ('problem' in result) sendRefusal(request, response, { ...result.problem, id: caller.id })
  else response.json({ ...result.document, decision_id: caller.id })
}
