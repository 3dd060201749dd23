import type { Request, Response } from 'express'
import type { Declined } from '../access/command.ts'
import type { Refusal } from '../domain/refusal.ts'
import { PROBLEMS, type ProblemCode } from './problem-codes.ts'

/** What went wrong, for `application/problem+json` (RFC 9457); made by {@link problem}. */
export interface Problem {
  readonly status: number
  /** Stable code. */
  readonly reason: ProblemCode
  /** Short, the same for every occurrence of the code. */
  readonly title: string
  /** What happened this time. */
  readonly detail: string
  /** What helps. */
  readonly remedy: string
  /** Findings in files, `file:line:column: …`. */
  readonly findings?: readonly string[]
  /** Sent as `WWW-Authenticate` on a 401. */
  readonly challenge?: string
  readonly retryAfter?: number
  /** Id of the record in the ledger. */
  readonly id?: string
}

/** What differs from one occurrence of a code to the next. */
export type Occurrence = Partial<Omit<Problem, 'status' | 'reason' | 'title'>>

/** A problem with the status, title and remedy of its code; its detail is the title when absent. */
export function problem(
  reason: ProblemCode,
  { detail, remedy, ...more }: Occurrence = {},
): Problem {
  const { status, title, remedy: usual } = PROBLEMS[reason]
  return { status, reason, title, detail: detail ?? `${title}.`, remedy: remedy ?? usual, ...more }
}

/** A refusal of authentication or of the rules, as a problem. */
export function problemOf({ reason, detail, retryAfter }: Refusal): Problem {
  const happened = detail === undefined ? {} : { detail }
  return problem(reason, { ...happened, ...(retryAfter === undefined ? {} : { retryAfter }) })
}

/** A caller who is not let in, as a problem; a 401 says how to be. */
export function refusedProblem(
  refusal: Refusal,
  control: { challenge(refusal: Refusal): string },
): Problem {
  const seen = problemOf(refusal)
  return seen.status === 401 ? { ...seen, challenge: control.challenge(refusal) } : seen
}

/** Seconds after which to ask again where too much was asked and nobody knows better. */
const RETRY_S = 60

/** A decision not to do something, as a problem. */
export function declinedProblem({ declined, detail, retryAfterS }: Declined): Problem {
  const again = PROBLEMS[declined].status === 429 ? { retryAfter: retryAfterS ?? RETRY_S } : {}
  return problem(declined, { detail, ...again })
}

/** Of somebody who calls too often: `wait` in seconds. */
export function tooOften(wait: number): Problem {
  const remedy = `Wait ${wait} s and call again.`
  return problem('rate_limited', { retryAfter: wait, remedy })
}

/** Answers with `problem`. */
export function sendProblem(response: Response, { challenge, retryAfter, ...seen }: Problem): void {
  const { id, ...rest } = seen
  if (challenge !== undefined) response.set('www-authenticate', challenge)
  if (retryAfter !== undefined) response.set('retry-after', String(retryAfter))
  const type = `urn:modelgate:problem:${seen.reason}`
  const decision = id === undefined ? {} : { decision_id: id }
  response
    .status(seen.status)
    .type('application/problem+json')
    .send(JSON.stringify({ type, ...rest, ...decision }))
}

/**
 * Answers `request` with `refused`. A body that was not read to its end leaves the connection in no
 * state for another request.
 */
export function sendRefusal(request: Request, response: Response, refused: Problem): void {
  if (!request.complete) response.set('connection', 'close')
  sendProblem(response, refused)
}
