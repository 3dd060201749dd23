/**
 * The conditions of one set, numbered from 0, so that what is compiled against the set needs no
 * names. Immutable; its identity says which set the numbers belong to.
 */
export interface ConditionNumbers {
  /** Names by number; `always` is {@link ALWAYS_NUMBER}. */
  readonly names: readonly string[]
  /** `undefined` for a name the set does not have. */
  numberOf(name: string): number | undefined
}

/** The number of `always`, which no assumption changes. */
export const ALWAYS_NUMBER = 0

/** Numbers `always`, then `names` in their order. */
export function numberConditions(names: Iterable<string>): ConditionNumbers {
  const all = ['always', ...names]
  const byName = new Map(all.map((name, i) => [name, i]))
  return { names: all, numberOf: (name) => byName.get(name) }
}
