import { GatewayError } from '../domain/errors.ts'

/** The failure of a store that did not answer. `why` must not hold secrets: it is logged. */
export function unavailable(why: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_STORE_UNAVAILABLE', `the store did not answer: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    publicMessage: 'The gateway cannot reach what its replicas share.',
  })
}
