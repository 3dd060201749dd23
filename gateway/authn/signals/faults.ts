/** Why a pushed token is turned away. */

/**
 * Codes of RFC 8935 §2.4, and `unavailable`: it cannot be judged now and should be sent again. The
 * description is for the transmitter, holds nothing of the token, and is ASCII.
 */
export interface SetFault {
  readonly err:
    | 'invalid_request'
    | 'invalid_key'
    | 'invalid_issuer'
    | 'invalid_audience'
    | 'authentication_failed'
    | 'access_denied'
    | 'unavailable'
  readonly description: string
  readonly retryAfterMs?: number
  /** Short name of the issuer that the token names, which it may not be of. */
  readonly issuer?: string
}

/** Makes a {@link SetFault}. */
export function fault(err: SetFault['err'], description: string): SetFault {
  return { err, description }
}

/** Narrows a result of this room to a fault. */
export function isSetFault(value: object): value is SetFault {
  return 'err' in value && 'description' in value
}
