/** What can be wrong with a log, and what verification ends with. */
import type { ChainFaultClass } from '../line/chain.ts'

/**
 * Beyond what is wrong with a chain:
 * - `record`: a record is not the one whose hash is in the tree
 * - `tile`: a file of hashes is missing, or does not hold the hashes of the records
 * - `checkpoint`: a checkpoint is malformed, missing or out of order
 * - `signature`: a checkpoint is not signed by a key that was valid at its size
 * - `root`: records are not those that were signed, although their chain and hashes agree
 * - `gap`: files were moved aside, and no record says so
 *
 * Of a record that is as it was signed, and says what it should not:
 * - `schema`: it is not as the schema of records says
 * - `policy`: it was decided by rules or a configuration that the log does not say were in force
 */
export type LogFaultClass =
  ChainFaultClass | 'record' | 'tile' | 'checkpoint' | 'signature' | 'root' | 'gap' | FindingClass

/** See {@link LogFaultClass}. */
export type FindingClass = 'schema' | 'policy'

/** The first thing wrong in a log. */
export interface LogFault {
  readonly class: LogFaultClass
  readonly file: string
  /** From 1; 0 when the fault is of the file as a whole. */
  readonly line: number
  /** The first record that is, or may be, affected. */
  readonly seq: number
  readonly message: string
}

/**
 * How a verification ends, worst first. `tampered`: something was changed. `truncated`: records
 * that a checkpoint speaks for are gone. `unproven`: all that is there fits, and nothing signed
 * speaks for the last records. `gaps`: intact, and it says itself that something was lost.
 */
export type Verdict = 'tampered' | 'truncated' | 'unproven' | 'gaps' | 'intact'

/** The exit code of each {@link Verdict}. */
export const VERDICT_EXIT: Readonly<Record<Verdict, number>> = {
  intact: 0,
  tampered: 1,
  truncated: 2,
  unproven: 3,
  gaps: 4,
}
