/** The numbers of OCSF 1.8.0 for what a gateway decides: enums of `security_control` and severities. */

/** How an OCSF event says what was done about a request. */
export interface Disposition {
  readonly action_id: number
  readonly action: string
  readonly disposition_id: number
  readonly disposition: string
  readonly status_id: number
  readonly status: string
  readonly severity_id: number
  readonly severity: string
}

/** `status_id` 1. */
export const SUCCESS = { status_id: 1, status: 'Success' }
/** `status_id` 2. */
export const FAILURE = { status_id: 2, status: 'Failure' }
const ALLOWED = { action_id: 1, action: 'Allowed' }
const DENIED = { action_id: 2, action: 'Denied' }
const OBSERVED = { action_id: 3, action: 'Observed' }

/** `severity_id` 1. */
export const INFORMATIONAL = { severity_id: 1, severity: 'Informational' }
const LOW = { severity_id: 2, severity: 'Low' }
const MEDIUM = { severity_id: 3, severity: 'Medium' }
/** `severity_id` 4. */
export const HIGH = { severity_id: 4, severity: 'High' }

const ALLOW: Disposition = {
  ...ALLOWED,
  disposition_id: 1,
  disposition: 'Allowed',
  ...SUCCESS,
  ...INFORMATIONAL,
}
const denial = (
  disposition_id: number,
  disposition: string,
  severity: typeof LOW = LOW,
): Disposition => ({ ...DENIED, disposition_id, disposition, ...FAILURE, ...severity })

const BLOCKED = denial(2, 'Blocked')
const GUARDED = denial(2, 'Blocked', HIGH)
const CHALLENGED = denial(23, 'Challenge')
const REVOKED = denial(24, 'Access Revoked', MEDIUM)
const REJECTED = denial(25, 'Rejected')
const UNAUTHORIZED = denial(26, 'Unauthorized')
const FAILED = denial(27, 'Error', MEDIUM)

const BY_REASON: ReadonlyMap<string, Disposition> = new Map([
  ['step_up_required', CHALLENGED],
  ['locked_out', REVOKED],
  ['grant_ended', REVOKED],
  ['grant_spent', REVOKED],
  ['budget_exhausted', REJECTED],
  ['overloaded', REJECTED],
  ['draining', REJECTED],
  ['grant_in_use', REJECTED],
  ['indeterminate', FAILED],
  ['internal', FAILED],
  ['audit_unavailable', FAILED],
  ['state_unavailable', FAILED],
  ['obligation_unknown', FAILED],
  ['authn_keys_unavailable', FAILED],
  ['weights_detected', GUARDED],
  ['response_blocked', GUARDED],
  ['digest_mismatch', GUARDED],
  ['extraction_suspected', GUARDED],
  ['response_over_limit', BLOCKED],
  ['response_unredactable', BLOCKED],
  ['response_unfilterable', BLOCKED],
])

/** What a decision was: `permit`, or a refusal for `reason`, found in `stage`. */
export function decidedDisposition(
  effect: string | undefined,
  reason: string | undefined,
  stage: string | undefined,
): Disposition {
  if (effect === 'permit') return ALLOW
  const known = BY_REASON.get(reason ?? '')
  if (known !== undefined) return known
  if (reason?.startsWith('authn_') === true) return UNAUTHORIZED
  return stage === 'admit' ? REJECTED : BLOCKED
}

/** What became of a permitted request. */
export function outcomeDisposition(status: number, reason: string | undefined): Disposition {
  const guarded = BY_REASON.get(reason ?? '')
  if (guarded !== undefined) return guarded
  const went = status > 0 && status < 400 && reason === undefined ? SUCCESS : FAILURE
  const severity = status >= 500 || reason !== undefined ? LOW : INFORMATIONAL
  return { ...OBSERVED, disposition_id: 17, disposition: 'Logged', ...went, ...severity }
}

/** An incident: it was seen, and with a lock its caller is kept out. */
export function incidentDisposition(isLocked: boolean): Omit<Disposition, 'status' | 'status_id'> {
  return isLocked
    ? { ...DENIED, disposition_id: 24, disposition: 'Access Revoked', ...HIGH }
    : { ...OBSERVED, disposition_id: 19, disposition: 'Alert', ...HIGH }
}

/** `activity_id` of API Activity for each of the eight actions. */
export const API_ACTIVITY: Readonly<Record<string, readonly [number, string]>> = {
  read: [2, 'Read'],
  infer: [99, 'Infer'],
  export: [99, 'Export'],
  retrain: [3, 'Update'],
  deploy: [3, 'Update'],
  'data:read': [2, 'Read'],
  'data:write': [3, 'Update'],
  admin: [99, 'Administer'],
}
