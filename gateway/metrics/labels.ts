/** Values that metric labels can take: closed lists and names from the config (I25). */
import { REASONS, REASON_CODES, type Reason, type Stage } from '../domain/reasons.ts'
import { OBLIGATION_TYPES } from '../domain/obligations.ts'
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
  'outcome',
  'protocol.rejected',
  'policy.changed',
  'policy.refused',
  'policy.rolled_back',
  'policy.pinned',
  'policy.unpinned',
  'admin',
  'jwks.changed',
] as const

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
    result: [...AUTHN_RESULTS, ...CACHE_RESULTS, ...OUTCOMES, ...OBLIGATION_RESULTS],
    type: [...RECORD_TYPES, ...OBLIGATION_TYPES],
    code_class: CODE_CLASSES,
    kind: reasonsOf('guard'),
    code: CLIENT_ERROR_CODES,
  }
  return new Map(Object.entries(lists).map(([label, values]) => [label, new Set(values)]))
}

/** An action as a label. */
export type ActionLabel = Action | typeof NONE
