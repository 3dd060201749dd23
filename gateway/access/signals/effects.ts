/** What each kind of event does: the whole of the mapping, as a table (CAEP 1.0, RISC 1.0, SSF 1.0). */
import { LOGOUT_EVENT, type SecurityEvent } from '../../domain/security-event.ts'
import { own } from './subjects.ts'

/** CAEP events begin with it. */
export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/'
/** RISC events begin with it. */
export const RISC = 'https://schemas.openid.net/secevent/risc/event-type/'
/** Events of the stream itself begin with it. */
export const SSF = 'https://schemas.openid.net/secevent/ssf/event-type/'

/**
 * - `end-sessions`: the login that is named, or every token issued until then.
 * - `end-tokens`: every token issued until then; the caller signs in again.
 * - `lock-account`, `free-account`: until an operator, or the issuer, says otherwise.
 * - `lock-device`, `free-device`; `lock-risk` (for a while), `free-risk`.
 * - `note`: asks for nothing that is done here, and is known not to.
 * - `unknown`: nobody here knows what it asks for.
 */
export type SignalEffect =
  | 'end-sessions'
  | 'end-tokens'
  | 'lock-account'
  | 'free-account'
  | 'lock-device'
  | 'free-device'
  | 'lock-risk'
  | 'free-risk'
  | 'note'
  | 'unknown'

type Payload = SecurityEvent['payload']

const always = (effect: SignalEffect) => (): SignalEffect => effect

const EFFECTS: ReadonlyMap<string, (payload: Payload) => SignalEffect> = new Map([
  [LOGOUT_EVENT, always('end-sessions')],
  [`${CAEP}session-revoked`, always('end-sessions')],
  [`${CAEP}token-claims-change`, always('end-tokens')],
  [`${CAEP}credential-change`, credentialChange],
  [`${CAEP}assurance-level-change`, assuranceChange],
  [`${CAEP}device-compliance-change`, complianceChange],
  [`${CAEP}risk-level-change`, riskChange],
  [`${CAEP}session-established`, always('note')],
  [`${CAEP}session-presented`, always('note')],
  [`${RISC}account-disabled`, always('lock-account')],
  [`${RISC}account-purged`, always('lock-account')],
  [`${RISC}identifier-changed`, always('lock-account')],
  [`${RISC}identifier-recycled`, always('lock-account')],
  [`${RISC}account-enabled`, always('free-account')],
  [`${RISC}account-credential-change-required`, always('end-tokens')],
  [`${RISC}credential-compromise`, always('end-tokens')],
  [`${RISC}sessions-revoked`, always('end-tokens')],
  [`${RISC}recovery-activated`, always('note')],
  [`${RISC}recovery-information-changed`, always('note')],
  [`${RISC}opt-in`, always('note')],
  [`${RISC}opt-out-initiated`, always('note')],
  [`${RISC}opt-out-cancelled`, always('note')],
  [`${RISC}opt-out-effective`, always('note')],
  [`${SSF}verification`, always('note')],
  [`${SSF}stream-updated`, always('note')],
])

/** Events of this URI that are known here. */
export const KNOWN_EVENTS: readonly string[] = [...EFFECTS.keys()]

/** What `event` asks for. A value that no specification knows counts as the worse one. */
export function effectOf({ type, payload }: SecurityEvent): SignalEffect {
  return EFFECTS.get(type)?.(payload) ?? 'unknown'
}

/** A credential that was added takes nothing away from the others. */
function credentialChange(payload: Payload): SignalEffect {
  return own(payload, 'change_type') === 'create' ? 'note' : 'end-tokens'
}

function assuranceChange(payload: Payload): SignalEffect {
  return own(payload, 'change_direction') === 'increase' ? 'note' : 'end-tokens'
}

function complianceChange(payload: Payload): SignalEffect {
  return own(payload, 'current_status') === 'compliant' ? 'free-device' : 'lock-device'
}

function riskChange(payload: Payload): SignalEffect {
  const level = own(payload, 'current_level')
  return level === 'LOW' || level === 'MEDIUM' ? 'free-risk' : 'lock-risk'
}
