/**
 * Every code with which the control API says that nothing was done, each with its one title (RFC 9457
 * §3.1.3), its status and what helps. A code that commands decline with or that callers are refused
 * with is described where it comes from; the others here.
 */
import { DECLINES, type DeclineCode } from '../access/command.ts'
import { REASONS, type Reason } from '../domain/reasons.ts'

/** What is said of a code wherever it occurs. */
export interface ProblemEntry {
  readonly status: number
  /** Short, without a full stop; the same for every occurrence. */
  readonly title: string
  /** What the caller can do about it, one sentence. */
  readonly remedy: string
}

const row = (status: number, title: string, remedy: string): ProblemEntry => ({
  status,
  title,
  remedy,
})

/** Codes of the control API's own. They never change meaning. */
// One row per code reads as a table; the formatter would break the rows.
// prettier-ignore
export const CONTROL_PROBLEMS = {
  method_refused: row(405, 'The route does not take this method', 'Use one of `Allow`.'),
  query_invalid: row(400, 'The parameters cannot be read', 'Send the parameters that the description names, each once.'),
  cursor_invalid: row(400, 'The cursor is not one of this list', 'Begin again without it.'),
  key_invalid: row(400, 'The idempotency key is malformed', 'Send 8 to 128 letters, digits and . _ : ~ + / = - as the key.'),
  precondition_invalid: row(400, 'The entity tags cannot be read', 'Send up to 16 of them, each as an answer had it.'),
  rate_limited: row(429, 'You call too often', 'Wait as long as `Retry-After` says.'),
  store_unavailable: row(503, 'The store did not answer', 'Send the same call again with the same `Idempotency-Key`, or look whether it was done.'),
  state_unknown: row(503, 'This replica has not read the journal yet', 'Wait as long as `Retry-After` says, or ask another replica.'),
  body_invalid: row(400, 'The body is not what the description says', 'Correct what the detail names.'),
  media_type_refused: row(415, 'The body is not plain JSON', 'Send it as application/json, without `Content-Encoding`.'),
  host_refused: row(403, 'The host is none of this listener', 'Use an address, localhost, or a name in `listen.control.hosts`.'),
  origin_refused: row(403, 'Another site made a browser send this', 'Call from a program.'),
  control_api_off: row(404, 'The control API is off', 'Set `listen.control.audience`.'),
  lockout_unknown: row(404, 'Nobody of that name is kept out', 'Look at `GET /lockouts`, which shows who is.'),
  revision_unknown: row(422, 'There is no such revision of the rules', 'Look at `GET /rules/revisions`, which shows what is kept.'),
  rules_refused: row(409, 'The rule set cannot be used', 'Correct what the findings name; what was in force stays in force.'),
  history_unavailable: row(503, 'The history of the rules cannot be written', 'Tell the operator; nothing was changed.'),
} as const satisfies Record<string, ProblemEntry>

/** What helps where a command declined. */
// prettier-ignore
const DECLINE_REMEDIES: Readonly<Record<DeclineCode, string>> = {
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
  unfinished: 'Do what the detail names and send it again.',
  edited: 'Read it again and decide on what is there now.',
  already_done: 'Nothing more is needed.',
  too_many: 'Wait until some are closed, or close some.',
  key_reused: 'Take a new Idempotency-Key for every new call.',
  second_person: 'Have somebody else send the same call.',
  precondition_failed: 'Read it again, look at what changed, and send its new ETag.',
}

/** Codes of what the control API itself refuses or declines, beside those of access control. */
export const CONTROL_CODES: readonly ProblemCode[] = [
  'state_unavailable',
  ...(Object.keys(DECLINES) as DeclineCode[]),
  ...(Object.keys(CONTROL_PROBLEMS) as (keyof typeof CONTROL_PROBLEMS)[]),
]

/** A stable code. */
export type ProblemCode = keyof typeof CONTROL_PROBLEMS | DeclineCode | Reason

/** What is said of each code. */
export const PROBLEMS: Readonly<Record<ProblemCode, ProblemEntry>> = {
  ...REASONS,
  ...declines(),
  ...CONTROL_PROBLEMS,
}

function declines(): Readonly<Record<DeclineCode, ProblemEntry>> {
  const codes = Object.keys(DECLINES) as DeclineCode[]
  const rows = codes.map((code) => [code, { ...DECLINES[code], remedy: DECLINE_REMEDIES[code] }])
  return Object.fromEntries(rows) as Record<DeclineCode, ProblemEntry>
}
