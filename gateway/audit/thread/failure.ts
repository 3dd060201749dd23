/** Failures on their way from one thread to the other, which copies data and no errors. */
import { GatewayError, type ErrorCode } from '../../domain/errors.ts'
import { asError } from '../files/file-ops.ts'
import type { Failure } from './messages.ts'

/** A failure as data, for the other thread. */
export function failureOf(thrown: unknown): Failure {
  const { message } = asError(thrown)
  return thrown instanceof GatewayError
    ? { message, publicMessage: thrown.publicMessage }
    : { message }
}

/** What the other thread told of, as an error again. */
export function errorOf(
  { message, publicMessage }: Failure,
  code: ErrorCode = 'ERR_AUDIT_UNAVAILABLE',
): GatewayError {
  return new GatewayError(code, message, publicMessage === undefined ? {} : { publicMessage })
}
