/**
 * Every reason a request can be refused for: one closed table. The code is the stable name that
 * operators grep for, that metrics carry as a label and that records keep. Texts are constants, so
 * that nothing of a request can be reflected through them (I16, I24, I25).
 */

/** Which stage of design §4 speaks. */
export type Stage =
  | 'admit'
  | 'authenticate'
  | 'classify'
  | 'gather'
  | 'decide'
  | 'budget'
  | 'record'
  | 'oblige'
  | 'forward'
  | 'guard'
  | 'settle'

/** What the table says of one reason. */
export interface ReasonEntry {
  /** HTTP status sent when nothing has been sent yet. */
  readonly status: number
  readonly stage: Stage
  /** Short title, RFC 9457 §3.1.3; the same for every occurrence. */
  readonly title: string
  /** What the caller can do about it, one sentence. */
  readonly remedy: string
}

const row = (status: number, stage: Stage, title: string, remedy: string): ReasonEntry => ({
  status,
  stage,
  title,
  remedy,
})

/** The closed table. Codes never change meaning; new ones are added at the end of their stage. */
// One row per reason reads as a table; the formatter would break the rows.
// prettier-ignore
export const REASONS = {
  // admit
  target_invalid: row(400, 'admit', 'The request target is malformed or ambiguous', 'Send an origin-form path without dot segments, empty segments, backslashes, semicolons, fragments, double or needless percent-encoding.'),
  target_too_long: row(414, 'admit', 'The request target is too long', 'Shorten the path or the query.'),
  host_invalid: row(400, 'admit', 'The Host header is missing, repeated or malformed', 'Send exactly one Host header of the form name or name:port.'),
  method_unknown: row(405, 'admit', 'The method is not one this gateway knows', 'Use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.'),
  framing_invalid: row(400, 'admit', 'The message framing is malformed or ambiguous', 'Send HTTP/1.1 with one Content-Length or one Transfer-Encoding: chunked, not both.'),
  length_required: row(411, 'admit', 'The body has no declared length', 'Send Content-Length, or HTTP/1.1 with Transfer-Encoding: chunked.'),
  header_invalid: row(400, 'admit', 'A header is malformed, repeated or not allowed', 'Send each header once, with a name of letters, digits and hyphens, and without method overrides.'),
  headers_too_large: row(431, 'admit', 'There are too many header fields or they are too large', 'Send fewer or smaller headers.'),
  body_too_large: row(413, 'admit', 'The body is larger than this gateway accepts', 'Send a smaller body.'),
  expectation_failed: row(417, 'admit', 'The Expect header cannot be met', 'Send Expect: 100-continue with a body, or no Expect header.'),
  forwarded_invalid: row(400, 'admit', 'A forwarding or posture header from a trusted hop is ambiguous', 'Have the trusted proxy send each forwarding header once and well formed.'),
  upgrade_invalid: row(400, 'admit', 'The protocol upgrade is not one this gateway carries', 'Only a WebSocket upgrade (RFC 6455, version 13) on a route that allows it is carried.'),
  request_timeout: row(408, 'admit', 'The request did not arrive in time', 'Send the request without pausing.'),
  overloaded: row(503, 'admit', 'The gateway is at its limit of concurrent requests', 'Try again later.'),
  draining: row(503, 'admit', 'The gateway is shutting down', 'Try again; another replica will answer.'),
  // authenticate
  authn_missing: row(401, 'authenticate', 'No credentials were sent', 'Send Authorization: Bearer with a token from an accepted issuer.'),
  authn_malformed: row(401, 'authenticate', 'The credentials are malformed', 'Send one compact JWS as Authorization: Bearer <token>, nothing else.'),
  authn_query_token: row(400, 'authenticate', 'A token was sent in the query', 'Send the token only in the Authorization header (RFC 6750 §2).'),
  authn_token_too_long: row(401, 'authenticate', 'The token is too long', 'Ask the issuer for a smaller token.'),
  authn_issuer: row(401, 'authenticate', 'The token is from an issuer that is not accepted here', 'Use a token from an accepted issuer.'),
  authn_algorithm: row(401, 'authenticate', 'The token is signed with an algorithm that is not accepted', 'Use a token signed with an accepted asymmetric algorithm.'),
  authn_signature: row(401, 'authenticate', 'The token signature does not verify', 'Get a new token.'),
  authn_key_unknown: row(401, 'authenticate', 'The token is signed with a key the issuer does not publish', 'Get a new token.'),
  authn_type: row(401, 'authenticate', 'The token is of the wrong type', 'Use an access token, not an ID token or a logout token.'),
  authn_audience: row(401, 'authenticate', 'The token is not meant for this gateway', 'Ask the issuer for a token with the right audience.'),
  authn_claims: row(401, 'authenticate', 'A required claim is missing or malformed', 'Ask the issuer for a token with the required claims.'),
  authn_expired: row(401, 'authenticate', 'The token has expired', 'Get a new token.'),
  authn_not_yet_valid: row(401, 'authenticate', 'The token is not valid yet', 'Check the clocks and try again.'),
  authn_lifetime: row(401, 'authenticate', 'The token lives longer than this gateway accepts', 'Ask the issuer for a short-lived token.'),
  authn_binding: row(401, 'authenticate', 'The token is bound to a key that was not proven', 'This token is sender-constrained and cannot be used as a plain bearer token here.'),
  authn_keys_unavailable: row(503, 'authenticate', 'The keys of the issuer are not available', 'Try again later; the operator has been alerted.'),
  // classify
  upstream_unknown: row(403, 'classify', 'No upstream is configured for this host and path', 'Check the base URL.'),
  unclassified: row(403, 'classify', 'No route is known for this method and path', 'Only mapped routes are served. Ask the operator to add the route if it is needed.'),
  method_not_allowed: row(405, 'classify', 'The route exists but not with this method', 'Use a method the route allows.'),
  body_unparsable: row(400, 'classify', 'The body decides this request and cannot be read', 'Send one well-formed UTF-8 JSON object without repeated keys.'),
  body_over_peek: row(413, 'classify', 'The body decides this request and is too large to read', 'Send a smaller body, with the model field first.'),
  body_encoding: row(415, 'classify', 'The body has a media type or content coding that cannot be read', 'Send application/json without Content-Encoding.'),
  body_unexpected: row(400, 'classify', 'This request must not carry a body', 'Send the request without a body.'),
  model_missing: row(400, 'classify', 'The request does not name a model', 'Name the model where this route expects it.'),
  model_invalid: row(400, 'classify', 'The name of a model or version is malformed', 'Use letters, digits and . _ - / : in names.'),
  model_conflict: row(400, 'classify', 'The request names different models in different places', 'Name one model.'),
  // gather
  posture_invalid: row(400, 'gather', 'The assertion of device posture does not hold', 'Send a current posture assertion that was made for you, or none.'),
  locked_out: row(403, 'gather', 'The caller is kept out after an incident', 'Ask the operator; the incident is named in the record of this decision.'),
  locked: row(403, 'gather', 'Access is locked', 'Ask the operator; the lock is named in the record of this decision.'),
  state_unavailable: row(503, 'gather', 'What the replicas share cannot be read', 'Try again later; the operator has been alerted.'),
  // decide
  denied_by_rule: row(403, 'decide', 'A rule denies this', 'Ask the owner of the resource; the deciding rule is named in the record of this decision.'),
  no_rule: row(403, 'decide', 'No rule allows this', 'Ask the owner of the resource for the permission.'),
  condition_failed: row(403, 'decide', 'A rule would allow this, but its conditions are not met', 'Meet the conditions that are named, then try again.'),
  step_up_required: row(401, 'decide', 'Stronger or fresher authentication is needed', 'Authenticate again with a second factor, then try again.'),
  privilege_revoked: row(403, 'decide', 'The privilege was taken away in a review', 'Ask the owner of the resource for it; the review is named.'),
  version_restricted: row(403, 'decide', 'The version came of a retraining and is not released', 'Ask the owner of the model to release it.'),
  indeterminate: row(403, 'decide', 'The decision could not be made', 'Try again; if it persists, tell the operator the decision id.'),
  // budget
  budget_exhausted: row(429, 'budget', 'A budget is used up', 'Wait for the time that Retry-After names, or ask the operator to raise the budget that is named.'),
  // record
  audit_unavailable: row(503, 'record', 'The decision could not be recorded', 'Try again later; nothing was forwarded.'),
  // oblige
  obligation_unknown: row(403, 'oblige', 'The decision carries an obligation this gateway cannot discharge', 'Tell the operator the decision id.'),
  parameter_refused: row(403, 'oblige', 'A parameter of the request is not allowed here', 'Leave the parameter out, or send it as a plain number within the limit that is named.'),
  export_unbound: row(403, 'oblige', 'The export is not of what was granted', 'Ask for the resource, version and digest that the grant names.'),
  grant_mismatch: row(403, 'oblige', 'The request is not what was granted', 'Send exactly what the grant names, or ask for another grant.'),
  training_refused: row(403, 'oblige', 'What would be trained with, or where, is not allowed', 'Use registered datasets that are allowed for training, and an upstream of the training zone.'),
  grant_spent: row(403, 'oblige', 'The grant is used up', 'Ask for a new grant, or name another of yours in `x-modelgate-grant`.'),
  grant_in_use: row(409, 'oblige', 'The grant is in use by another transfer', 'Wait until the other transfer ends.'),
  // forward
  upstream_connect: row(502, 'forward', 'The upstream cannot be reached', 'Try again later.'),
  upstream_timeout: row(504, 'forward', 'The upstream did not answer in time', 'Try again later.'),
  upstream_reset: row(502, 'forward', 'The upstream broke off', 'Try again later.'),
  upstream_invalid: row(502, 'forward', 'The upstream answered with something that is not valid HTTP', 'Tell the operator the decision id.'),
  upstream_busy: row(503, 'forward', 'Too many requests are waiting for the upstream', 'Try again later.'),
  client_gone: row(499, 'forward', 'The client went away', 'None.'),
  request_body_aborted: row(400, 'forward', 'The request body broke off', 'Send the whole body.'),
  // guard
  weights_detected: row(502, 'guard', 'The response looks like model weights', 'This caller may not export the model. Ask for the export permission if it is needed.'),
  response_blocked: row(502, 'guard', 'The response would hand out the model by another way', 'This caller may not export the model. Ask for the export permission if it is needed.'),
  response_over_limit: row(502, 'guard', 'The response is longer than it may be', 'Ask for less, or ask the operator to raise the limit.'),
  response_unredactable: row(502, 'guard', 'The response holds what must not leave and cannot be edited', 'Tell the operator the decision id; only JSON, NDJSON and event streams can be redacted.'),
  response_unfilterable: row(502, 'guard', 'The response lists models in a way that cannot be filtered', 'Ask for the model by its name, or tell the operator the decision id.'),
  grant_ended: row(502, 'guard', 'The grant ended during the transfer', 'Ask for a new grant; a transfer that was begun can be resumed under it.'),
  digest_mismatch: row(502, 'guard', 'What was exported is not what was granted', 'Tell the operator the decision id.'),
  extraction_suspected: row(403, 'guard', 'The requests look like taking the model apart', 'Ask the operator; the evidence is in the record of the incident.'),
  // any
  internal: row(500, 'settle', 'The gateway failed', 'Tell the operator the decision id.'),
} as const satisfies Record<string, ReasonEntry>

/** A stable reason code. */
export type Reason = keyof typeof REASONS

/** All codes, for initialising metric label values and for the generated reference. */
export const REASON_CODES = Object.keys(REASONS) as readonly Reason[]
