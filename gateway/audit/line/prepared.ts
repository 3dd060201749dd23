/** Records that were written as JSON on the thread of the requests, for another thread to keep. */
import type { LedgerRecord } from '../../domain/ports.ts'
import { refuseForeign } from './reserved.ts'

/** A record whose fields are JSON already; they are read again only when somebody looks. */
export class PreparedRecord implements LedgerRecord {
  readonly type: string
  /** The fields: what `JSON.stringify` made of them, so without those that are undefined. */
  readonly json: string
  private read: LedgerRecord['fields'] | undefined

  constructor(type: string, json: string) {
    this.type = type
    this.json = json
  }

  get fields(): LedgerRecord['fields'] {
    return (this.read ??= JSON.parse(this.json) as LedgerRecord['fields'])
  }
}

/** The fields of a record that may be written, as JSON. @throws ERR_INTERNAL as the ledger would */
export function prepared(record: LedgerRecord): string {
  refuseForeign(record)
  return JSON.stringify(record.fields)
}
