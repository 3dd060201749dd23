/** What the control API says when nothing was done: stable codes, and what to do about each. */
import { DECLINES, type DeclineCode, type Declined } from '../../access/command.ts'
import type { Refusal } from '../../domain/refusal.ts'
import { problem, problemOf, type Problem } from '../problem.ts'
import type { ApiControl } from './api-control.ts'

/** What helps. */
// prettier-ignore
const REMEDIES: Readonly<Record<DeclineCode, string>> = {
  invalid: 'Correct what the detail names and send it again.',
  not_found: 'Look the id up in a list, or ask whoever told you of it.',
  self_approval: 'Ask somebody else who may approve; `demands` of the request names the groups.',
  not_eligible: 'Ask one of the groups in `demands`, or meet the filter that they must meet.',
  person_unknown: 'Use a token with the claim that the issuer has configured as person_claim.',
  no_approval_rule: 'Ask whoever keeps approvals.yaml for a rule for this action and resource.',
  demand_missing: 'Say what the detail names and send it again.',
  over_bounds: 'Ask for less, or for a rule that allows it.',
  wildcard_refused: 'Name each resource by its whole name.',
  review_outstanding: 'Have the earlier use reviewed: POST /v1/grants/{id}/review.',
  closed: 'Ask anew.',
  edited: 'Read it again and decide on what is there now.',
  already_done: 'Nothing more is needed.',
  too_many: 'Wait until some are closed, or close some.',
  key_reused: 'Take a new Idempotency-Key for every new call.',
  second_person: 'Have somebody else send the same call.',
  precondition_failed: 'Read it again, look at what changed, and send its new ETag.',
}

/** A decision not to do something, as a problem. */
export function declinedProblem({ declined, detail, retryAfterS }: Declined): Problem {
  const { status, title } = DECLINES[declined]
  const more = status === 429 ? { retryAfter: retryAfterS ?? 60 } : {}
  return { status, reason: declined, title, detail, remedy: REMEDIES[declined], ...more }
}

/** A caller who is not let in, as a problem; a 401 says how to be. */
export function refusedProblem(refusal: Refusal, control: Pick<ApiControl, 'challenge'>): Problem {
  const seen = problemOf(refusal)
  return seen.status === 401 ? { ...seen, challenge: control.challenge(refusal) } : seen
}

/** Problems of the API itself, beside those of access control and of {@link DECLINES}. */
// prettier-ignore
export const API_PROBLEMS = {
  not_found: { status: 404, detail: 'There is no such route' },
  method_refused: { status: 405, detail: 'Use another method' },
  query_invalid: { status: 400, detail: 'The parameters cannot be read' },
  cursor_invalid: { status: 400, detail: 'The cursor is not one of this list' },
  key_invalid: { status: 400, detail: 'Idempotency-Key must be 8 to 128 letters, digits and . _ : ~ + / = -' },
  precondition_invalid: { status: 400, detail: 'If-Match and If-None-Match take up to 16 entity tags' },
  rate_limited: { status: 429, detail: 'You call too often' },
  store_unavailable: { status: 503, detail: 'The store did not answer; whether it was done is not known' },
  state_unknown: { status: 503, detail: 'This replica has not read the journal yet' },
} as const satisfies Record<string, { status: number; detail: string }>

/** Code of {@link API_PROBLEMS}. */
export type ApiProblemCode = keyof typeof API_PROBLEMS

/** A problem of {@link API_PROBLEMS}. */
export function apiProblem(code: ApiProblemCode, more: Partial<Problem> = {}): Problem {
  const { status, detail } = API_PROBLEMS[code]
  return { ...problem(status, code, detail), ...more }
}
