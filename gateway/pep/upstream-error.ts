/** What is said in the place of an upstream's own words about its failure. */
import { STATUS_CODES } from 'node:http'
import type { ErrorShape } from '../domain/request.ts'
import type { DialectAnswer } from './error-dialects.ts'

/** Which error, and for whom. */
export interface UpstreamErrorOptions {
  readonly shape: ErrorShape
  /** As the upstream gave it; it stays. */
  readonly status: number
  /** The id of the decision. */
  readonly id: string
}

/** Constant texts but for status and id, in the shape that clients of the route parse. */
export function upstreamError({ shape, status, id }: UpstreamErrorOptions): DialectAnswer {
  const title = STATUS_CODES[status] ?? 'Error'
  const text = `The upstream answered with status ${status}; its words are withheld (decision ${id})`
  if (shape === 's3') return s3(status, text, id)
  return {
    type: jsonType(shape),
    body: JSON.stringify(documentOf({ shape, status, id }, title, text)),
  }
}

function jsonType(shape: ErrorShape): string {
  return shape === 'problem' ? 'application/problem+json' : 'application/json'
}

function documentOf(
  { shape, status, id }: UpstreamErrorOptions,
  title: string,
  text: string,
): object {
  if (shape === 'openai') {
    const type = status >= 500 ? 'server_error' : 'invalid_request_error'
    const kept = status === 429 ? 'rate_limit_error' : type
    return {
      error: { message: text, type: kept, param: null, code: 'upstream_error', decision_id: id },
    }
  }
  if (shape === 'oci') {
    const code = OCI_CODES.get(status) ?? 'UNKNOWN'
    return { errors: [{ code, message: text, detail: { decision_id: id } }] }
  }
  return { type: 'about:blank', title, status, detail: text, decision_id: id, error: text }
}

const OCI_CODES: ReadonlyMap<number, string> = new Map([
  [401, 'UNAUTHORIZED'],
  [403, 'DENIED'],
  [404, 'NAME_UNKNOWN'],
  [405, 'UNSUPPORTED'],
  [429, 'TOOMANYREQUESTS'],
])

/** The codes that clients of S3 tell failures by. */
const S3_CODES: ReadonlyMap<number, string> = new Map([
  [403, 'AccessDenied'],
  [404, 'NoSuchKey'],
  [405, 'MethodNotAllowed'],
  [409, 'OperationAborted'],
  [412, 'PreconditionFailed'],
  [429, 'SlowDown'],
  [500, 'InternalError'],
  [501, 'NotImplemented'],
  [503, 'SlowDown'],
])

function s3(status: number, text: string, id: string): DialectAnswer {
  const code = S3_CODES.get(status) ?? (status >= 500 ? 'InternalError' : 'InvalidRequest')
  const body =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${text}</Message><RequestId>${id}</RequestId></Error>`
  return { type: 'application/xml', body }
}
