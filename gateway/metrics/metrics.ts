/**
 * The metrics of the gateway as typed methods. Label values come from closed lists and from the
 * names in the config, never from a request (I25); known combinations start at 0. Durations go in
 * as milliseconds and come out as seconds.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { REASONS, type Reason, type Stage } from '../domain/reasons.ts'
import type { ExtractionRule, IncidentKind } from '../domain/incidents.ts'
import type { ChangingTreatment } from '../domain/data-classes.ts'
import type { StoreOperation } from '../domain/shared-state.ts'
import type { Action, Effect } from '../domain/vocabulary.ts'
import { createFamilies, type ConfiguredNames, type Families } from './families.ts'
import * as labels from './labels.ts'
import { METRICS, type MetricEntry } from './names.ts'
import { noticeMethods, type NoticeMetrics } from './notice-metrics.ts'
import { sinkMethods, type SinkMetrics } from './sink-metrics.ts'
import { breakGlassMethods, type BreakGlassMetrics } from './break-glass-metrics.ts'
import { stateMethods, type StateMetrics } from './state-metrics.ts'

/** One exchange, as stage 10 settles it. */
export interface RequestObservation {
  /** Name in the config; absent when none was found. */
  readonly upstream?: string | undefined
  /** The primary action; absent when none was worked out. */
  readonly action?: Action | undefined
  /** Sent to the client; 0 when none was. */
  readonly status: number
  readonly durationMs: number
  /** Time the gateway itself added. */
  readonly overheadMs?: number | undefined
  /** The response head of the upstream, when it was asked and answered. */
  readonly upstreamHead?: { readonly status: number; readonly durationMs: number } | undefined
  readonly requestBytes: number
  readonly responseBytes: number
}

/** Everything that is counted. Hot-path methods cost well under a microsecond and never throw. */
export interface Metrics extends SinkMetrics, StateMetrics, BreakGlassMetrics, NoticeMetrics {
  decision(observation: {
    readonly effect: Effect
    readonly reason?: Reason | undefined
    readonly action: Action
    readonly upstream: string
    readonly durationMs: number
  }): void
  /** What was enforced, and what the shadow rules would have made of it. */
  shadowDecision(action: Action, enforced: Effect, shadow: Effect): void
  /** `stage`: where it happened; the stage the reason belongs to by default. */
  refusal(reason: Reason, stage?: Stage): void
  /** `issuer`: its short name, when the token told. */
  authentication(result: labels.AuthnResult, issuer: string | undefined, durationMs: number): void
  tokenCache(result: labels.CacheResult): void
  /** `keys`: usable keys after the fetch; `at`: milliseconds since the epoch. */
  jwksFetch(
    issuer: string,
    fetch:
      | { readonly result: 'success'; readonly keys: number; readonly at: number }
      | { readonly result: 'failure' },
  ): void
  /** `at`: milliseconds since the epoch. After a failure the last good revision stays in force. */
  policyReload(
    reload:
      | {
          readonly result: 'success'
          readonly revision: string
          readonly rules: number
          readonly at: number
          /** Whether it is in force because it is pinned. */
          readonly pinned?: boolean
          /** Routes of the operator that ask for less than the packs they extend. */
          readonly lowered?: number
        }
      | { readonly result: 'failure' },
  ): void
  /** An accepted rule set could not be kept. */
  historyError(): void
  /** An open exchange was ended, because `reason` stands against it now. */
  streamCut(reason: Reason): void
  auditRecords(type: string, count: number): void
  /** A batch was written; `at`: milliseconds since the epoch. */
  auditWrite(at: number, durationMs: number): void
  auditError(): void
  /** A checkpoint of so many records was signed. */
  auditSigned(size: number): void
  auditWitness(witness: string, result: labels.WitnessResult): void
  /** Called whenever metrics are exposed: how old the last signature and cosignature are. */
  auditAges(read: () => AuditAges): void
  requestStarted(): void
  requestEnded(): void
  /** Called once when an exchange is over; does not count {@link Metrics.requestEnded}. */
  observeRequest(observation: RequestObservation): void
  upstreamError(upstream: string, reason: Reason): void
  guardIncident(upstream: string, kind: Reason): void
  incident(upstream: string, kind: IncidentKind): void
  extractionSuspected(rule: ExtractionRule): void
  /** What had been counted of a subject was dropped for want of room. */
  extractionEvicted(): void
  /** A lock took hold here so long after the store had it. */
  lockEnforced(kind: labels.Enforcement, durationMs: number): void
  /** The list of lockouts was read; `at`: milliseconds since the epoch. */
  lockoutsRead(count: number, at: number): void
  /** An error answer of the upstream was replaced by the gateway's own. */
  errorReplaced(upstream: string, why: labels.ReplacedWhy): void
  /** A link or credential of a store was masked in an answer. */
  linkMasked(upstream: string, kind: labels.MaskedKind): void
  /** One element was left out of a list. */
  listingHidden(upstream: string): void
  /** An export that was begun is over. */
  exported(result: labels.ExportResult): void
  /** `type`: of the obligation; one that is not known counts as `unknown`. */
  obligation(type: string, result: labels.ObligationResult): void
  /** One value of an answer was treated by its class. */
  fieldTreated(treatment: ChangingTreatment): void
  storeUp(isUp: boolean): void
  storeAsk(operation: StoreOperation, durationMs: number, isAnswered: boolean): void
  /** `limit`: its name in `limits.yaml`. */
  budgetUsed(limit: string, unit: labels.BudgetLabel, n: number): void
  budgetRefused(limit: string, unit: labels.BudgetLabel): void
  budgetLeaseWait(durationMs: number): void
  /** The store did not answer, or answers again. */
  budgetStore(isAnswering: boolean): void
  budgetKeys(count: number): void
  streamOpened(upstream: string): void
  streamClosed(upstream: string): void
  /** `code` of the error Node reports; codes that are not known count as `unknown`. */
  clientError(code: string): void
  /** Names that a reload of the configuration brought: label values from now on, never fewer. */
  admitNames(names: ConfiguredNames): void
  /** Everything in the Prometheus text format 0.0.4. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** Milliseconds; 0 where nothing signs, or there is no witness. */
export interface AuditAges {
  readonly checkpointMs: number
  readonly witnessedMs: number
}

/** What {@link createMetrics} needs. */
export interface MetricsOptions {
  /** Metrics of the process and of Node (`process_*`, `nodejs_*`); default: none. */
  readonly defaultMetrics?: boolean
  readonly buildInfo: { readonly version: string; readonly nodeVersion: string }
  /** Names in the config; any other counts as `unknown`. */
  readonly upstreams: readonly string[]
  readonly issuers: readonly string[]
  readonly sinks?: readonly string[]
  readonly witnesses?: readonly string[]
}

/** Builds the metrics in a registry of their own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  if (options.defaultMetrics === true) collectDefaultMetrics({ register: registry })
  const { families, admit } = createFamilies(registry, options)
  const signatures = signatureMethods(families)
  const state = stateMethods(families)
  const breakGlass = breakGlassMethods(families)
  const { version, nodeVersion } = options.buildInfo
  infoGauge(registry, METRICS.buildInfo).set({ version, node_version: nodeVersion }, 1)
  return {
    ...decisionMethods(families),
    ...requestMethods(families),
    ...incidentMethods(families),
    ...storeMethods(families),
    ...budgetMethods(families),
    ...trustMethods(families),
    ...policyMethods(families, infoGauge(registry, METRICS.policyInfo)),
    ...auditMethods(families),
    ...sinkMethods(families),
    ...noticeMethods(families),
    ...signatures.methods,
    ...state.methods,
    ...breakGlass.methods,
    admitNames: admit,
    async expose() {
      signatures.sample()
      state.sample()
      breakGlass.sample()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}

/** The labels of an info gauge hold versions, of which there is one at a time. */
function infoGauge(registry: Registry, entry: MetricEntry): Gauge {
  const { name, help } = entry
  return new Gauge({ name, help, labelNames: [...entry.labels], registers: [registry] })
}

const seconds = (ms: number): number => ms / 1000

type Part<K extends keyof Metrics> = Pick<Metrics, K>

function decisionMethods(families: Families): Part<'decision' | 'shadowDecision' | 'refusal'> {
  return {
    decision({ effect, reason, action, upstream, durationMs }) {
      families.decisions.at(effect, reason ?? labels.NONE, action, upstream).value += 1
      families.decisionDuration.at(effect).observe(seconds(durationMs))
    },
    shadowDecision: (action, enforced, shadow) =>
      void (families.shadowDecisions.at(action, enforced, shadow).value += 1),
    refusal(reason, stage = REASONS[reason].stage) {
      families.refusals.at(stage, reason).value += 1
    },
  }
}

function requestMethods(
  families: Families,
): Part<
  | 'requestStarted'
  | 'requestEnded'
  | 'observeRequest'
  | 'upstreamError'
  | 'guardIncident'
  | 'errorReplaced'
  | 'linkMasked'
  | 'listingHidden'
  | 'exported'
  | 'obligation'
  | 'fieldTreated'
  | 'streamOpened'
  | 'streamClosed'
  | 'clientError'
> {
  const inFlight = families.requestsInFlight.at()
  const overhead = families.gatewayOverhead.at()
  return {
    requestStarted: () => void (inFlight.value += 1),
    requestEnded: () => void (inFlight.value -= 1),
    observeRequest(seen) {
      const upstream = seen.upstream ?? labels.NONE
      const action = seen.action ?? labels.NONE
      const code = labels.codeClass(seen.status)
      families.requestDuration.at(upstream, action, code).observe(seconds(seen.durationMs))
      families.requestBytes.at(upstream).value += seen.requestBytes
      families.responseBytes.at(upstream, action).value += seen.responseBytes
      if (seen.overheadMs !== undefined) overhead.observe(seconds(seen.overheadMs))
      if (seen.upstreamHead === undefined) return
      const { status, durationMs } = seen.upstreamHead
      families.upstreamDuration.at(upstream, labels.codeClass(status)).observe(seconds(durationMs))
    },
    upstreamError: (upstream, reason) =>
      void (families.upstreamErrors.at(upstream, reason).value += 1),
    obligation: (type, result) => void (families.obligations.at(type, result).value += 1),
    fieldTreated: (treatment) => void (families.fieldsTreated.at(treatment).value += 1),
    guardIncident: (upstream, kind) => void (families.guardIncidents.at(upstream, kind).value += 1),
    exported: (result) => void (families.exports.at(result).value += 1),
    errorReplaced: (upstream, why) => void (families.errorsReplaced.at(upstream, why).value += 1),
    linkMasked: (upstream, kind) => void (families.linksMasked.at(upstream, kind).value += 1),
    listingHidden: (upstream) => void (families.listingHidden.at(upstream).value += 1),
    streamOpened: (upstream) => void (families.streamsOpen.at(upstream).value += 1),
    streamClosed: (upstream) => void (families.streamsOpen.at(upstream).value -= 1),
    clientError: (code) => void (families.clientErrors.at(code).value += 1),
  }
}

function incidentMethods(
  families: Families,
): Part<
  'incident' | 'extractionSuspected' | 'extractionEvicted' | 'lockoutsRead' | 'lockEnforced'
> {
  const evicted = families.extractionEvicted.at()
  const lockouts = families.lockouts.at()
  const lastRead = families.lockoutsLastRead.at()
  return {
    incident: (upstream, kind) => void (families.incidents.at(kind, upstream).value += 1),
    extractionSuspected: (rule) => void (families.extractionSuspected.at(rule).value += 1),
    extractionEvicted: () => void (evicted.value += 1),
    lockEnforced: (kind, durationMs) =>
      families.lockEnforcement.at(kind).observe(seconds(durationMs)),
    lockoutsRead(count, at) {
      lockouts.value = count
      lastRead.value = seconds(at)
    },
  }
}

function storeMethods(families: Families): Part<'storeUp' | 'storeAsk'> {
  const up = families.storeUp.at()
  return {
    storeUp: (isUp) => void (up.value = isUp ? 1 : 0),
    storeAsk(operation, durationMs, isAnswered) {
      families.storeDuration.at(operation).observe(seconds(durationMs))
      if (!isAnswered) families.storeErrors.at(operation).value += 1
    },
  }
}

function budgetMethods(
  families: Families,
): Part<'budgetUsed' | 'budgetRefused' | 'budgetLeaseWait' | 'budgetStore' | 'budgetKeys'> {
  const leaseWait = families.budgetLeaseWait.at()
  const failures = families.budgetStoreFailures.at()
  const alone = families.budgetAlone.at()
  const keys = families.budgetKeys.at()
  return {
    budgetUsed: (limit, unit, n) => void (families.budgetUsed.at(limit, unit).value += n),
    budgetRefused: (limit, unit) => void (families.budgetRefusals.at(limit, unit).value += 1),
    budgetLeaseWait: (durationMs) => leaseWait.observe(seconds(durationMs)),
    budgetStore(isAnswering) {
      alone.value = isAnswering ? 0 : 1
      if (!isAnswering) failures.value += 1
    },
    budgetKeys: (count) => void (keys.value = count),
  }
}

function trustMethods(families: Families): Part<'authentication' | 'tokenCache' | 'jwksFetch'> {
  const duration = families.authnDuration.at()
  return {
    authentication(result, issuer, durationMs) {
      families.authn.at(result, issuer ?? labels.NONE).value += 1
      duration.observe(seconds(durationMs))
    },
    tokenCache: (result) => void (families.tokenCache.at(result).value += 1),
    jwksFetch(issuer, fetch) {
      families.jwksFetches.at(issuer, fetch.result).value += 1
      if (fetch.result === 'failure') return
      families.jwksLastSuccess.at(issuer).value = seconds(fetch.at)
      families.jwksKeys.at(issuer).value = fetch.keys
    },
  }
}

function policyMethods(
  families: Families,
  info: Gauge,
): Part<'policyReload' | 'historyError' | 'streamCut'> {
  const successful = families.configReloadSuccessful.at()
  const timestamp = families.configReloadTimestamp.at()
  const rules = families.rules.at()
  const pinned = families.policyPinned.at()
  const lowered = families.routesLowered.at()
  const historyErrors = families.historyErrors.at()
  return {
    historyError: () => void (historyErrors.value += 1),
    streamCut: (reason) => void (families.streamsCut.at(reason).value += 1),
    policyReload(reload) {
      families.policyReloads.at(reload.result).value += 1
      successful.value = reload.result === 'success' ? 1 : 0
      if (reload.result === 'failure') return
      timestamp.value = seconds(reload.at)
      rules.value = reload.rules
      pinned.value = reload.pinned === true ? 1 : 0
      lowered.value = reload.lowered ?? 0
      // The old revision goes away, or the number of series would grow with every reload.
      info.reset()
      info.set({ revision: reload.revision }, 1)
    },
  }
}

function auditMethods(families: Families): Part<'auditRecords' | 'auditWrite' | 'auditError'> {
  const lastWrite = families.auditLastWrite.at()
  const duration = families.auditWriteDuration.at()
  const errors = families.auditErrors.at()
  return {
    auditRecords: (type, count) => void (families.auditRecords.at(type).value += count),
    auditWrite(at, durationMs) {
      lastWrite.value = seconds(at)
      duration.observe(seconds(durationMs))
    },
    auditError: () => void (errors.value += 1),
  }
}

function signatureMethods(families: Families): {
  readonly methods: Part<'auditSigned' | 'auditWitness' | 'auditAges'>
  readonly sample: () => void
} {
  const size = families.auditTreeSize.at()
  const checkpoints = families.auditCheckpoints.at()
  const checkpointAge = families.auditCheckpointAge.at()
  const witnessedAge = families.auditWitnessedAge.at()
  let readAges = (): AuditAges => ({ checkpointMs: 0, witnessedMs: 0 })
  const methods: ReturnType<typeof signatureMethods>['methods'] = {
    auditSigned(records) {
      size.value = records
      checkpoints.value += 1
    },
    auditWitness: (witness, result) => void (families.auditWitness.at(witness, result).value += 1),
    auditAges: (read) => void (readAges = read),
  }
  const sample = (): void => {
    const { checkpointMs, witnessedMs } = readAges()
    checkpointAge.value = seconds(checkpointMs)
    witnessedAge.value = seconds(witnessedMs)
  }
  return { methods, sample }
}
