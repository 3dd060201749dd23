/** The claims of a Security Event Token (RFC 8417 §2.2, as the Shared Signals Framework narrows it). */
import type { SecurityEventToken } from '../../domain/security-event.ts'
import { claim, type Claims } from '../claim-checks.ts'
import { isDate, readCommon } from './common-claims.ts'
import { fault, isSetFault, type SetFault } from './faults.ts'
import type { Transmitter } from './transmitter.ts'

/**
 * Reads verified claims. `exp` and a `sub` at the top would make it an access token to somebody who
 * does not look closely (RFC 8725 §3.11), and are refused.
 */
export function readSet(
  claims: Claims,
  by: Pick<Transmitter, 'name' | 'audiences' | 'skewMs'>,
  nowMs: number,
): SecurityEventToken | SetFault {
  for (const name of ['exp', 'sub'] as const) {
    if (Object.hasOwn(claims, name)) return fault('invalid_request', `${name} must not be there`)
  }
  const common = readCommon(claims, by.audiences, { nowMs, skewMs: by.skewMs })
  if (isSetFault(common)) return common
  const toe = claim(claims, 'toe')
  if (toe !== undefined && !isDate(toe)) return fault('invalid_request', 'toe is malformed')
  return {
    ...common,
    issuer: by.name,
    subject: claim(claims, 'sub_id'),
    ...(toe === undefined ? {} : { occurredAt: toe * 1_000 }),
  }
}
