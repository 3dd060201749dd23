/** What the readers of bodies have in common: they take a body in pieces, and can stop half-way. */
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { Operation } from '../../domain/vocabulary.ts'
import type { FieldValue } from './body-fields.ts'

/** What one record of a body that is a list of records says besides. */
export type JudgeRecord = (
  values: ReadonlyMap<string, FieldValue>,
) => readonly Operation[] | Refusal | undefined

/** Reads the wanted values of one body. After a refusal it is of no further use. */
export interface BodyScanner {
  /** The next piece, cut anywhere. */
  push(chunk: Buffer): Refusal | readonly Operation[] | undefined
  /** The body is over. */
  end(): Refusal | readonly Operation[] | undefined
  /** The values of a JSON body, or of every record, by path; complete at the end. */
  readonly body: ReadonlyMap<string, FieldValue>
  /** The values of a form, by name; complete at the end. */
  readonly form: ReadonlyMap<string, string>
  /**
   * The request is judged by what is here, and the rest only watched: from now on a wanted value is
   * refused. False when the part that is here cannot be judged.
   */
  suspend(): boolean
  /** Where a body is a list of records: who judges those that come after {@link suspend}. */
  judge?: JudgeRecord | undefined
  /** Whether a value of that path or name could still come. */
  isOpen(name: string): boolean
}

/** No values. */
export const NO_VALUES: ReadonlyMap<string, never> = new Map<string, never>()

/** Refuses a body of which too much would have to be held before it is known what it asks for. */
export function tooFarBack(name: string | undefined): Refusal {
  const field = name === undefined ? 'what decides' : `the field ${name}`
  return refuse('body_over_peek', {
    detail:
      `The body is longer than limits.peek_bytes, and ${field} is not in the part that is held. ` +
      'Send it before everything that is long, or ask the operator to raise limits.peek_bytes.',
  })
}
