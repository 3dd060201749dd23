/** Records as documents of the Elastic Common Schema, version 9. */
import type { StoredRecord } from '../read/query.ts'
import {
  addressIn,
  countIn,
  filled,
  numberIn,
  objectIn,
  objectsIn,
  present,
  textIn,
  textsIn,
} from './fields.ts'
import type { EventContext } from './ocsf-class.ts'

/** Version of the schema the fields are of. */
export const ECS_VERSION = '9.4.0'

type Members = Readonly<Record<string, unknown>>

/** `event.category`, and the types beside what was decided. */
const KINDS: Readonly<Record<string, readonly [string, readonly string[]]>> = {
  decision: ['api', ['access']],
  'decision.more': ['api', ['access']],
  'decision.refused': ['api', ['access']],
  outcome: ['api', ['end']],
  export: ['api', ['access', 'end']],
  admin: ['api', ['admin']],
  access: ['iam', ['change']],
  'protocol.rejected': ['api', ['access']],
  incident: ['intrusion_detection', ['info']],
  'policy.changed': ['configuration', ['change']],
  'policy.refused': ['configuration', ['info']],
  'policy.pinned': ['configuration', ['change']],
  'policy.unpinned': ['configuration', ['change']],
  'policy.rolled_back': ['configuration', ['change']],
  'config.changed': ['configuration', ['change']],
  'jwks.changed': ['configuration', ['change']],
  'key.rotate': ['configuration', ['change']],
  'personal.erased': ['configuration', ['deletion']],
  'log.opened': ['process', ['start']],
  'log.closed': ['process', ['end']],
}

/** The document of one record. What ECS has no field for is in `modelgate`, as the record has it. */
export function ecsDocumentOf(record: StoredRecord, { version, leafHash }: EventContext): Members {
  const type = textIn(record, 'type') ?? 'unknown'
  const ip = addressIn(record, 'ip')
  const trace = textIn(record, 'trace')
  return present({
    '@timestamp': textIn(record, 'ts'),
    ecs: { version: ECS_VERSION },
    message: messageOf(record, type),
    event: eventOf(record, type, leafHash),
    user: userOf(record),
    source: ip && { ip },
    client: ip && { ip },
    http: httpOf(record),
    url: pathOf(record),
    rule: ruleOf(record),
    trace: trace === undefined ? undefined : { id: trace },
    gen_ai: modelOf(record),
    related: filled(
      present({
        ip: ip && [ip],
        user: filled([textIn(record, 'sub')].filter((one) => one !== undefined)),
      }),
    ),
    service: { name: 'modelgate', type: 'modelgate', version },
    observer: { vendor: 'Modelgate', product: 'Modelgate', type: 'gateway', version },
    log: { logger: textIn(record, 'log') },
    modelgate: record,
  })
}

function eventOf(record: StoredRecord, type: string, leafHash: string): Members {
  const [category, types] = KINDS[type] ?? ['process', ['info']]
  const ms = numberIn(record, 'ms')
  return present({
    kind: type === 'incident' ? 'alert' : 'event',
    category: [category],
    type: [...types, ...decidedTypes(record, type)],
    action: type,
    outcome: outcomeOf(record, type),
    reason: textIn(record, 'reason'),
    id: `${textIn(record, 'log') ?? 'unknown'}#${countIn(record, 'seq') ?? 0}`,
    sequence: countIn(record, 'seq'),
    hash: leafHash,
    provider: 'modelgate',
    dataset: 'modelgate.audit',
    // Nanoseconds.
    duration: ms === undefined ? undefined : Math.round(ms * 1e6),
  })
}

function decidedTypes(record: StoredRecord, type: string): readonly string[] {
  if (type === 'protocol.rejected') return ['denied']
  const effect = textIn(record, 'effect')
  if (effect === undefined) return []
  return [effect === 'permit' ? 'allowed' : 'denied']
}

function outcomeOf(record: StoredRecord, type: string): string {
  const status = countIn(record, 'status')
  const effect = textIn(record, 'effect')
  if (effect !== undefined) return effect === 'permit' ? 'success' : 'failure'
  if (type === 'protocol.rejected') return 'failure'
  if (status === undefined) return 'unknown'
  return status > 0 && status < 400 && textIn(record, 'reason') === undefined
    ? 'success'
    : 'failure'
}

function userOf(record: StoredRecord): Members | undefined {
  const claims = objectIn(record, 'claims')
  return filled(
    present({
      id: textIn(record, 'sub'),
      full_name: textIn(claims, 'name'),
      email: textIn(claims, 'email'),
      roles: textsIn(record, 'roles'),
    }),
  )
}

function httpOf(record: StoredRecord): Members | undefined {
  const status = countIn(record, 'status')
  const bytesIn = countIn(record, 'bytes_in')
  const bytesOut = countIn(record, 'bytes_out') ?? countIn(record, 'bytes')
  const request = filled(
    present({
      method: textIn(record, 'meth'),
      id: textIn(record, 'req'),
      body: bytesIn === undefined ? undefined : { bytes: bytesIn },
    }),
  )
  const response = filled(
    present({
      status_code: status,
      body: bytesOut === undefined ? undefined : { bytes: bytesOut },
    }),
  )
  return filled(present({ request, response }))
}

function pathOf(record: StoredRecord): Members | undefined {
  const path = textIn(record, 'path')
  return path === undefined ? undefined : { path }
}

function ruleOf(record: StoredRecord): Members | undefined {
  return filled(
    present({
      id: textIn(record, 'rule'),
      ruleset: textIn(record, 'rule')?.split(':', 1)[0],
      version: textIn(record, 'pol'),
    }),
  )
}

function modelOf(record: StoredRecord): Members | undefined {
  const resource = textIn(record, 'res') ?? textIn(objectsIn(record, 'ops')[0], 'res')
  const name = resource?.startsWith('model:') === true ? resource.slice('model:'.length) : undefined
  return name === undefined ? undefined : { request: { model: name } }
}

function messageOf(record: StoredRecord, type: string): string {
  const ops = objectsIn(record, 'ops').map(
    (op) => `${textIn(op, 'act') ?? '?'} ${textIn(op, 'res') ?? '?'}`,
  )
  const parts = [type, textIn(record, 'effect'), ops.join(', '), textIn(record, 'reason')]
  return parts.filter((part) => part !== undefined && part !== '').join(' ')
}
