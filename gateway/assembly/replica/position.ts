/** Where in a journal somebody is, and how it is known that it is still the same journal. */
import { createHash } from 'node:crypto'
import { emptyState, type AccessState } from '../../access/state.ts'

/** A state, and the last entry in it. */
export interface Position {
  readonly state: AccessState
  /**
   * {@link markOf} the last entry in the state; absent when nothing is in it, or when it is only in
   * a snapshot.
   */
  readonly mark?: string
}

/** What is remembered of a journal across a restart. */
export interface Seen {
  readonly epoch: string
  readonly seq: number
  readonly mark?: string
}

/** Before anything was read. */
export const NOWHERE: Position = Object.freeze({ state: emptyState('') })

/** Says which text an entry has: two journals that went apart differ in it. */
export function markOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

/** What to remember of `position`. */
export function seenOf({ state: { epoch, seq }, mark }: Position): Seen {
  return { epoch, seq, ...(mark === undefined ? {} : { mark }) }
}
