/** Reads the records of exports back. */
import type { StoredRecord } from '../audit/read/query.ts'
import { Facts, Incomplete } from './recorded-facts.ts'

/** One export, as the ledger says; absent fields were not known, or not recorded. */
export interface RecordedExport {
  /** When it was over, ISO 8601. */
  readonly time: string
  /** Names the decision. */
  readonly id: string
  readonly subject: string
  readonly client?: string
  readonly resource: string
  readonly version?: string
  readonly upstream?: string
  readonly method?: string
  readonly path?: string
  readonly status: number
  readonly bytes: number
  /** Hex, of the bytes that left. */
  readonly sha256?: string
  /** `bytes 5-9/10`, where it is not from the first byte to the last. */
  readonly part?: string
  /** `sha256:<hex>`, as it was declared. */
  readonly declared?: string
  readonly matched?: boolean
  readonly etag?: string
  readonly grant?: string
  readonly approvers: readonly string[]
  readonly resumed?: boolean
  readonly complete: boolean
  /** Why it ended before its end. */
  readonly reason?: string
  readonly endedBy?: string
  readonly durationMs?: number
}

/** Which exports are wanted. Resources are compared with and without their version. */
export interface ExportFilter {
  readonly resource?: string | undefined
  readonly subject?: string | undefined
  readonly grant?: string | undefined
}

/** Reads one record of type `export`; `undefined` when it does not say what it must. */
export function readExport(record: StoredRecord): RecordedExport | undefined {
  try {
    return exportIn(new Facts(record))
  } catch (error) {
    if (error instanceof Incomplete) return undefined
    throw error
  }
}

function exportIn(facts: Facts): RecordedExport {
  return defined({
    time: facts.required('ts', facts.text('ts')),
    id: facts.required('id', facts.text('id')),
    subject: facts.required('sub', facts.text('sub')),
    client: facts.text('ip'),
    resource: facts.required('res', facts.text('res')),
    version: facts.text('ver'),
    upstream: facts.text('upstream'),
    method: facts.text('meth'),
    path: facts.text('path'),
    status: facts.required('status', facts.number('status')),
    bytes: facts.required('bytes', facts.number('bytes')),
    sha256: facts.text('sha256'),
    part: partIn(facts.object('partial')),
    declared: facts.text('digest'),
    matched: facts.flag('matched'),
    etag: facts.text('etag'),
    grant: facts.text('grant'),
    approvers: facts.texts('by') ?? [],
    resumed: facts.flag('resumed'),
    complete: facts.required('complete', facts.flag('complete')),
    reason: facts.text('reason'),
    endedBy: facts.text('ended_by'),
    durationMs: facts.number('ms'),
  }) as unknown as RecordedExport
}

function partIn(part: Facts | undefined): string | undefined {
  if (part === undefined) return undefined
  const [from, to, of] = [part.number('from'), part.number('to'), part.number('of')]
  return `bytes ${from ?? '?'}-${to ?? '?'}/${of ?? '*'}`
}

function defined(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Whether `one` is wanted. */
export function isWantedExport(one: RecordedExport, filter: ExportFilter): boolean {
  const { resource, subject, grant } = filter
  if (subject !== undefined && one.subject !== subject) return false
  if (grant !== undefined && one.grant !== grant) return false
  if (resource === undefined || one.resource === resource) return true
  return one.version !== undefined && one.resource === `${resource}@${one.version}`
}
