/** The claims of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6). */
import { LOGOUT_EVENT, type SecurityEventToken } from '../../domain/security-event.ts'
import { claim, type Claims } from '../claim-checks.ts'
import { isDate, readCommon } from './common-claims.ts'
import { fault, isSetFault, type SetFault } from './faults.ts'
import type { Transmitter } from './transmitter.ts'

/**
 * Reads verified claims. A `nonce` would make it an ID token and is refused (§2.4); `exp` must be
 * there. `sub` and `sid` become the subject, as a complex one has user and session.
 */
export function readLogout(
  claims: Claims,
  by: Pick<Transmitter, 'name' | 'issuer' | 'audiences' | 'skewMs'>,
  nowMs: number,
): SecurityEventToken | SetFault {
  if (Object.hasOwn(claims, 'nonce')) return fault('invalid_request', 'nonce must not be there')
  const common = readCommon(claims, by.audiences, { nowMs, skewMs: by.skewMs })
  if (isSetFault(common)) return common
  const exp = claim(claims, 'exp')
  if (!isDate(exp)) return fault('invalid_request', 'exp is missing or malformed')
  if (exp * 1_000 + by.skewMs <= nowMs) return fault('invalid_request', 'the token has expired')
  const events = common.events.filter(({ type }) => type === LOGOUT_EVENT)
  if (events.length === 0) return fault('invalid_request', 'this is no logout event')
  const [sub, sid] = [claim(claims, 'sub'), claim(claims, 'sid')]
  if (![sub, sid].every((one) => one === undefined || typeof one === 'string')) {
    return fault('invalid_request', 'sub or sid is malformed')
  }
  if (sub === undefined && sid === undefined) {
    return fault('invalid_request', 'neither sub nor sid is there')
  }
  const user = sub === undefined ? {} : { user: { format: 'iss_sub', iss: by.issuer, sub } }
  const session = sid === undefined ? {} : { session: { format: 'opaque', id: sid } }
  return {
    ...common,
    issuer: by.name,
    // What the event says of its subject is for the specification to say, and it says nothing.
    events: [{ type: LOGOUT_EVENT, payload: {} }],
    subject: { format: 'complex', ...user, ...session },
  }
}
