/** Reads records back: what is encrypted in them is put where it was, when its key is there. */
import type { StoredRecord } from '../read/query.ts'
import { erasedKeys, readKeyById, readKeyOf } from './key-files.ts'
import { openValues, SEALED_FIELD, sealedIn, type FieldPath, type SealedEntry } from './sealed.ts'

/** Reads what is encrypted. */
export interface Reveal {
  /**
   * The record with everything in place that a key opens; entries that none opens stay in `enc`,
   * with `"erased":true` when their key was destroyed. Never throws for what a record holds.
   * @throws ERR_AUDIT_UNAVAILABLE when a key is there and cannot be read
   */
  readonly record: (record: StoredRecord) => StoredRecord
  /** The id of the key of a subject, as records hold it; `undefined` when it has none. */
  readonly keyIdOf: (subject: string) => string | undefined
}

const KEYS_MAX = 10_000

/** Builds the reading side over a directory of keys, of which nothing is changed. */
export function createReveal(dir: string): Reveal {
  const keys = new Map<string, Buffer | undefined>()
  const erased = erasedKeys(dir)
  const keyOf = (kid: string): Buffer | undefined => {
    if (keys.has(kid)) return keys.get(kid)
    const key = readKeyById(dir, kid)?.key
    if (keys.size >= KEYS_MAX) keys.clear()
    keys.set(kid, key)
    return key
  }
  return {
    record: (record) => revealed(record, keyOf, erased),
    keyIdOf: (subject) => readKeyOf(dir, subject)?.kid,
  }
}

function revealed(
  record: StoredRecord,
  keyOf: (kid: string) => Buffer | undefined,
  erased: ReadonlySet<string>,
): StoredRecord {
  const entries = sealedIn(record[SEALED_FIELD])
  const { log, seq } = record
  if (entries.length === 0 || typeof log !== 'string' || typeof seq !== 'number') return record
  const left: object[] = []
  const others = Object.entries(record).filter(([name]) => name !== SEALED_FIELD)
  const copy: Record<string, unknown> = structuredClone(Object.fromEntries(others))
  for (const entry of entries) {
    const key = keyOf(entry.kid)
    const values = key && openValues(entry, key, { log, seq })
    if (values === undefined) left.push(unopened(entry, erased))
    else for (const [path, value] of values) putBack(copy, path, value)
  }
  return left.length === 0 ? copy : { ...copy, [SEALED_FIELD]: left }
}

function unopened(entry: SealedEntry, erased: ReadonlySet<string>): object {
  return erased.has(entry.kid) ? { ...entry, erased: true } : entry
}

function putBack(into: Record<string, unknown>, path: FieldPath, value: unknown): void {
  let at: object = into
  for (const name of path.slice(0, -1)) {
    const next: unknown = Object.hasOwn(at, name) ? Reflect.get(at, name) : undefined
    if (typeof next === 'object' && next !== null) at = next
    else {
      const made = {}
      put(at, name, made)
      at = made
    }
  }
  put(at, path.at(-1) ?? '', value)
}

/** As an own member whatever the name: a claim called `__proto__` stays a word. */
function put(into: object, name: string | number, value: unknown): void {
  Object.defineProperty(into, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}
