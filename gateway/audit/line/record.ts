/**
 * One record, one line. The line's bytes without the newline are the leaf of an RFC 6962 tree:
 * they are hashed as they are, so no canonical JSON is needed; the writer still keeps one key
 * order: `v,log,seq,ts,mono,boot,prev,type`, then the fields of the record in the order given.
 */
import { hash } from 'node:crypto'
import { invariant } from '../../domain/errors.ts'
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'
import { prepared, PreparedRecord } from './prepared.ts'
import { escapeJson, quoteCut, quoteKey } from './text.ts'

/** Version of the line format. */
export const RECORD_VERSION = 1

/** Longest line in bytes, newline excluded; C2SP entry bundles have 16-bit lengths. */
export const LINE_BYTES_MAX = 60_000

/** `prev` of the first record: base64 of SHA-256 of nothing, the root of the empty tree. */
export const GENESIS_HASH = hash('sha256', '', 'base64')

/** What the ledger itself says of a record. */
export interface Stamp {
  /** Origin of the log, `<deployment>/audit/<node>`; see {@link isLogOrigin}. */
  readonly log: string
  /** Position in the log, from 0: the leaf index of the tree. */
  readonly seq: number
  /** When it was made, ISO 8601 in UTC. */
  readonly ts: string
  /** Monotonic milliseconds. */
  readonly monotonicMs: number
  /** Id of this run of the process; see {@link isBootId}. */
  readonly boot: string
  /** Leaf hash of the record before, base64. */
  readonly prev: string
}

interface Limits {
  readonly charsMax: number
  readonly itemsMax: number
  readonly keyCharsMax: number
}

// Tried in order until the line fits; the last one keeps scalars only and hashes the rest.
const ROOMY: Limits = { charsMax: 4096, itemsMax: 256, keyCharsMax: 128 }
const TIGHT: Limits = { charsMax: 256, itemsMax: 32, keyCharsMax: 64 }
const SCALARS: Limits = { charsMax: 64, itemsMax: 32, keyCharsMax: 32 }
const DEPTH_MAX = 8

/** Whether `text` may name a log: 1 to 200 characters that need no escaping anywhere. */
export function isLogOrigin(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/.test(text)
}

/** Whether `text` may identify a run of the process: a UUID or the like. */
export function isBootId(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text)
}

/** RFC 6962 §2.1 leaf hash of a line without its newline, base64. */
export function leafHash(line: Uint8Array | string): string {
  if (typeof line === 'string') return hash('sha256', `\0${line}`, 'base64')
  return hash('sha256', Buffer.concat([LEAF_PREFIX, line]), 'base64')
}

const LEAF_PREFIX = Buffer.of(0)

/**
 * The line of a record, without newline: valid JSON of at most {@link LINE_BYTES_MAX} bytes, free
 * of control characters. In a long record, strings, lists and keys that are too long are cut with length and hash
 * kept; what still does not fit is left out as `"omitted":{"cut":<bytes>,"sha256":…}`.
 *
 * @throws ERR_INTERNAL when the type or a field name is one the format reserves
 */
export function serializeRecord(stamp: Stamp, record: LedgerRecord): string {
  const json = record instanceof PreparedRecord ? record.json : prepared(record)
  const head = serializeStamp(stamp, record.type)
  if (json.length <= ROOMY.charsMax) {
    // Nothing within can be too long, and escaping makes it six times as long at most.
    return json === '{}' ? `${head}}` : `${head},${escapeJson(json).slice(1)}`
  }
  for (const limits of [ROOMY, TIGHT]) {
    const line = `${head}${serializeFields(record.fields, limits)}}`
    // A UTF-16 unit is at most three UTF-8 bytes: the exact count is needed only for long lines.
    if (line.length * 3 <= LINE_BYTES_MAX || Buffer.byteLength(line) <= LINE_BYTES_MAX) return line
  }
  return `${head}${serializeScalars(record.fields)}}`
}

function serializeStamp(stamp: Stamp, type: string): string {
  const mono = Math.round(stamp.monotonicMs * 1e6)
  return (
    `{"v":${RECORD_VERSION},"log":"${stamp.log}","seq":${stamp.seq},"ts":"${stamp.ts}",` +
    `"mono":"${mono}","boot":"${stamp.boot}","prev":"${stamp.prev}","type":"${type}"`
  )
}

function serializeFields(fields: LedgerRecord['fields'], limits: Limits): string {
  let text = ''
  let count = 0
  for (const key in fields) {
    const value = fields[key]
    if (value === undefined) continue
    invariant(++count <= ROOMY.itemsMax, 'number of fields')
    text += `,${quoteKey(key, limits.keyCharsMax)}:${serializeValue(value, limits, 1)}`
  }
  return text
}

/** The last resort: the first scalars of the record, cut short, and a digest of everything. */
function serializeScalars(fields: LedgerRecord['fields']): string {
  let text = ''
  let left = SCALARS.itemsMax
  for (const key in fields) {
    const value = fields[key]
    if (value === undefined || (typeof value === 'object' && value !== null)) continue
    if (left-- === 0) break
    text += `,${quoteKey(key, SCALARS.keyCharsMax)}:${serializeValue(value, SCALARS, 1)}`
  }
  return `${text},"omitted":${digest(serializeFields(fields, ROOMY))}`
}

function digest(text: string): string {
  return `{"cut":${Buffer.byteLength(text)},"sha256":"${hash('sha256', text)}"}`
}

function serializeValue(value: LedgerValue, limits: Limits, depth: number): string {
  if (typeof value === 'string') return quoteCut(value, limits.charsMax)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return 'null'
  if (depth > DEPTH_MAX) return '{"cut":"depth"}'
  return isList(value) ? serializeList(value, limits, depth) : serializeObject(value, limits, depth)
}

function isList(value: object): value is readonly LedgerValue[] {
  return Array.isArray(value)
}

function serializeList(list: readonly LedgerValue[], limits: Limits, depth: number): string {
  const kept = list.slice(0, limits.itemsMax)
  const items = kept.map((item) => serializeValue(item, limits, depth + 1))
  if (list.length > kept.length) {
    const rest = list.slice(kept.length).map((item) => serializeValue(item, limits, depth + 1))
    items.push(`{"left":${rest.length},"sha256":"${hash('sha256', rest.join(','))}"}`)
  }
  return `[${items.join(',')}]`
}

function serializeObject(
  object: Readonly<Record<string, LedgerValue | undefined>>,
  limits: Limits,
  depth: number,
): string {
  const kept: string[] = []
  const rest: string[] = []
  for (const key in object) {
    const value = object[key]
    if (value === undefined) continue
    const pair = `${quoteKey(key, limits.keyCharsMax)}:${serializeValue(value, limits, depth + 1)}`
    if (kept.length < limits.itemsMax) kept.push(pair)
    else rest.push(pair)
  }
  if (rest.length > 0) {
    kept.push(`"~left":{"left":${rest.length},"sha256":"${hash('sha256', rest.join(','))}"}`)
  }
  return `{${kept.join(',')}}`
}
