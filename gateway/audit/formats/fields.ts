/**
 * Typed reading of a stored record, for whoever writes it in another shape. Never throws: what is
 * absent, or not of the type, is `undefined`.
 */
import { isIP } from 'node:net'
import type { StoredRecord } from '../read/query.ts'

/** A text; of one that was cut for its length, the beginning and `…`. */
export function textIn(record: StoredRecord | undefined, name: string): string | undefined {
  const value = valueIn(record, name)
  if (typeof value === 'string') return value
  const head = valueIn(asObject(value), 'head')
  return typeof head === 'string' ? `${head}…` : undefined
}

/** A finite number. */
export function numberIn(record: StoredRecord | undefined, name: string): number | undefined {
  const value = valueIn(record, name)
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** A whole number from 0. */
export function countIn(record: StoredRecord | undefined, name: string): number | undefined {
  const value = numberIn(record, name)
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

/** An IP address: a field that was masked holds another word. */
export function addressIn(record: StoredRecord | undefined, name: string): string | undefined {
  const text = textIn(record, name)
  return text !== undefined && isIP(text) !== 0 ? text : undefined
}

/** A switch. */
export function flagIn(record: StoredRecord | undefined, name: string): boolean | undefined {
  const value = valueIn(record, name)
  return typeof value === 'boolean' ? value : undefined
}

/** An object. */
export function objectIn(record: StoredRecord | undefined, name: string): StoredRecord | undefined {
  return asObject(valueIn(record, name))
}

/** The objects of a list; empty when there is none. */
export function objectsIn(record: StoredRecord | undefined, name: string): readonly StoredRecord[] {
  const value = valueIn(record, name)
  return Array.isArray(value) ? value.map(asObject).filter((one) => one !== undefined) : []
}

/** The texts of a list; `undefined` when there is none. */
export function textsIn(
  record: StoredRecord | undefined,
  name: string,
): readonly string[] | undefined {
  const value = valueIn(record, name)
  return Array.isArray(value)
    ? value.filter((one): one is string => typeof one === 'string')
    : undefined
}

/** When the record was made, milliseconds since the epoch; 0 when it does not say. */
export function timeOf(record: StoredRecord): number {
  const at = Date.parse(textIn(record, 'ts') ?? '')
  return Number.isNaN(at) ? 0 : at
}

/** Without the members that are `undefined`, so that they do not exist rather than being empty. */
export function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** `undefined` for an object or a list with nothing in it. */
export function filled<T extends object>(value: T): T | undefined {
  return Object.keys(value).length === 0 ? undefined : value
}

function valueIn(record: StoredRecord | undefined, name: string): unknown {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined
}

function asObject(value: unknown): StoredRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as StoredRecord)
    : undefined
}
