/**
 * Takes fields out of what leaves. The record says which: `masked` lists the paths that were
 * replaced, `leaf` holds the leaf hash of the line as the ledger has it.
 */
import { escapeJson } from '../line/text.ts'
import type { StoredRecord } from '../read/query.ts'

/** Stands where a value was. */
export const MASK = '***'

/** A masked record, and its line. */
export interface Masked {
  readonly record: StoredRecord
  readonly line: string
}

/**
 * Masks `paths` (`ip`, `env.ip`; a path leads through the elements of lists). `undefined` when the
 * record has none of them, so that its line leaves as it is. `leaf`: its leaf hash, base64.
 */
export function maskFields(
  record: StoredRecord,
  paths: readonly string[],
  leaf: string,
): Masked | undefined {
  const masked: string[] = []
  let result: unknown = record
  for (const path of paths) {
    const next = without(result, path.split('.'))
    if (next === NOTHING) continue
    result = next
    masked.push(path)
  }
  if (masked.length === 0) return undefined
  const whole = { ...(result as StoredRecord), masked, leaf }
  return { record: whole, line: escapeJson(JSON.stringify(whole)) }
}

const NOTHING = Symbol('nothing there')

/** A copy in which the value at `steps` is replaced, or {@link NOTHING}. */
function without(value: unknown, steps: readonly string[]): unknown {
  const [step, ...rest] = steps
  if (step === undefined) return MASK
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => without(item, steps))
    if (items.every((item) => item === NOTHING)) return NOTHING
    return items.map((item, at) => (item === NOTHING ? (value[at] as unknown) : item))
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return NOTHING
  const inner = without((value as StoredRecord)[step], rest)
  return inner === NOTHING ? NOTHING : { ...value, [step]: inner }
}
