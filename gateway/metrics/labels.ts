/** Values that metric labels can take: closed lists and names from the config (I25). */
import { REASONS, REASON_CODES, type Reason, type Stage } from '../domain/reasons.ts'
import { CHANGING_TREATMENTS } from '../domain/data-classes.ts'
import { BUDGET_UNITS, OBLIGATION_TYPES } from '../domain/obligations.ts'
import { EXTRACTION_RULES, INCIDENT_KINDS } from '../domain/incidents.ts'
import { STORE_OPERATIONS } from '../domain/shared-state.ts'
import { ACTIONS, type Action, type Effect } from '../domain/vocabulary.ts'

/** Written where a label does not apply: no upstream was found, no action was worked out. */
export const NONE = 'none'

/** Written in place of a value that is on no list. */
export const UNKNOWN = 'unknown'

/** The decision, or that none was made. */
export const EFFECTS = [
  'permit',
  'deny',
  'not-applicable',
  'indeterminate',
] as const satisfies readonly Effect[]

/** Result of verifying credentials; `unavailable`: the keys could not be had. */
export const AUTHN_RESULTS = ['accepted', 'refused', 'unavailable'] as const
/** One of {@link AUTHN_RESULTS}. */
export type AuthnResult = (typeof AUTHN_RESULTS)[number]

/** Whether a verified token was still known; `negative`: it was known to be bad. */
export const CACHE_RESULTS = ['hit', 'miss', 'negative'] as const
/** One of {@link CACHE_RESULTS}. */
export type CacheResult = (typeof CACHE_RESULTS)[number]

/** Why an error answer of an upstream was replaced. */
export const REPLACED_WHYS = ['status', 'type', 'size', 'text'] as const
/** One of {@link REPLACED_WHYS}. */
export type ReplacedWhy = (typeof REPLACED_WHYS)[number]

/** What was masked in an answer. */
export const MASKED_KINDS = ['signature', 'storage', 'token'] as const
/** One of {@link MASKED_KINDS}. */
export type MaskedKind = (typeof MASKED_KINDS)[number]

/** What a lock did: requests are refused from now on, or open streams were ended. */
export const ENFORCEMENTS = ['refusal', 'stream'] as const
/** One of {@link ENFORCEMENTS}. */
export type Enforcement = (typeof ENFORCEMENTS)[number]

/** How an attempt ended. */
export const OUTCOMES = ['success', 'failure'] as const
/** One of {@link OUTCOMES}. */
export type Outcome = (typeof OUTCOMES)[number]

/** What came of a duty: there was nothing to change, something was changed, or it was refused. */
export const OBLIGATION_RESULTS = ['unchanged', 'changed', 'refused'] as const
/** One of {@link OBLIGATION_RESULTS}. */
export type ObligationResult = (typeof OBLIGATION_RESULTS)[number]

/** Types of ledger records that are counted by name; the others count as `unknown`. */
export const RECORD_TYPES = [
  'decision',
  'decision.more',
  'decision.refused',
  'outcome',
  'incident',
  'lock.enforced',
  'signal.refused',
  'export',
  'provenance',
  'registration',
  'protocol.rejected',
  'policy.changed',
  'policy.refused',
  'policy.rolled_back',
  'policy.pinned',
  'policy.unpinned',
  'admin',
  'access',
  'jwks.changed',
  'sink.dropped',
  'witness.cosigned',
  'witness.disputed',
  'personal.erased',
  'heartbeat',
  'clock.step',
  'key.rotate',
  'manifest',
  'log.opened',
  'log.closed',
  'log.recovered',
  'log.degraded',
  'log.pruned',
  'log.gap.accepted',
] as const

/** How an export ended: to the end of the file, of the part asked for, before it, or as another file. */
export const EXPORT_RESULTS = ['whole', 'part', 'broken', 'mismatch'] as const
/** One of {@link EXPORT_RESULTS}. */
export type ExportResult = (typeof EXPORT_RESULTS)[number]

/** What came of putting a checkpoint to a witness. */
export const WITNESS_RESULTS = [
  'cosigned',
  'ahead',
  'forked',
  'refused',
  'invalid',
  'unreachable',
] as const
/** One of {@link WITNESS_RESULTS}. */
export type WitnessResult = (typeof WITNESS_RESULTS)[number]

/** What came of a token that an identity provider pushed. */
export const SIGNAL_RESULTS = [
  'applied',
  'noted',
  'not-applicable',
  'repeated',
  'refused',
  'unavailable',
] as const
/** One of {@link SIGNAL_RESULTS}. */
export type SignalResult = (typeof SIGNAL_RESULTS)[number]

/** Why a token of an identity provider was refused: codes of RFC 8935 §2.4. */
export const SIGNAL_FAULTS = [
  'invalid_request',
  'invalid_key',
  'invalid_issuer',
  'invalid_audience',
  'authentication_failed',
  'access_denied',
] as const
/** One of {@link SIGNAL_FAULTS}. */
export type SignalFaultLabel = (typeof SIGNAL_FAULTS)[number]

/** What came of an attempt to deliver an event, and `dropped`: it was given up. */
export const WEBHOOK_RESULTS = ['delivered', 'failed', 'dropped'] as const
/** One of {@link WEBHOOK_RESULTS}. */
export type WebhookResult = (typeof WEBHOOK_RESULTS)[number]

/** What budgets count. */
export const BUDGET_LABELS = [...BUDGET_UNITS, 'streams'] as const
/** One of {@link BUDGET_LABELS}. */
export type BudgetLabel = (typeof BUDGET_LABELS)[number]

/** Classes of HTTP status. */
export const CODE_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', NONE] as const
/** One of {@link CODE_CLASSES}. */
export type CodeClass = (typeof CODE_CLASSES)[number]

const STATUS_CLASSES: readonly CodeClass[] = [NONE, '1xx', '2xx', '3xx', '4xx', '5xx']

/** The class of an HTTP status; 0 (none sent) and anything else out of range is `none`. */
export function codeClass(status: number): CodeClass {
  return STATUS_CLASSES[Math.floor(status / 100)] ?? NONE
}

/** Errors of client connections (`clientError` of Node, parser codes of llhttp). */
export const CLIENT_ERROR_CODES = [
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_HTTP_REQUEST_TIMEOUT',
  'ERR_PIPELINE_TOO_LONG',
  'ERR_UPGRADE_PIPELINED',
  'ERR_HTTP2_CONTROL_FLOOD',
  'ERR_HTTP2_ERROR',
  'ERR_HTTP2_RAPID_RESET',
  'ERR_HTTP2_SESSION_ERROR',
  'ERR_HTTP2_TOO_MANY_INVALID_FRAMES',
  'HPE_CB_HEADERS_COMPLETE',
  'HPE_CHUNK_EXTENSIONS_OVERFLOW',
  'HPE_CLOSED_CONNECTION',
  'HPE_HEADER_OVERFLOW',
  'HPE_INVALID_CHUNK_SIZE',
  'HPE_INVALID_CONSTANT',
  'HPE_INVALID_CONTENT_LENGTH',
  'HPE_INVALID_EOF_STATE',
  'HPE_INVALID_HEADER_TOKEN',
  'HPE_INVALID_METHOD',
  'HPE_INVALID_TRANSFER_ENCODING',
  'HPE_INVALID_URL',
  'HPE_INVALID_VERSION',
  'HPE_LF_EXPECTED',
  'HPE_PAUSED_H2_UPGRADE',
  'HPE_STRICT',
  'HPE_UNEXPECTED_CONTENT_LENGTH',
] as const

/** Reasons that belong to one stage. */
export function reasonsOf(stage: Stage): readonly Reason[] {
  return REASON_CODES.filter((reason) => REASONS[reason].stage === stage)
}

/** Every value of every label, for one configuration. */
export function labelValues(config: {
  readonly upstreams: readonly string[]
  readonly issuers: readonly string[]
}): ReadonlyMap<string, Set<string>> {
  const stages = REASON_CODES.map((reason) => REASONS[reason].stage)
  const lists: Record<string, readonly string[]> = {
    decision: EFFECTS,
    enforced: EFFECTS,
    shadow: EFFECTS,
    reason: [...REASON_CODES, NONE],
    action: [...ACTIONS, NONE],
    upstream: [...config.upstreams, NONE],
    issuer: [...config.issuers, NONE],
    stage: [...stages, 'gather'],
    result: [
      ...AUTHN_RESULTS,
      ...CACHE_RESULTS,
      ...OUTCOMES,
      ...OBLIGATION_RESULTS,
      ...EXPORT_RESULTS,
      ...WITNESS_RESULTS,
      ...SIGNAL_RESULTS,
      ...WEBHOOK_RESULTS,
    ],
    type: [...RECORD_TYPES, ...OBLIGATION_TYPES],
    code_class: CODE_CLASSES,
    kind: [...reasonsOf('guard'), ...INCIDENT_KINDS, ...MASKED_KINDS, ...ENFORCEMENTS],
    why: REPLACED_WHYS,
    rule: EXTRACTION_RULES,
    code: CLIENT_ERROR_CODES,
    fault: SIGNAL_FAULTS,
    limit: [],
    sink: [],
    witness: [],
    webhook: [],
    unit: BUDGET_LABELS,
    operation: STORE_OPERATIONS,
    treatment: CHANGING_TREATMENTS,
  }
  return new Map(Object.entries(lists).map(([label, values]) => [label, new Set(values)]))
}

/** An action as a label. */
export type ActionLabel = Action | typeof NONE
