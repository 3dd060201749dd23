/** Every metric of `names.ts` as cells in one registry. */
import type { Registry } from 'prom-client'
import { REASONS, REASON_CODES } from '../domain/reasons.ts'
import { CHANGING_TREATMENTS } from '../domain/data-classes.ts'
import { OBLIGATION_TYPES } from '../domain/obligations.ts'
import { EXTRACTION_RULES, INCIDENT_KINDS } from '../domain/incidents.ts'
import { STORE_OPERATIONS } from '../domain/shared-state.ts'
import { ACTIONS } from '../domain/vocabulary.ts'
import { createCounter, createGauge, createHistogram } from './cells.ts'
import * as labels from './labels.ts'
import { METRICS, type MetricEntry } from './names.ts'
import { noticeFamilies, stateFamilies } from './state-families.ts'

/** The cells of every metric. */
export type Families = ReturnType<typeof buildFamilies>

/** Names in the config that become label values. */
export interface ConfiguredNames {
  readonly upstreams: readonly string[]
  readonly issuers: readonly string[]
  /** Names of limits; the label values stay when a limit goes. */
  readonly limits?: readonly string[]
  /** Names of the keys of witnesses of the ledger. */
  readonly witnesses?: readonly string[]
  /** Names of sinks of the ledger. */
  readonly sinks?: readonly string[]
  /** Names of webhooks. */
  readonly webhooks?: readonly string[]
}

/** Names ever admitted as label values, per label: series outlive the names (I25). */
const NAMES_MAX = 1_024

/** Builds every metric in `registry`; what can be known beforehand starts at 0. */
export function createFamilies(
  registry: Registry,
  names: ConfiguredNames,
): { readonly families: Families; readonly admit: (names: ConfiguredNames) => void } {
  const lists = labels.labelValues({ upstreams: [], issuers: [] })
  const families = buildFamilies(registry, lists)
  initialiseClosed(families)
  initialiseWeights(families)
  const admitOne = (label: string, name: string, initialise: () => void): void => {
    const known = lists.get(label)
    if (known === undefined || known.has(name) || known.size >= NAMES_MAX) return
    known.add(name)
    initialise()
  }
  const admit = ({ issuers, upstreams, limits = [], ...more }: ConfiguredNames): void => {
    const { sinks = [], witnesses = [], webhooks = [] } = more
    for (const name of witnesses) {
      admitOne('witness', name, () => initialiseWitness(families, name))
    }
    for (const name of webhooks) {
      admitOne('webhook', name, () => initialiseWebhook(families, name))
    }
    for (const name of sinks) admitOne('sink', name, () => initialiseSink(families, name))
    for (const name of limits) admitOne('limit', name, () => undefined)
    for (const name of issuers) admitOne('issuer', name, () => initialiseIssuer(families, name))
    for (const name of upstreams) {
      admitOne('upstream', name, () => initialiseUpstream(families, name))
    }
  }
  admit(names)
  return { families, admit }
}

function buildFamilies(registry: Registry, lists: ReadonlyMap<string, ReadonlySet<string>>) {
  const counter = (entry: MetricEntry) => createCounter(registry, entry, lists)
  const gauge = (entry: MetricEntry) => createGauge(registry, entry, lists)
  const histogram = (entry: MetricEntry) => createHistogram(registry, entry, lists)
  return {
    decisions: counter(METRICS.decisions),
    decisionDuration: histogram(METRICS.decisionDuration),
    shadowDecisions: counter(METRICS.shadowDecisions),
    refusals: counter(METRICS.refusals),
    authn: counter(METRICS.authn),
    authnDuration: histogram(METRICS.authnDuration),
    tokenCache: counter(METRICS.tokenCache),
    jwksFetches: counter(METRICS.jwksFetches),
    jwksLastSuccess: gauge(METRICS.jwksLastSuccess),
    jwksKeys: gauge(METRICS.jwksKeys),
    policyReloads: counter(METRICS.policyReloads),
    configReloadSuccessful: gauge(METRICS.configReloadSuccessful),
    configReloadTimestamp: gauge(METRICS.configReloadTimestamp),
    rules: gauge(METRICS.rules),
    policyPinned: gauge(METRICS.policyPinned),
    routesLowered: gauge(METRICS.routesLowered),
    historyErrors: counter(METRICS.historyErrors),
    streamsCut: counter(METRICS.streamsCut),
    auditRecords: counter(METRICS.auditRecords),
    auditErrors: counter(METRICS.auditErrors),
    auditLastWrite: gauge(METRICS.auditLastWrite),
    auditWriteDuration: histogram(METRICS.auditWriteDuration),
    auditCheckpointAge: gauge(METRICS.auditCheckpointAge),
    auditWitnessedAge: gauge(METRICS.auditWitnessedAge),
    auditTreeSize: gauge(METRICS.auditTreeSize),
    auditCheckpoints: counter(METRICS.auditCheckpoints),
    auditWitness: counter(METRICS.auditWitness),
    auditSinkLag: gauge(METRICS.auditSinkLag),
    auditSinkBlocking: gauge(METRICS.auditSinkBlocking),
    auditSinkSent: counter(METRICS.auditSinkSent),
    auditSinkErrors: counter(METRICS.auditSinkErrors),
    auditSinkDropped: counter(METRICS.auditSinkDropped),
    requestsInFlight: gauge(METRICS.requestsInFlight),
    requestDuration: histogram(METRICS.requestDuration),
    gatewayOverhead: histogram(METRICS.gatewayOverhead),
    upstreamDuration: histogram(METRICS.upstreamDuration),
    upstreamErrors: counter(METRICS.upstreamErrors),
    requestBytes: counter(METRICS.requestBytes),
    responseBytes: counter(METRICS.responseBytes),
    obligations: counter(METRICS.obligations),
    fieldsTreated: counter(METRICS.fieldsTreated),
    guardIncidents: counter(METRICS.guardIncidents),
    exports: counter(METRICS.exports),
    incidents: counter(METRICS.incidents),
    extractionSuspected: counter(METRICS.extractionSuspected),
    extractionEvicted: counter(METRICS.extractionEvicted),
    lockouts: gauge(METRICS.lockouts),
    lockoutsLastRead: gauge(METRICS.lockoutsLastRead),
    lockEnforcement: histogram(METRICS.lockEnforcement),
    errorsReplaced: counter(METRICS.errorsReplaced),
    linksMasked: counter(METRICS.linksMasked),
    listingHidden: counter(METRICS.listingHidden),
    storeDuration: histogram(METRICS.storeDuration),
    ...stateFamilies(counter, gauge),
    budgetUsed: counter(METRICS.budgetUsed),
    budgetRefusals: counter(METRICS.budgetRefusals),
    budgetLeaseWait: histogram(METRICS.budgetLeaseWait),
    budgetStoreFailures: counter(METRICS.budgetStoreFailures),
    budgetAlone: gauge(METRICS.budgetAlone),
    budgetKeys: gauge(METRICS.budgetKeys),
    streamsOpen: gauge(METRICS.streamsOpen),
    ...noticeFamilies(counter, gauge),
    clientErrors: counter(METRICS.clientErrors),
  }
}

function initialiseClosed(families: Families): void {
  for (const reason of REASON_CODES) families.refusals.at(REASONS[reason].stage, reason)
  for (const effect of labels.EFFECTS) families.decisionDuration.at(effect)
  for (const result of labels.CACHE_RESULTS) families.tokenCache.at(result)
  for (const result of labels.OUTCOMES) families.policyReloads.at(result)
  for (const type of labels.RECORD_TYPES) families.auditRecords.at(type)
  for (const type of OBLIGATION_TYPES) {
    for (const result of labels.OBLIGATION_RESULTS) families.obligations.at(type, result)
  }
  for (const treatment of CHANGING_TREATMENTS) families.fieldsTreated.at(treatment)
  for (const code of labels.CLIENT_ERROR_CODES) families.clientErrors.at(code)
  for (const result of labels.AUTHN_RESULTS) families.authn.at(result, labels.NONE)
  families.signals.at(labels.NONE, 'refused')
  initialiseFaults(families, labels.NONE)
  for (const reason of labels.reasonsOf('decide')) families.streamsCut.at(reason)
}

function initialiseWeights(families: Families): void {
  families.streamsCut.at('locked_out')
  families.streamsCut.at('locked')
  for (const kind of labels.ENFORCEMENTS) families.lockEnforcement.at(kind)
  for (const reason of ['grant_ended', 'grant_spent', 'state_unavailable'] as const) {
    families.streamsCut.at(reason)
  }
  for (const result of labels.EXPORT_RESULTS) families.exports.at(result)
  for (const rule of EXTRACTION_RULES) families.extractionSuspected.at(rule)
  for (const operation of STORE_OPERATIONS) families.storeErrors.at(operation)
}

function initialiseWitness(families: Families, witness: string): void {
  for (const result of labels.WITNESS_RESULTS) families.auditWitness.at(witness, result)
}

function initialiseSink(families: Families, sink: string): void {
  families.auditSinkLag.at(sink)
  families.auditSinkBlocking.at(sink)
  families.auditSinkSent.at(sink)
  families.auditSinkErrors.at(sink)
  families.auditSinkDropped.at(sink)
}

function initialiseWebhook(families: Families, webhook: string): void {
  for (const result of labels.WEBHOOK_RESULTS) families.webhookDeliveries.at(webhook, result)
  families.webhookLag.at(webhook)
  families.webhookFilesUnusable.at(webhook)
}

function initialiseFaults(families: Families, issuer: string): void {
  for (const fault of labels.SIGNAL_FAULTS) families.signalsRefused.at(issuer, fault)
}

function initialiseIssuer(families: Families, issuer: string): void {
  for (const result of labels.SIGNAL_RESULTS) families.signals.at(issuer, result)
  initialiseFaults(families, issuer)
  for (const result of labels.AUTHN_RESULTS) families.authn.at(result, issuer)
  for (const result of labels.OUTCOMES) families.jwksFetches.at(issuer, result)
  // 0 is 1970: an issuer whose keys were never had is as stale as can be.
  families.jwksLastSuccess.at(issuer)
  families.jwksKeys.at(issuer)
}

function initialiseUpstream(families: Families, upstream: string): void {
  for (const action of ACTIONS) {
    families.decisions.at('permit', labels.NONE, action, upstream)
    families.responseBytes.at(upstream, action)
  }
  families.requestBytes.at(upstream)
  families.listingHidden.at(upstream)
  for (const why of labels.REPLACED_WHYS) families.errorsReplaced.at(upstream, why)
  for (const kind of labels.MASKED_KINDS) families.linksMasked.at(upstream, kind)
  families.streamsOpen.at(upstream)
  for (const reason of labels.reasonsOf('forward')) families.upstreamErrors.at(upstream, reason)
  for (const kind of labels.reasonsOf('guard')) families.guardIncidents.at(upstream, kind)
  for (const kind of INCIDENT_KINDS) families.incidents.at(kind, upstream)
}
