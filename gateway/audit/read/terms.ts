/** What records can be found by, and which record is wanted. One definition for index and reader. */
import type { StoredRecord } from './query.ts'

/** What an index knows of each record; the order is that of the columns in its files. */
export const COLUMNS = [
  'type',
  'id',
  'subject',
  'action',
  'resource',
  'effect',
  'reason',
  'grant',
  'ip',
  'lock',
] as const
/** One of {@link COLUMNS}. */
export type Column = (typeof COLUMNS)[number]

/** Texts, any of which will do. */
export type Wanted = readonly string[] | ReadonlySet<string>

/** Which records are wanted: of every column named, one of these values; at these times. */
export interface RecordFilter extends Readonly<Partial<Record<Column, Wanted>>> {
  /** Records made at this time or later, milliseconds since the epoch. */
  readonly since?: number | undefined
  /** Records made before this time, milliseconds since the epoch. */
  readonly until?: number | undefined
}

/**
 * What a record says of itself in one column. `odd`: something that is not plain text, such as a
 * field that was cut or is encrypted; nobody can tell from it that the record is not meant.
 */
export interface Values {
  readonly texts: readonly string[]
  readonly odd: boolean
}

/** The values of `record` in `column`. */
export function valuesOf(record: StoredRecord, column: Column): Values {
  return READERS[column](record)
}

/**
 * Whether `record` is one of those wanted. A record without a time could belong to any: it is not
 * left out for its time.
 */
export function isWanted(record: StoredRecord, filter: RecordFilter): boolean {
  for (const column of COLUMNS) {
    const wanted = filter[column]
    if (wanted !== undefined && !fits(record, column, wanted)) return false
  }
  const at = timeOf(record)
  return Number.isNaN(at) || (at >= (filter.since ?? -Infinity) && at < (filter.until ?? Infinity))
}

/** `ts`, milliseconds since the epoch; NaN where there is none. */
export function timeOf(record: StoredRecord): number {
  const { ts } = record
  return typeof ts === 'string' ? Date.parse(ts) : Number.NaN
}

/** A resource without its version: `model:fraud@3` is also found as `model:fraud`. */
export function withoutVersion(resource: string): string {
  const at = resource.indexOf('@')
  return at === -1 ? resource : resource.slice(0, at)
}

function fits(record: StoredRecord, column: Column, wanted: Wanted): boolean {
  const { texts } = valuesOf(record, column)
  if (column !== 'resource') return texts.some((text) => holds(wanted, text))
  return texts.some((text) => holds(wanted, text) || holds(wanted, withoutVersion(text)))
}

function holds(wanted: Wanted, text: string): boolean {
  return wanted instanceof Set ? wanted.has(text) : (wanted as readonly string[]).includes(text)
}

const READERS: Readonly<Record<Column, (record: StoredRecord) => Values>> = {
  type: ({ type }) => valuesIn(type),
  id: ({ id }) => valuesIn(id),
  // Who asked; of a change of the rules, who made it. Of an encrypted record, the ids of its keys.
  subject: ({ sub, by, enc }) =>
    valuesIn(sub ?? (Array.isArray(by) ? undefined : by), ...keyIdsIn(enc)),
  action: (record) =>
    record['type'] === 'export' ? EXPORTS : valuesIn(...operations(record, 'act')),
  resource: resourcesOf,
  effect: ({ effect }) => valuesIn(effect),
  reason: ({ reason }) => valuesIn(reason),
  grant: ({ grant, env }) => valuesIn(grant ?? member(member(env, 'grant'), 'id')),
  // The decision whose incident keeps somebody out.
  lock: ({ lock }) => valuesIn(lock),
  // Where something is encrypted, the address may be in it.
  ip: ({ ip, enc }) => valuesIn(ip ?? (enc === undefined ? undefined : null)),
}

const EXPORTS: Values = { texts: ['export'], odd: false }

/** Of an export with its version, which the record has in a field of its own. */
function resourcesOf(record: StoredRecord): Values {
  const { res, ver, also } = record
  if (res === undefined) return valuesIn(...operations(record, 'res'))
  const whole =
    typeof res === 'string' && typeof ver === 'string' && !res.includes('@') ? `${res}@${ver}` : res
  return valuesIn(whole, ...(Array.isArray(also) ? (also as unknown[]) : [also]))
}

function operations({ ops }: StoredRecord, name: 'act' | 'res'): unknown[] {
  if (ops === undefined) return []
  return Array.isArray(ops) ? ops.map((one) => member(one, name) ?? null) : [ops]
}

function keyIdsIn(enc: unknown): unknown[] {
  if (enc === undefined) return []
  return Array.isArray(enc) ? enc.map((one) => member(one, 'kid') ?? null) : [enc]
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

/** Each text once; what is absent is nothing. */
function valuesIn(...values: readonly unknown[]): Values {
  const texts: string[] = []
  let odd = false
  for (const value of values) {
    if (value === undefined) continue
    if (typeof value !== 'string') odd = true
    else if (!texts.includes(value)) texts.push(value)
  }
  return { texts, odd }
}
