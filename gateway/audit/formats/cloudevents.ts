/** Records in the envelope of CloudEvents 1.0 (cloudevents/spec v1.0.2, JSON format). */
import type { StoredRecord } from '../read/query.ts'
import { countIn, objectsIn, textIn } from './fields.ts'

/** Media type of one event in structured mode. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json'

/** Media type of a JSON list of events (JSON batch format). */
export const CLOUD_EVENTS_BATCH_TYPE = 'application/cloudevents-batch+json'

/** One event: the attributes of the envelope, and the record as it is. */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** The number of the record: with `source` it names the record for ever, so that what comes twice is known. */
  readonly id: string
  /** `urn:modelgate:<origin of the log>`. */
  readonly source: string
  /** `dev.modelgate.<type of the record>.v1`. */
  readonly type: string
  /** RFC 3339. */
  readonly time?: string
  /** What was acted on: the first resource that the record names. */
  readonly subject?: string
  readonly datacontenttype: 'application/json'
  /** The number of the record in 16 digits: ordered as text (extension `sequence`). */
  readonly sequence: string
  /** RFC 6962 leaf hash of the line, base64: the consumer can ask for its place in the tree. */
  readonly leafhash: string
  readonly data: StoredRecord
}

/**
 * The event of one record. `leafHash` is that of the line as it is on disk, whatever of the record
 * is masked or decrypted in `record`.
 */
export function cloudEventOf(record: StoredRecord, leafHash: string): CloudEvent {
  const seq = countIn(record, 'seq') ?? 0
  const time = textIn(record, 'ts')
  const subject = resourceOf(record)
  return {
    specversion: '1.0',
    id: String(seq),
    source: `urn:modelgate:${textIn(record, 'log') ?? 'unknown'}`,
    type: `dev.modelgate.${textIn(record, 'type') ?? 'unknown'}.v${countIn(record, 'v') ?? 1}`,
    ...(time === undefined ? {} : { time }),
    ...(subject === undefined ? {} : { subject }),
    datacontenttype: 'application/json',
    sequence: String(seq).padStart(16, '0'),
    leafhash: leafHash,
    data: record,
  }
}

/** The first resource a record names: `model:fraud@3`. */
function resourceOf(record: StoredRecord): string | undefined {
  return textIn(record, 'res') ?? textIn(objectsIn(record, 'ops')[0], 'res')
}
