/** Refusals in the words of the systems whose clients would otherwise not show them. */
import { REASONS } from '../domain/reasons.ts'
import type { Refusal } from '../domain/refusal.ts'

/** A body, and what it is. */
export interface DialectAnswer {
  readonly type: string
  readonly body: string
}

/** One sentence or two: why, what to do, and the id of the record. */
export function refusalText(refusal: Refusal, id: string): string {
  const { title, remedy } = REASONS[refusal.reason]
  return `${refusal.detail ?? `${title}. ${remedy}`} (${refusal.reason}, decision ${id})`
}

/** As Amazon S3 answers: clients show `Code` and `Message`, and nothing that is not XML. */
export function s3Error(refusal: Refusal, id: string): DialectAnswer {
  const { status } = REASONS[refusal.reason]
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${s3Code(status)}</Code>` +
    `<Message>${escaped(refusalText(refusal, id))}</Message>` +
    `<RequestId>${escaped(id)}</RequestId></Error>`
  return { type: 'application/xml', body }
}

function s3Code(status: number): string {
  if (status === 401 || status === 403) return 'AccessDenied'
  if (status === 405) return 'MethodNotAllowed'
  if (status >= 500 || status === 429) return 'ServiceUnavailable'
  return 'InvalidRequest'
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** As the OCI distribution specification has it: clients show `code` and `message`. */
export function ociErrors(refusal: Refusal, id: string): DialectAnswer {
  const { status, remedy } = REASONS[refusal.reason]
  const message = refusalText(refusal, id)
  const detail = { reason: refusal.reason, remedy, decision_id: id }
  const body = JSON.stringify({ errors: [{ code: ociCode(status), message, detail }] })
  return { type: 'application/json', body }
}

function ociCode(status: number): string {
  if (status === 401) return 'UNAUTHORIZED'
  if (status === 405) return 'UNSUPPORTED'
  return status === 429 ? 'TOOMANYREQUESTS' : 'DENIED'
}
