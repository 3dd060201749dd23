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
 */
export const OBLIGATION_TYPES = [
  'parameter.cap',
  'parameter.strip',
  'parameter.refuse',
  'response.bytes',
  'response.redact',
] as const

/** One of {@link OBLIGATION_TYPES}. */
export type ObligationType = (typeof OBLIGATION_TYPES)[number]
