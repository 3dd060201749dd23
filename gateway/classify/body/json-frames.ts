/** What is open around the place that is read, and what scalars are taken for. */
import type { FieldBranch, FieldTree, FieldValue } from './body-fields.ts'
import type { ScalarKind } from './json-tokens.ts'
import { SeenKeys } from './seen-keys.ts'

/** An open container that is told of. */
export interface Frame {
  /** What is wanted of it as a value. */
  branch: FieldBranch | undefined
  readonly isArray: boolean
  readonly tree: FieldTree | undefined
  readonly seen: SeenKeys | undefined
  /** What is wanted of each element. */
  readonly items: FieldBranch | undefined
  /** The lists that each element adds to, and how long they were before it. */
  readonly lists: readonly FieldValue[][]
  readonly lengths: number[]
}

const NO_LISTS: readonly FieldValue[][] = []
const NO_LENGTHS: number[] = []

/** An object, of which `tree` is wanted. */
export function objectFrame(branch: FieldBranch | undefined, tree: FieldTree | undefined): Frame {
  const seen = tree && new SeenKeys()
  const [lists, lengths] = [NO_LISTS, NO_LENGTHS]
  return { branch, isArray: false, tree, seen, items: undefined, lists, lengths }
}

/** An array, of each element of which `items` is wanted, and goes to `lists`. */
export function arrayFrame(
  branch: FieldBranch | undefined,
  items?: FieldBranch,
  lists: readonly FieldValue[][] = NO_LISTS,
): Frame {
  const lengths = lists.length === 0 ? NO_LENGTHS : lists.map((list) => list.length)
  return { branch, isArray: true, tree: undefined, seen: undefined, items, lists, lengths }
}

/** A value that is there, and is no text and no number. */
export const OTHER: FieldValue = { kind: 'other' }

/** The value of a scalar. @param text `undefined` when it is too long to be kept */
export function scalarValue(kind: ScalarKind, text: string | undefined): FieldValue {
  return text === undefined || kind === 'word' || kind === 'null' ? OTHER : { kind, text }
}
