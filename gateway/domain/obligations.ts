/**
 * The obligations this version can put on a permit and discharge. Whoever meets a type that is not
 * in this table refuses (XACML 3.0 §7.18): a permit with a duty left undone is not the permit the
 * policy gave.
 *
 * | type | parameters |
 * | --- | --- |
 * | `parameter.cap` | `parameter`: canonical name; `max`: number; `add`: write `max` when absent |
 * | `parameter.strip` | `parameter`: the field is removed from the request |
 * | `parameter.refuse` | `parameter`: the request is refused when it has the field |
 * | `response.bytes` | `max`: bytes of response body that may pass |
 * | `response.redact` | `fields`: names of JSON fields that must not leave |
 * | `response.classes` | `treatments`: `class=treatment` for fields tagged in `resources.yaml` |
 * | `parameter.apart` | `names`: parameters that one request must not have together |
 * | `budget.amount` | `limit`, `per`, `unit`, `window`, `max`: what may be used up in a window |
 * | `budget.streams` | `limit`, `per`, `max`: answers under way at once |
 * | `watch.extraction` | `limit`, `window_ms` and thresholds: what counts as taking a model apart |
 * | `incident.lock` | `ms`: how long the caller is kept out after an incident |
 */
export const OBLIGATION_TYPES = [
  'parameter.cap',
  'parameter.strip',
  'parameter.refuse',
  'response.bytes',
  'response.redact',
  'response.classes',
  'parameter.apart',
  'budget.amount',
  'budget.streams',
  'watch.extraction',
  'incident.lock',
] as const

/** One of {@link OBLIGATION_TYPES}. */
export type ObligationType = (typeof OBLIGATION_TYPES)[number]

/** Whose use is counted together. `grant` is the grant that the request makes use of. */
export const BUDGET_SCOPES = ['subject', 'model', 'subject-model', 'grant'] as const

/** One of {@link BUDGET_SCOPES}. */
export type BudgetScope = (typeof BUDGET_SCOPES)[number]

/** What is counted: body bytes towards the caller, requests, tokens and vectors as answers report. */
export const BUDGET_UNITS = ['bytes', 'requests', 'tokens', 'vectors'] as const

/** One of {@link BUDGET_UNITS}. */
export type BudgetUnit = (typeof BUDGET_UNITS)[number]

/** Lengths of windows in milliseconds; `request` is one answer. */
export const BUDGET_WINDOWS = {
  request: 0,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
} as const

/** One of {@link BUDGET_WINDOWS}. */
export type BudgetWindow = keyof typeof BUDGET_WINDOWS
