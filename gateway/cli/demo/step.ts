/** A step of the demo, as data. */
import type { Reason } from '../../domain/reasons.ts'
import type { Moment } from './clock.ts'
import type { ControlCall } from './control-calls.ts'
import type { Ask } from './http.ts'

/** What a step must be answered with; anything else fails the demo. */
export interface Expectation {
  readonly status: number
  /** Reason code of the refusal; none is expected of a permit. */
  readonly reason?: Reason
  /** How the rule that decides begins, with single spaces. */
  readonly rule?: string
  /** Names of the conditions that were not met. */
  readonly failed?: readonly string[]
  /** Whether the request reaches the model server. */
  readonly arrives: boolean
  /** Texts that the answer (body, or challenge of a 401) holds. */
  readonly holds?: readonly string[]
  /** The answer is the weight file, byte for byte. */
  readonly weights?: true
}

/** One step: something that happens first, then one request. */
export interface Step {
  readonly name: string
  readonly story: string
  /** The clock is put forward to this moment first, and everybody logs in again. */
  readonly at?: Moment
  /** A line that is added to a rule file first. */
  readonly edit?: { readonly file: string; readonly line: string }
  /** What people say to the control API first. */
  readonly calls?: readonly ControlCall[]
  readonly ask: Ask
  readonly expect: Expectation
  /** Other paths to the same thing; each must be refused before it reaches the model server. */
  readonly spellings?: readonly string[]
}

/** What an expectation says, in words. */
export function expectationText({ status, reason, failed, arrives, weights }: Expectation): string {
  const answer = reason === undefined ? String(status) : `${status} ${reason}`
  const why = failed === undefined ? '' : ` (${failed.join(', ')})`
  if (weights === true) return `${answer}, with the very bytes of the weight file`
  const cut = reason === undefined ? 'from the model server' : 'none of it reaches the caller'
  const where = arrives ? cut : 'nothing reaches the model server'
  return `${answer}${why}, ${where}`
}
