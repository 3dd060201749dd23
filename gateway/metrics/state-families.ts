/** Metrics of the privileges that come and go, of what tells of them and of who is told. */
import { METRICS, type MetricEntry } from './names.ts'

/** Cells about the store, and about requests, grants and locks as this replica has them. */
export function stateFamilies<C, G>(
  counter: (entry: MetricEntry) => C,
  gauge: (entry: MetricEntry) => G,
): {
  readonly stateStaleness: G
  readonly stateSeq: G
  readonly stateChars: G
  readonly stateReplicas: G
  readonly journalRegressed: G
  readonly journalDamaged: G
  readonly accessRecordErrors: C
  readonly breakGlassOpenings: C
  readonly breakGlassOpen: G
  readonly breakGlassUnreviewed: G
  readonly breakGlassOverdue: G
  readonly storeUp: G
  readonly storeErrors: C
} {
  return {
    storeUp: gauge(METRICS.storeUp),
    storeErrors: counter(METRICS.storeErrors),
    stateStaleness: gauge(METRICS.stateStaleness),
    stateSeq: gauge(METRICS.stateSeq),
    stateChars: gauge(METRICS.stateChars),
    stateReplicas: gauge(METRICS.stateReplicas),
    journalRegressed: gauge(METRICS.journalRegressed),
    journalDamaged: gauge(METRICS.journalDamaged),
    accessRecordErrors: counter(METRICS.accessRecordErrors),
    breakGlassOpenings: counter(METRICS.breakGlassOpenings),
    breakGlassOpen: gauge(METRICS.breakGlassOpen),
    breakGlassUnreviewed: gauge(METRICS.breakGlassUnreviewed),
    breakGlassOverdue: gauge(METRICS.breakGlassOverdue),
  }
}

/** Cells about signals that come in and webhooks that go out. */
export function noticeFamilies<C, G>(
  counter: (entry: MetricEntry) => C,
  gauge: (entry: MetricEntry) => G,
): Record<'signals' | 'signalsRefused' | 'webhookDeliveries', C> &
  Record<'webhookLag' | 'webhookFilesUnusable', G> {
  return {
    signals: counter(METRICS.signals),
    signalsRefused: counter(METRICS.signalsRefused),
    webhookDeliveries: counter(METRICS.webhookDeliveries),
    webhookLag: gauge(METRICS.webhookLag),
    webhookFilesUnusable: gauge(METRICS.webhookFilesUnusable),
  }
}

/** A rate needs a first sample before the first event. */
