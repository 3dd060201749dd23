/** What is not about one request: incidents, changes of rules and keys, the life of the ledger. */
import type { StoredRecord } from '../read/query.ts'
import { objectIn, present, textIn } from './fields.ts'
import { actorOf, resourcesOf, sourceOf } from './ocsf-actors.ts'
import { FAILURE, HIGH, incidentDisposition, INFORMATIONAL, SUCCESS } from './ocsf-words.ts'
import type { ClassPart } from './ocsf-class.ts'

/** Detection Finding (2004). */
export function incidentEvent(record: StoredRecord): ClassPart {
  const kind = textIn(record, 'kind') ?? 'incident'
  const found = textIn(record, 'found') ?? 'unknown'
  const evidence = {
    actor: actorOf(record),
    src_endpoint: sourceOf(record),
    resources: resourcesOf(record),
    data: objectIn(record, 'evidence'),
  }
  return {
    class_uid: 2004,
    class_name: 'Detection Finding',
    category_uid: 2,
    category_name: 'Findings',
    activity: [1, 'Create'],
    profiles: ['security_control'],
    mapped: new Set(['kind', 'found', 'sub', 'iss', 'client', 'ip', 'evidence']),
    attributes: {
      ...incidentDisposition(textIn(record, 'locked_until') !== undefined),
      is_alert: true,
      status_id: 1,
      status: 'New',
      message: `${kind}: ${found}`,
      finding_info: {
        uid: `${textIn(record, 'id') ?? 'unknown'}/${kind}`,
        title: `${kind}: ${found}`,
        types: [kind],
      },
      evidences: [present(evidence)],
      resources: resourcesOf(record),
    },
  }
}

/** The thing that changed, by type of record: its name, its type, and what was done to it. */
const CHANGES: Readonly<Record<string, readonly [string, string, readonly [number, string]]>> = {
  'policy.changed': ['rules', 'policy', [3, 'Update']],
  'policy.refused': ['rules', 'policy', [99, 'Refuse']],
  'policy.pinned': ['rules', 'policy', [8, 'Enable']],
  'policy.unpinned': ['rules', 'policy', [9, 'Disable']],
  'policy.rolled_back': ['rules', 'policy', [3, 'Update']],
  'config.changed': ['configuration', 'configuration', [3, 'Update']],
  'jwks.changed': ['keys of an issuer', 'key set', [3, 'Update']],
  'key.rotate': ['signing key of the ledger', 'key', [3, 'Update']],
  'personal.erased': ['key of a person', 'key', [4, 'Delete']],
}

/** Entity Management (3004). */
export function changeEvent(record: StoredRecord): ClassPart {
  const type = textIn(record, 'type') ?? ''
  const [name, kind, activity] = CHANGES[type] ?? [type, 'unknown', [99, 'Change'] as const]
  const by = textIn(record, 'by')
  const uid = textIn(record, 'issuer') ?? textIn(record, 'kid') ?? textIn(record, 'pol')
  return {
    class_uid: 3004,
    class_name: 'Entity Management',
    category_uid: 3,
    category_name: 'Identity & Access Management',
    activity,
    profiles: [],
    mapped: new Set(['by', 'why', 'issuer', 'kid']),
    attributes: {
      ...INFORMATIONAL,
      ...(type === 'policy.refused' ? FAILURE : SUCCESS),
      message: `${type}${by === undefined ? '' : ` by ${by}`}`,
      comment: textIn(record, 'why'),
      actor: by === undefined ? undefined : { user: { name: by } },
      entity: present({ name, type: kind, uid, version: textIn(record, 'pol') }),
    },
  }
}

/** Entity Management (3004), of requests, grants, locks and reviews. */
export function accessEvent(record: StoredRecord): ClassPart {
  const what = textIn(record, 'what') ?? 'unknown'
  const by = textIn(record, 'by')
  const [kind = what] = what.split('.', 1)
  return {
    class_uid: 3004,
    class_name: 'Entity Management',
    category_uid: 3,
    category_name: 'Identity & Access Management',
    activity: Object.hasOwn(ACCESS, what) ? (ACCESS[what] ?? OTHER) : OTHER,
    profiles: [],
    mapped: new Set(['by', 'why', 'id', 'what']),
    attributes: {
      ...INFORMATIONAL,
      ...SUCCESS,
      message: `${what}${by === undefined ? '' : ` by ${by}`}`,
      comment: textIn(record, 'why'),
      actor: by === undefined ? undefined : { user: { name: by } },
      entity: present({
        name: textIn(record, 'of') ?? what,
        type: kind,
        uid: textIn(record, 'id'),
      }),
    },
  }
}

/** What was done, where the class has a word for it. */
const OTHER = [3, 'Update'] as const
const ACCESS: Readonly<Record<string, readonly [number, string]>> = {
  'request.created': [1, 'Create'],
  'grant.issued': [1, 'Create'],
  'grant.revoked': [4, 'Delete'],
  'lock.set': [1, 'Create'],
  'lock.lifted': [4, 'Delete'],
  'review.started': [1, 'Create'],
  'version.registered': [1, 'Create'],
}

const NOTHING: ReadonlySet<string> = new Set()

const LIFE: Readonly<Record<string, readonly [number, string]>> = {
  'log.opened': [3, 'Start'],
  'log.closed': [4, 'Stop'],
}

/** Records that somebody should look at. */
const ALARMING = new Set([
  ...['log.degraded', 'log.recovered', 'log.gap.accepted', 'witness.disputed', 'sink.dropped'],
])

/** Application Lifecycle (6002). */
export function lifecycleEvent(record: StoredRecord): ClassPart {
  const type = textIn(record, 'type') ?? 'unknown'
  const version = textIn(objectIn(record, 'versions'), 'modelgate')
  return {
    class_uid: 6002,
    class_name: 'Application Lifecycle',
    category_uid: 6,
    category_name: 'Application Activity',
    activity: (Object.hasOwn(LIFE, type) ? LIFE[type] : undefined) ?? [99, type],
    profiles: [],
    mapped: NOTHING,
    attributes: {
      ...(ALARMING.has(type) ? HIGH : INFORMATIONAL),
      message: type,
      app: present({ name: 'Modelgate', vendor_name: 'Modelgate', version }),
    },
  }
}
