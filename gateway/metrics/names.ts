/**
 * Every metric of the gateway: name, kind, help, labels, buckets. Names follow the Prometheus rules
 * (base units, `_total`, `_seconds`, `_bytes`); dashboards and alerts depend on them, so that a
 * name never changes its meaning.
 */

/** Starts every name. */
export const METRIC_PREFIX = 'modelgate_'

/** One metric family. */
export interface MetricEntry {
  /** With {@link METRIC_PREFIX}. */
  readonly name: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram, seconds. */
  readonly buckets?: readonly number[]
}

type Labels = readonly string[]

const counter = (name: string, help: string, labels: Labels = []): MetricEntry => ({
  name: METRIC_PREFIX + name,
  kind: 'counter',
  help,
  labels,
})

const gauge = (name: string, help: string, labels: Labels = []): MetricEntry => ({
  name: METRIC_PREFIX + name,
  kind: 'gauge',
  help,
  labels,
})

const histogram = (
  name: string,
  help: string,
  buckets: readonly number[],
  labels: Labels = [],
): MetricEntry => ({ name: METRIC_PREFIX + name, kind: 'histogram', help, labels, buckets })

/** Work inside the process: 5 µs to 1 s. */
// prettier-ignore
const FAST = [
  0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
  0.25, 1,
] as const

/** What takes hold on all replicas: 5 ms to 5 min, most of all about the second it may take. */
// prettier-ignore
const ENFORCED = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 15, 60, 300]

/** Whole exchanges with a model: 1 ms to 10 min. */
const SLOW = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120, 600]

/** All metrics, by the name code uses. */
// One entry per metric reads as a table; the formatter would break the rows.
// prettier-ignore
export const METRICS = {
  decisions: counter('decisions_total', 'Decisions made, by effect, reason, action and upstream.', ['decision', 'reason', 'action', 'upstream']),
  decisionDuration: histogram('decision_duration_seconds', 'Time the decision point took.', FAST, ['decision']),
  shadowDecisions: counter('shadow_decisions_total', 'Decisions also made as if the shadow rules were enforced, by both effects.', ['action', 'enforced', 'shadow']),
  refusals: counter('refusals_total', 'Requests refused, by the stage that refused and its reason.', ['stage', 'reason']),
  authn: counter('authn_total', 'Credentials judged, by result and issuer.', ['result', 'issuer']),
  authnDuration: histogram('authn_duration_seconds', 'Time to judge credentials.', FAST),
  tokenCache: counter('token_cache_total', 'Look-ups of verified tokens.', ['result']),
  jwksFetches: counter('jwks_fetch_total', 'Fetches of issuer keys.', ['issuer', 'result']),
  jwksLastSuccess: gauge('jwks_last_success_timestamp_seconds', 'When the keys of the issuer were last fetched.', ['issuer']),
  jwksKeys: gauge('jwks_keys', 'Usable keys of the issuer.', ['issuer']),
  policyReloads: counter('policy_reload_total', 'Attempts to load the rules.', ['result']),
  configReloadSuccessful: gauge('config_last_reload_successful', 'Whether the last attempt to load the rules succeeded (1) or not (0).'),
  configReloadTimestamp: gauge('config_last_reload_success_timestamp_seconds', 'When the rules were last loaded.'),
  policyInfo: gauge('policy_info', 'The policy revision in force; the value is 1.', ['revision']),
  rules: gauge('rules', 'Rules in force.'),
  policyPinned: gauge('policy_pinned', 'Whether a revision is pinned (1), so that the rule folder does not count, or not (0).'),
  routesLowered: gauge('policy_routes_lowered', 'Routes of the operator that ask for less than the packs they extend.'),
  historyErrors: counter('policy_history_errors_total', 'Accepted rule sets that could not be kept.'),
  streamsCut: counter('streams_cut_total', 'Exchanges ended because what permitted them does not hold any more.', ['reason']),
  auditRecords: counter('audit_records_total', 'Records written to the ledger.', ['type']),
  auditErrors: counter('audit_errors_total', 'Records that could not be written to the ledger.'),
  auditLastWrite: gauge('audit_last_write_timestamp_seconds', 'When the ledger was last written.'),
  auditWriteDuration: histogram('audit_write_duration_seconds', 'Time to write a batch of records.', FAST),
  auditCheckpointAge: gauge('audit_checkpoint_age_seconds', 'Time since a checkpoint of the ledger was last signed; 0 when nothing signs.'),
  auditWitnessedAge: gauge('audit_witnessed_age_seconds', 'Time since a witness last cosigned a checkpoint of the ledger; 0 without witnesses.'),
  auditTreeSize: gauge('audit_tree_size', 'Records that the last signed checkpoint covers.'),
  auditCheckpoints: counter('audit_checkpoints_total', 'Checkpoints that were signed.'),
  auditWitness: counter('audit_witness_total', 'Checkpoints put to witnesses, by witness and result; ahead and forked say that the ledger is not what it was.', ['witness', 'result']),
  auditSinkLag: gauge('audit_sink_lag_records', 'Records of the ledger that the sink has not sent.', ['sink']),
  auditSinkBlocking: gauge('audit_sink_blocking', 'Whether permits are refused because the sink is too far behind (1) or not (0).', ['sink']),
  auditSinkSent: counter('audit_sink_sent_total', 'Records that the sink has sent; some may be sent twice.', ['sink']),
  auditSinkErrors: counter('audit_sink_errors_total', 'Attempts of the sink that failed.', ['sink']),
  auditSinkDropped: counter('audit_sink_dropped_total', 'Records of the ledger that the sink has left out.', ['sink']),
  requestsInFlight: gauge('requests_in_flight', 'Requests being handled.'),
  requestDuration: histogram('request_duration_seconds', 'Time from the head of a request to the end of its response.', SLOW, ['upstream', 'action', 'code_class']),
  gatewayOverhead: histogram('gateway_overhead_seconds', 'Time the gateway itself added to a request.', FAST),
  upstreamDuration: histogram('upstream_request_duration_seconds', 'Time from forwarding a request to the head of its response.', SLOW, ['upstream', 'code_class']),
  upstreamErrors: counter('upstream_errors_total', 'Exchanges with an upstream that failed.', ['upstream', 'reason']),
  requestBytes: counter('request_bytes_total', 'Bytes of request bodies sent to the upstream.', ['upstream']),
  responseBytes: counter('response_bytes_total', 'Bytes of response bodies sent to clients.', ['upstream', 'action']),
  obligations: counter('obligations_total', 'Duties of permits, by type and what came of them.', ['type', 'result']),
  fieldsTreated: counter('fields_treated_total', 'Values of answers that were removed, masked, tokenised or generalised by their class.', ['treatment']),
  guardIncidents: counter('guard_incidents_total', 'Responses cut because of what they held.', ['upstream', 'kind']),
  exports: counter('exports_total', 'Exports that were begun, by how they ended.', ['result']),
  incidents: counter('incidents_total', 'Incidents, by kind and upstream: somebody should look at each.', ['kind', 'upstream']),
  extractionSuspected: counter('extraction_suspected_total', 'Times that the requests of a subject looked like taking a model apart, by the rule that found it.', ['rule']),
  extractionEvicted: counter('extraction_evicted_total', 'Subjects of which the detector dropped what it had counted, for want of room.'),
  lockouts: gauge('lockouts', 'Subjects that are kept out.'),
  lockoutsLastRead: gauge('lockouts_last_read_timestamp_seconds', 'When the list of lockouts was last read from the store.'),
  lockEnforcement: histogram('lock_enforcement_seconds', 'Time from the store taking a lock until it was enforced here: requests refused, or open streams ended.', ENFORCED, ['kind']),
  errorsReplaced: counter('error_answers_replaced_total', 'Error answers of upstreams replaced by the gateway\'s own, by why: their status, type, size or text.', ['upstream', 'why']),
  linksMasked: counter('links_masked_total', 'Links and credentials of stores masked in answers, by what was masked.', ['upstream', 'kind']),
  listingHidden: counter('listing_hidden_total', 'Elements of lists left out of answers, because the caller may not read them.', ['upstream']),
  storeUp: gauge('store_up', 'Whether the store of what replicas share answered the last ask (1) or not (0).'),
  storeErrors: counter('store_errors_total', 'Asks that the store did not answer, by what was asked.', ['operation']),
  storeDuration: histogram('store_seconds', 'Time of an ask of the store, by what was asked.', FAST, ['operation']),
  stateStaleness: gauge('state_staleness_seconds', 'Time since requests, grants, locks and reviews were last known to be up to date; +Inf before the first reading.'),
  stateSeq: gauge('state_seq', 'The last entry of the journal that is in force here.'),
  stateReplicas: gauge('state_replicas', 'Replicas that work with the journal.'),
  stateChars: gauge('state_characters', 'Size of the state of requests, grants, locks and reviews, as characters of its snapshot, which may have 67108864.'),
  journalRegressed: gauge('journal_regressed', 'Whether the journal has lost entries that were known (1), so that privileged actions are refused until somebody accepts it, or not (0).'),
  journalDamaged: gauge('journal_damaged', 'Whether the journal holds an entry that this version cannot understand (1), so that privileged actions are refused until a restart, or not (0).'),
  breakGlassOpenings: counter('break_glass_openings_total', 'Break-glass seals that were opened by way of this replica.'),
  breakGlassOpen: gauge('break_glass_open', 'Break-glass grants that are open and in force.'),
  breakGlassUnreviewed: gauge('break_glass_unreviewed', 'Break-glass grants that were opened and that nobody has reviewed.'),
  breakGlassOverdue: gauge('break_glass_reviews_overdue', 'Break-glass grants that were opened and whose review is overdue.'),
  accessRecordErrors: counter('access_record_errors_total', 'Entries of the journal that are in force and could not be recorded in the ledger.'),
  budgetUsed: counter('budget_used_total', 'What was used of budgets, by limit and unit.', ['limit', 'unit']),
  budgetRefusals: counter('budget_refusals_total', 'Requests refused and answers ended because a budget was used up, by limit and unit.', ['limit', 'unit']),
  budgetLeaseWait: histogram('budget_lease_wait_seconds', 'Time the store took to answer for parts of budgets and for places; no request waits for it as a rule.', FAST),
  budgetStoreFailures: counter('budget_store_failures_total', 'Asks for parts of budgets that the store did not answer.'),
  budgetAlone: gauge('budget_alone', 'Whether budgets are counted without the store (1), because it does not answer, or with it (0).'),
  budgetKeys: gauge('budget_keys', 'Budgets of callers and models in memory.'),
  streamsOpen: gauge('streams_open', 'Upgraded connections (WebSocket) that are open.', ['upstream']),
  signals: counter('signals_total', 'Tokens of identity providers that were pushed, by issuer and what came of them.', ['issuer', 'result']),
  signalsRefused: counter('signals_refused_total', 'Tokens of identity providers that were refused, by issuer and code of RFC 8935.', ['issuer', 'fault']),
  webhookDeliveries: counter('webhook_deliveries_total', 'Attempts to deliver events to webhooks, and events that were given up, by webhook and result.', ['webhook', 'result']),
  webhookLag: gauge('webhook_lag_seconds', 'Age of the oldest event that the webhook has not taken; told by the replica that delivers.', ['webhook']),
  webhookFilesUnusable: gauge('webhook_files_unusable', 'Files of the webhook (secret, address) that cannot be used as they are now; what was good last is in force.', ['webhook']),
  clientErrors: counter('client_errors_total', 'Client connections closed for what they sent or did.', ['code']),
  buildInfo: gauge('build_info', 'Version of the gateway and its runtime; the value is 1.', ['version', 'node_version']),
} as const satisfies Record<string, MetricEntry>
