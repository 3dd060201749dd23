import type { Response } from 'express'
import { REASONS } from '../domain/reasons.ts'
import type { Refusal } from '../domain/refusal.ts'

/** What went wrong, for `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly status: number
  /** Stable code. */
  readonly reason: string
  readonly detail: string
  /** Short sentence, the same for every occurrence; the code when absent. */
  readonly title?: string
  /** What helps. */
  readonly remedy?: string
  /** Findings in files, `file:line:column: …`. */
  readonly findings?: readonly string[]
  /** Sent as `WWW-Authenticate` on a 401. */
  readonly challenge?: string
  readonly retryAfter?: number
  /** Id of the record in the ledger. */
  readonly id?: string
}

/** A problem of the control API's own. */
export function problem(status: number, reason: string, detail: string): Problem {
  return { status, reason, detail }
}

/** A refusal of authentication or of the rules, as a problem. */
export function problemOf(refusal: Refusal): Problem {
  const { status, title, remedy } = REASONS[refusal.reason]
  const { retryAfter } = refusal
  return {
    status,
    reason: refusal.reason,
    title,
    detail: refusal.detail ?? `${title}. ${remedy}`,
    remedy,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  }
}

/** Answers with `problem`. */
export function sendProblem(response: Response, { challenge, retryAfter, ...seen }: Problem): void {
  const { status, id, ...rest } = seen
  if (challenge !== undefined) response.set('www-authenticate', challenge)
  if (retryAfter !== undefined) response.set('retry-after', String(retryAfter))
  const type = `urn:modelgate:problem:${seen.reason}`
  const decision = id === undefined ? {} : { decision_id: id }
  response
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify({ type, title: seen.reason, status, ...rest, ...decision }))
}
