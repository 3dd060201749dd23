/**
 * Records as events of OCSF 1.8.0. What is about a request is API Activity (6003) with the profile
 * `security_control`; an incident is a Detection Finding (2004); what changes rules, configuration
 * or keys is Entity Management (3004); what the ledger says of itself, and any type that is not
 * known here, is Application Lifecycle (6002). What has no place in the class is in `unmapped`:
 * nothing of a record is lost.
 */
import type { StoredRecord } from '../read/query.ts'
import { filled, countIn, present, textIn, timeOf } from './fields.ts'
import type { ClassPart, EventContext } from './ocsf-class.ts'
import { accessEvent, changeEvent, incidentEvent, lifecycleEvent } from './ocsf-own.ts'
import { requestEvent } from './ocsf-request.ts'

/** Version of the schema: part of what is promised, not something to configure. */
export const OCSF_VERSION = '1.8.0'

/** Fields that every event says in `metadata` and `time`. */
const ENVELOPE = new Set(['v', 'log', 'seq', 'ts', 'type', 'id'])

const CLASS_OF: Readonly<Record<string, (record: StoredRecord) => ClassPart>> = {
  decision: requestEvent,
  'decision.more': requestEvent,
  'decision.refused': requestEvent,
  outcome: requestEvent,
  export: requestEvent,
  admin: requestEvent,
  'protocol.rejected': requestEvent,
  incident: incidentEvent,
  'policy.changed': changeEvent,
  'policy.refused': changeEvent,
  'policy.pinned': changeEvent,
  'policy.unpinned': changeEvent,
  'policy.rolled_back': changeEvent,
  'config.changed': changeEvent,
  access: accessEvent,
  'jwks.changed': changeEvent,
  'key.rotate': changeEvent,
  'personal.erased': changeEvent,
}

/** The event of one record. */
export function ocsfEventOf(
  record: StoredRecord,
  { version, leafHash }: EventContext,
): Readonly<Record<string, unknown>> {
  const type = textIn(record, 'type') ?? ''
  const classOf = Object.hasOwn(CLASS_OF, type) ? CLASS_OF[type] : undefined
  const part = (classOf ?? lifecycleEvent)(record)
  const [activityId, activityName] = part.activity
  return present({
    activity_id: activityId,
    activity_name: activityName,
    category_uid: part.category_uid,
    category_name: part.category_name,
    class_uid: part.class_uid,
    class_name: part.class_name,
    type_uid: part.class_uid * 100 + activityId,
    type_name: `${part.class_name}: ${activityName}`,
    time: timeOf(record),
    timezone_offset: 0,
    ...part.attributes,
    metadata: metadataOf(record, version, part.profiles),
    unmapped: { leaf_hash: leafHash, ...unmapped(record, part.mapped) },
  })
}

function metadataOf(
  record: StoredRecord,
  version: string,
  profiles: readonly string[],
): Readonly<Record<string, unknown>> {
  const log = textIn(record, 'log') ?? 'unknown'
  const seq = countIn(record, 'seq') ?? 0
  return present({
    version: OCSF_VERSION,
    profiles: filled(profiles),
    uid: `${log}#${seq}`,
    correlation_uid: textIn(record, 'id'),
    event_code: textIn(record, 'type'),
    log_name: log,
    sequence: seq,
    original_time: textIn(record, 'ts'),
    product: { name: 'Modelgate', vendor_name: 'Modelgate', version },
  })
}

function unmapped(record: StoredRecord, mapped: ReadonlySet<string>): Record<string, unknown> {
  const isLeft = (name: string, value: unknown): boolean =>
    !ENVELOPE.has(name) && (!mapped.has(name) || isCut(value))
  return Object.fromEntries(Object.entries(record).filter(([name, value]) => isLeft(name, value)))
}

/** Of a text that was cut, the class has the beginning; its length and digest stay. */
function isCut(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'cut' in value
}
