/**
 * Thousands of routes differ in a path and agree in the rest. What is equal in them is one object, so
 * that a request finds it in the caches of the processor however many routes a pack has.
 */
import type { CompiledRow } from './compiled-pack.ts'

/** Gives back the first equal value it was given. Only for plain data: compared as JSON. */
export type Share = <T>(value: T) => T

/** Sharing among everything that one `Share` is given. */
export function createShare(): Share {
  const known = new Map<string, unknown>()
  return <T>(value: T): T => {
    const key = JSON.stringify(value)
    const earlier = known.get(key)
    if (earlier !== undefined) return earlier as T
    known.set(key, value)
    return value
  }
}

/** The row, with all that is plain data in it shared. */
export function shareRow(row: CompiledRow, share: Share): CompiledRow {
  return {
    ...row,
    when: share(row.when),
    actions: share(row.actions),
    serverActions: share(row.serverActions),
    names: share(row.names.map(share)),
    versions: share(row.versions.map(share)),
    effects: share(row.effects),
  }
}
