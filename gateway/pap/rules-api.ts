import type { Express, Request, Response } from 'express'
import type { Loaded } from '../domain/diagnostics.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import {
  readLift,
  readReload,
  readRollback,
  readUnpin,
  type LiftRequest,
  type RollbackRequest,
  type UnpinRequest,
} from '../settings/schemas/control-requests.ts'
import { readJsonBody } from './json-body.ts'
import { problem, refusedProblem, sendProblem, type Problem } from './problem.ts'
import { guardRequest, singleFields, type GuardOptions } from './request-guard.ts'

/** Whoever was let in, for the record of what is then done. */
export interface ControlCaller {
  /** `user:<issuer>/<sub>`. */
  readonly subject: string
  /** Id under which everything this request does is recorded. */
  readonly id: string
}

/** Who asks for what. */
export interface ControlAsk {
  /** Id of the call, where it was let in before; a new one when absent. */
  readonly id?: string
  readonly authorization: string | undefined
  /** What the rules must permit on `server:modelgate`. */
  readonly action: 'read' | 'admin'
  /** What is asked for: `rules.rollback`. */
  readonly what: string
  /** Address of the TCP peer. */
  readonly peer: string
  /** Node's raw list of header fields, for what trusted hops say of the caller. */
  readonly rawHeaders: readonly string[]
}

/** What an operation led to: a document, or why nothing was done. */
export type ControlResult = { readonly document: object } | { readonly problem: Problem }

/** Who is kept out after incidents, and letting them in again. */
export interface LockoutsControl {
  lockouts(): ControlResult
  lift(caller: ControlCaller, whom: LiftRequest): Promise<ControlResult>
}

/** What the control API needs; wired by the composition root. */
export interface RulesControl extends GuardOptions, LockoutsControl {
  /** Authenticates, decides by the rules in force and records a refusal. Never throws. */
  authorize(ask: ControlAsk): Promise<ControlCaller | Refusal>
  /** The challenge of a 401. */
  challenge(refusal: Refusal): string
  /** Revision in force, pin, counts. */
  rules(): ControlResult
  revisions(): Promise<ControlResult>
  reload(caller: ControlCaller): Promise<ControlResult>
  rollback(caller: ControlCaller, to: RollbackRequest): Promise<ControlResult>
  unpin(caller: ControlCaller, why: UnpinRequest): Promise<ControlResult>
}

/**
 * Rules in force and their revisions, and lockouts, over HTTP:
 *
 * - `GET /rules`: revision in force, pin, counts.
 * - `GET /rules/revisions`: those that are kept, and the history.
 * - `POST /rules/reload` `{}`
 * - `POST /rules/rollback` `{"revision", "reason"}`: pins that revision.
 * - `POST /rules/unpin` `{"reason"}`
 * - `GET /lockouts`: who is kept out, until when, because of which decision.
 * - `POST /lockouts/lift` `{"subject", "reason"}`: lets somebody in again, on every replica.
 *
 * Every call needs a token for the control audience and a rule that permits `read` (GET) or `admin`
 * (POST) on `server:modelgate`. Without `control` the routes answer 404 and say how to have them.
 */
export function addRulesApi(app: Express, control: RulesControl | undefined): void {
  const routes: readonly Route[] = control === undefined ? [] : routesOf(control)
  app.use((request, response, next) => {
    if (!PREFIXES.some((one) => request.path === one || request.path.startsWith(`${one}/`))) {
      next()
      return
    }
    if (control === undefined) {
      sendProblem(response, problem('control_api_off'))
      return
    }
    answer(request, response, { control, routes }).catch(next)
  })
}

const PREFIXES = ['/rules', '/lockouts']

const NO_ROUTE = {
  detail: 'There is no such route.',
  remedy: 'Use /rules, /rules/revisions or /lockouts, as they are documented.',
}

interface Route {
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly what: string
  /** `again`: whether the caller would be let in now, which may be long after. */
  readonly run: (
    request: Request,
    caller: ControlCaller,
    again: () => Promise<ControlCaller | Refusal>,
  ) => Promise<ControlResult> | ControlResult
}

function routesOf(control: RulesControl): readonly Route[] {
  return [
    { path: '/rules', method: 'GET', what: 'rules.read', run: () => control.rules() },
    {
      path: '/rules/revisions',
      method: 'GET',
      what: 'rules.revisions',
      run: () => control.revisions(),
    },
    {
      path: '/rules/reload',
      method: 'POST',
      what: 'rules.reload',
      run: withBody(control, readReload, (caller) => control.reload(caller)),
    },
    {
      path: '/rules/rollback',
      method: 'POST',
      what: 'rules.rollback',
      run: withBody(control, readRollback, (caller, to) => control.rollback(caller, to)),
    },
    {
      path: '/rules/unpin',
      method: 'POST',
      what: 'rules.unpin',
      run: withBody(control, readUnpin, (caller, why) => control.unpin(caller, why)),
    },
    { path: '/lockouts', method: 'GET', what: 'lockouts.read', run: () => control.lockouts() },
    {
      path: '/lockouts/lift',
      method: 'POST',
      what: 'lockouts.lift',
      run: withBody(control, readLift, (caller, whom) => control.lift(caller, whom)),
    },
  ]
}

/** Who sends slowly may have been locked out by the time the body is there. */
function withBody<T>(
  control: RulesControl,
  read: (text: string) => Loaded<T>,
  run: (caller: ControlCaller, body: T) => Promise<ControlResult>,
): Route['run'] {
  return async (request, _caller, again) => {
    const body = await readJsonBody(request, read)
    if (!('value' in body)) return { problem: body }
    const caller = await again()
    return isRefusal(caller)
      ? { problem: refusedProblem(caller, control) }
      : run(caller, body.value)
  }
}

async function answer(
  request: Request,
  response: Response,
  api: { readonly control: RulesControl; readonly routes: readonly Route[] },
): Promise<void> {
  const { control, routes } = api
  const found = routes.filter(({ path }) => path === request.path)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = found.find((one) => one.method === method)
  const refused = guardRequest(request, control)
  if (refused !== undefined) {
    sendRefusal(request, response, refused)
  } else if (found.length === 0) {
    sendRefusal(request, response, problem('not_found', NO_ROUTE))
  } else if (route === undefined) {
    response.set('allow', found.map((one) => (one.method === 'GET' ? 'GET, HEAD' : 'POST')).join())
    sendRefusal(request, response, problem('method_refused'))
  } else {
    await runRoute(request, response, { control, route })
  }
}

async function runRoute(
  request: Request,
  response: Response,
  { control, route }: { readonly control: RulesControl; readonly route: Route },
): Promise<void> {
  const ask: ControlAsk = {
    authorization: singleFields(request.rawHeaders)?.get('authorization'),
    action: route.method === 'GET' ? 'read' : 'admin',
    what: route.what,
    peer: request.socket.remoteAddress ?? '',
    rawHeaders: request.rawHeaders,
  }
  const caller = await control.authorize(ask)
  if (isRefusal(caller)) {
    sendRefusal(request, response, refusedProblem(caller, control))
    return
  }
  const again = () => control.authorize({ ...ask, id: caller.id })
  const result = await route.run(request, caller, again)
  if ('problem' in result) sendRefusal(request, response, { ...result.problem, id: caller.id })
  else response.json({ ...result.document, decision_id: caller.id })
}

/** A body that was not read to its end leaves the connection in no state for another request. */
function sendRefusal(request: Request, response: Response, refused: Problem): void {
  if (!request.complete) response.set('connection', 'close')
  sendProblem(response, refused)
}
