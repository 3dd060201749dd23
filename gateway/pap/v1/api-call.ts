/** One call of the control API, from its route to what it comes to. */
import type { IncomingMessage } from 'node:http'
import { decline, isDeclined, type Command } from '../../access/command.ts'
import type { Json } from '../../access/canonical.ts'
import { isLockedOut } from '../../access/elevation/lockouts.ts'
import { GatewayError } from '../../domain/errors.ts'
import { isRefusal, type Refusal } from '../../domain/refusal.ts'
import {
  readApiBody,
  readApiQuery,
  type ApiQuery,
  type ApiQueryName,
} from '../../settings/schemas/api.ts'
import { readJsonBody } from '../json-body.ts'
import { problem, refusedProblem, type Problem } from '../problem.ts'
import { singleFields } from '../request-guard.ts'
import type { ApiControl } from './api-control.ts'
import type { ApiCaller } from './api-caller.ts'
import type { ApiResult, Change, ChangeRoute, ReadRoute } from './api-route.ts'
import { keyedCall, onceOnly, readKey } from './idempotency.ts'
import { pageOf, type PageAsk } from './paging.ts'
import { etagOf, isMatch, tagsOf } from './preconditions.ts'

/** A call that was let in. */
export interface Admitted<R> {
  readonly control: ApiControl
  readonly route: R
  readonly caller: ApiCaller
  readonly params: Readonly<Record<string, string>>
  readonly request: IncomingMessage
}

/** Runs a route that reads; it is given nothing that could change anything. */
export function runRead(call: Admitted<ReadRoute>): ApiResult | Promise<ApiResult> {
  const { control, route, caller, params, request } = call
  const query = readQuery(route, request.url ?? '')
  if ('problem' in query) return query
  const { replica, parts } = control
  const { state, fresh, stalenessMs, replicas } = replica
  if (!Number.isFinite(stalenessMs)) return { problem: problem('state_unknown', { retryAfter: 5 }) }
  const { limit, cursor, order, ...filters }: Asked = query.value
  const list = [route.operationId, filters, order ?? null, caller.subject.id]
  return route.run({
    caller,
    params,
    query: query.value,
    state,
    now: replica.now(),
    replica: { fresh, stalenessMs, replicas },
    parts,
    page: (entries, idOf) =>
      pageOf(entries, idOf, { ask: { limit, cursor, order }, of: { epoch: state.epoch, list } }),
  })
}

/** Parameters of a page, and filters of its list. */
type Asked = PageAsk & Readonly<Record<string, Json | undefined>>

function readQuery(
  route: ReadRoute,
  url: string,
): { readonly value: ApiQuery<ApiQueryName> } | { readonly problem: Problem } {
  const at = url.indexOf('?')
  const given = new URLSearchParams(at < 0 ? '' : url.slice(at + 1))
  const parameters: Record<string, string> = Object.fromEntries(given)
  if (Object.keys(parameters).length !== given.size) {
    return { problem: problem('query_invalid', { detail: 'A parameter is there twice.' }) }
  }
  const loaded = readApiQuery(route.query, parameters)
  if (loaded.ok) return { value: loaded.value }
  const [first] = loaded.diagnostics
  const more = first === undefined ? {} : { detail: first.message, remedy: first.remedy }
  return { problem: problem('query_invalid', more) }
}

/**
 * Runs a route that changes something, once what is about to be done is on record. Bodies may be slow:
 * `again` asks whether the caller, who was let in before it came, would be let in now that it is there.
 */
export async function runChange(
  admitted: Admitted<ChangeRoute>,
  again: () => Promise<ApiCaller | Refusal>,
): Promise<ApiResult> {
  const { control, route, params, request } = admitted
  if ((request.url ?? '').includes('?')) {
    return { problem: problem('query_invalid', { detail: 'A change takes no parameters.' }) }
  }
  const body = await readJsonBody(request, (text) => readApiBody(route.body, text))
  if (!('value' in body)) return { problem: body }
  const caller = await again()
  if (isRefusal(caller)) return { problem: refusedProblem(caller, control) }
  const call = { ...admitted, caller }
  const conditions = readConditions(call, body.value)
  if ('problem' in conditions) return conditions
  const about = Object.values(params).join(' ')
  const facts = { what: route.operationId, ...(about === '' ? {} : { of: about }) }
  const unrecorded = await control.note(caller, facts)
  if (unrecorded !== undefined) return { problem: unrecorded }
  const { replica, parts } = control
  return route.run({
    caller,
    params,
    query: {},
    body: body.value,
    now: replica.now(),
    replica,
    parts,
    change: (command, change) => changed(call, { command, change, ...conditions }),
  })
}

interface Conditions {
  readonly keyed: ReturnType<typeof keyedCall> | undefined
  readonly ifMatch: readonly string[] | undefined
  /** Id in the path, of what is changed; absent when something is made. */
  readonly id: string | undefined
}

function readConditions(
  { request, route, caller, params }: Admitted<ChangeRoute>,
  body: Json,
): Conditions | { readonly problem: Problem } {
  const fields = singleFields(request.rawHeaders)
  const field = fields?.get('idempotency-key')
  const key = field === undefined ? undefined : readKey(field)
  if (field !== undefined && key === undefined) return { problem: problem('key_invalid') }
  const tags = fields?.get('if-match')
  const ifMatch = tags === undefined ? undefined : tagsOf(tags)
  if (tags !== undefined && ifMatch === undefined) {
    return { problem: problem('precondition_invalid') }
  }
  const path = request.url ?? ''
  const who = { caller: caller.subject.id, person: caller.person?.person }
  const about = { ...who, method: route.method, path, body }
  const keyed = key === undefined ? undefined : keyedCall(key, about)
  return { keyed, ifMatch, id: params['id'] }
}

/** The store did not say what became of a change. */
function unanswered(): Problem {
  const detail = 'The store did not answer; whether it was done is not known.'
  return problem('store_unavailable', { detail, retryAfter: 5 })
}

async function changed(
  call: Admitted<ChangeRoute>,
  wanted: Conditions & {
    readonly command: Command<{ readonly id: string }>
    readonly change: Change
  },
): Promise<ApiResult> {
  const { command, change, keyed } = wanted
  const { replica } = call.control
  try {
    const refusal = change.refusal ?? (() => undefined)
    const matching = whenMatching(command, wanted)
    const allowed = whenAllowed(onceOnly(matching, keyed, refusal), wanted)
    const ruled = await replica.run(unlessLockedOut(allowed, call))
    if (isDeclined(ruled)) return ruled
    const { id } = ruled.done
    const document = change.document(replica.state, id, replica.now())
    if (document === undefined) return decline('not_found', 'It is gone already.')
    const { status, location } = change
    return {
      document,
      ...(status === undefined ? {} : { status }),
      ...(location === undefined ? {} : { location: location(id) }),
    }
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'ERR_STORE_UNAVAILABLE') throw error
    return { problem: unanswered() }
  }
}

/**
 * `command`, unless the caller was locked out since: the state that is decided on may know of a newer
 * lock than the replica that let the call in.
 */
function unlessLockedOut(
  command: Command<{ readonly id: string }>,
  { control, route, caller }: Admitted<ChangeRoute>,
): Command<{ readonly id: string }> {
  const { subject, person } = caller
  const { id, groups, roles } = subject
  const who = { person: person?.person ?? '', id, holds: [...groups, ...roles] }
  const holds = control.parts.elevation(caller).holdingsOf(who)
  return (state, now) =>
    isLockedOut(state, now, { person: who, holds }, [route.action])
      ? decline('not_eligible', 'Your access was taken away meanwhile.')
      : command(state, now)
}

/** `command`, if the caller may know of what it is to change. */
function whenAllowed(
  command: Command<{ readonly id: string }>,
  { id, change }: Conditions & { readonly change: Change },
): Command<{ readonly id: string }> {
  const { refusal } = change
  if (id === undefined || refusal === undefined) return command
  return (state, now) => refusal(state, id, now) ?? command(state, now)
}

/** `command`, if what the caller saw is what there is in the state that is decided on. */
function whenMatching(
  command: Command<{ readonly id: string }>,
  { ifMatch, id, change }: Conditions & { readonly change: Change },
): Command<{ readonly id: string }> {
  if (ifMatch === undefined) return command
  return (state, now) => {
    const document = id === undefined ? undefined : change.document(state, id, now)
    const etag = document === undefined ? undefined : etagOf(document)
    // What is not there is answered as without the field: it must not tell it from what is hidden.
    const isAbsent = id !== undefined && document === undefined
    if (isAbsent || isMatch(ifMatch, etag)) return command(state, now)
    return decline('precondition_failed', 'It was changed since you read it.')
  }
}
