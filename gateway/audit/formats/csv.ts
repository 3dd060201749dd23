/** Records as rows of a table: what people look for first, and the whole of the rest as JSON. */
import type { StoredRecord } from '../read/query.ts'
import { flagIn, numberIn, objectIn, objectsIn, textIn } from './fields.ts'

/** A cell; empty when `undefined`. Whoever writes the file quotes it (RFC 4180) and disarms formulas. */
export type Cell = string | number | boolean | undefined

type Column = readonly [string, (record: StoredRecord, leafHash: string) => Cell]

const text = (name: string, field: string): Column => [name, (record) => textIn(record, field)]
const number = (name: string, field: string): Column => [name, (record) => numberIn(record, field)]
const operations = (name: string, field: string): Column => [
  name,
  (record) => operationsIn(record, field),
]

const COLUMNS: readonly Column[] = [
  number('seq', 'seq'),
  text('time', 'ts'),
  text('log', 'log'),
  text('type', 'type'),
  text('id', 'id'),
  text('effect', 'effect'),
  text('reason', 'reason'),
  text('stage', 'stage'),
  text('subject', 'sub'),
  text('issuer', 'iss'),
  text('client', 'client'),
  text('ip', 'ip'),
  operations('actions', 'act'),
  ['resources', (record) => textIn(record, 'res') ?? operationsIn(record, 'res')],
  text('rule', 'rule'),
  text('policy', 'pol'),
  ['grant', (record) => textIn(record, 'grant') ?? textIn(grantIn(record), 'id')],
  text('upstream', 'upstream'),
  text('route', 'route'),
  text('method', 'meth'),
  text('path', 'path'),
  number('status', 'status'),
  number('bytes_in', 'bytes_in'),
  ['bytes_out', (record) => numberIn(record, 'bytes_out') ?? numberIn(record, 'bytes')],
  text('sha256', 'sha256'),
  ['complete', (record) => flagIn(record, 'complete')],
  number('ms', 'ms'),
  text('request_id', 'req'),
  text('trace', 'trace'),
  ['leaf_hash', (_record, leafHash) => leafHash],
  ['record', (record) => JSON.stringify(record)],
]

/** The names of the columns. */
export const CSV_COLUMNS: readonly string[] = COLUMNS.map(([name]) => name)

/** The cells of one record, in the order of {@link CSV_COLUMNS}. */
export function csvCellsOf(record: StoredRecord, leafHash: string): readonly Cell[] {
  return COLUMNS.map(([, cell]) => cell(record, leafHash))
}

function operationsIn(record: StoredRecord, field: string): Cell {
  return unique(objectsIn(record, 'ops').map((op) => textIn(op, field)))
}

function grantIn(record: StoredRecord): StoredRecord | undefined {
  return objectIn(objectIn(record, 'env'), 'grant')
}

function unique(texts: readonly (string | undefined)[]): Cell {
  const all = [...new Set(texts.filter((one) => one !== undefined))]
  return all.length === 0 ? undefined : all.join(' ')
}
