/** API Activity (6003): decisions, outcomes, exports, operations of the control API. */
import type { StoredRecord } from '../read/query.ts'
import { filled, flagIn, countIn, numberIn, objectsIn, present, textIn } from './fields.ts'
import { actorOf, modelOf, resourcesOf, sourceOf } from './ocsf-actors.ts'
import {
  API_ACTIVITY,
  decidedDisposition,
  outcomeDisposition,
  type Disposition,
} from './ocsf-words.ts'
import type { ClassPart } from './ocsf-class.ts'

type Attributes = Readonly<Record<string, unknown>>

// `ops`, `env` and `claims` hold more than the class has room for: they stay in `unmapped` too.
const MAPPED = new Set([
  ...['sub', 'iss', 'jti', 'client', 'groups', 'iat', 'exp', 'effect', 'reason', 'rule', 'pol'],
  ...['ip', 'meth', 'path', 'req', 'trace', 'status', 'bytes_in', 'bytes_out', 'what', 'route'],
  ...['upstream', 'res', 'ver', 'code'],
])

/** The event of a record about a request. */
export function requestEvent(record: StoredRecord): ClassPart {
  const model = modelOf(record)
  const trace = traceOf(record)
  const disposition = dispositionOf(record)
  return {
    class_uid: 6003,
    class_name: 'API Activity',
    category_uid: 6,
    category_name: 'Application Activity',
    activity: activityOf(record),
    profiles: [
      'security_control',
      ...(model === undefined ? [] : ['ai_operation']),
      ...(trace === undefined ? [] : ['trace']),
    ],
    mapped: MAPPED,
    attributes: {
      ...disposition,
      is_alert: disposition.severity_id >= 4 ? true : undefined,
      status_code: codeOf(record),
      status_detail: textIn(record, 'reason'),
      message: messageOf(record),
      actor: actorOf(record),
      api: apiOf(record),
      src_endpoint: sourceOf(record),
      dst_endpoint: destinationOf(record),
      resources: resourcesOf(record),
      ai_model: model,
      policy: policyOf(record),
      authorizations: filled(authorizationsOf(record)),
      http_request: httpRequestOf(record),
      http_response: httpResponseOf(record),
      trace,
    },
  }
}

function dispositionOf(record: StoredRecord): Disposition {
  const reason = textIn(record, 'reason')
  const status = countIn(record, 'status') ?? 0
  if (textIn(record, 'type') === 'outcome') return outcomeDisposition(status, reason)
  if (textIn(record, 'type') === 'export') {
    const isWhole = flagIn(record, 'complete') === true
    return outcomeDisposition(status, reason ?? (isWhole ? undefined : 'incomplete'))
  }
  const effect = textIn(record, 'effect')
  return decidedDisposition(effect, reason, textIn(record, 'stage'))
}

/** The actions asked for, the one that needs most first; what was not classified has none. */
function actionsOf(record: StoredRecord): readonly string[] {
  const type = textIn(record, 'type')
  if (type === 'admin') return ['admin']
  if (type === 'export') return ['export']
  const acts = objectsIn(record, 'ops').map((op) => textIn(op, 'act'))
  return [...new Set(acts.filter((act) => act !== undefined))]
}

function activityOf(record: StoredRecord): readonly [number, string] {
  const [action = '', ...others] = actionsOf(record)
  const activity = Object.hasOwn(API_ACTIVITY, action) ? API_ACTIVITY[action] : undefined
  if (activity === undefined) return [0, 'Unknown']
  return others.length === 0 ? activity : [99, [action, ...others].join(', ')]
}

function apiOf(record: StoredRecord): Attributes {
  const actions = actionsOf(record)
  const route = textIn(record, 'route')
  const operation = textIn(record, 'what') ?? (actions.length > 0 ? actions.join(', ') : undefined)
  const id = textIn(record, 'req') ?? textIn(record, 'id')
  const status = countIn(record, 'status')
  return present({
    operation: operation ?? textIn(record, 'code') ?? 'unknown',
    service: route === undefined ? undefined : { name: route },
    request: id === undefined ? undefined : { uid: id },
    response: status === undefined ? undefined : { code: status },
  })
}

function destinationOf(record: StoredRecord): Attributes | undefined {
  const upstream = textIn(record, 'upstream')
  return upstream === undefined ? undefined : { svc_name: upstream }
}

/** The rule that decided, and the revision of the rules. */
function policyOf(record: StoredRecord): Attributes | undefined {
  const version = textIn(record, 'pol')
  if (version === undefined) return undefined
  return ruleOf(textIn(record, 'rule'), version)
}

function ruleOf(rule: string | undefined, version: string | undefined): Attributes {
  return present({
    uid: rule,
    name: 'modelgate rules',
    version,
    is_applied: rule === undefined ? undefined : true,
  })
}

function authorizationsOf(record: StoredRecord): readonly Attributes[] {
  const version = textIn(record, 'pol')
  return objectsIn(record, 'ops').flatMap((op) => {
    const decision = textIn(op, 'effect')
    return decision === undefined ? [] : [{ decision, policy: ruleOf(textIn(op, 'rule'), version) }]
  })
}

function httpRequestOf(record: StoredRecord): Attributes | undefined {
  const path = textIn(record, 'path')
  return filled(
    present({
      http_method: textIn(record, 'meth'),
      uid: textIn(record, 'req'),
      length: countIn(record, 'bytes_in'),
      url: path === undefined ? undefined : { path },
    }),
  )
}

function httpResponseOf(record: StoredRecord): Attributes | undefined {
  const code = countIn(record, 'status')
  if (code === undefined) return undefined
  const ms = numberIn(record, 'ms')
  return present({
    code,
    length: countIn(record, 'bytes_out') ?? countIn(record, 'bytes'),
    latency: ms === undefined ? undefined : Math.round(ms),
  })
}

function codeOf(record: StoredRecord): string | undefined {
  const status = countIn(record, 'status')
  return status === undefined ? textIn(record, 'reason') : String(status)
}

/** A span needs its times, of which the gateway knows the end only: the trace alone is named. */
function traceOf(record: StoredRecord): Attributes | undefined {
  const uid = textIn(record, 'trace')
  return uid === undefined ? undefined : { uid }
}

function messageOf(record: StoredRecord): string {
  const actions = actionsOf(record)
  const what = actions.length > 0 ? actions.join(', ') : 'request'
  const on = resourcesOf(record)
    ?.map(({ uid }) => String(uid))
    .join(', ')
  const said = textIn(record, 'effect') ?? textIn(record, 'type') ?? ''
  const why = textIn(record, 'reason')
  return `${said} ${what}${on === undefined ? '' : ` on ${on}`}${why === undefined ? '' : `: ${why}`}`
}
