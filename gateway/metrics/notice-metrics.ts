/** What is counted of signals that come in and of webhooks that go out. */
import type { Families } from './families.ts'
import { NONE, type SignalFaultLabel, type SignalResult, type WebhookResult } from './labels.ts'

/** Methods about signals and webhooks. */
export interface NoticeMetrics {
  /** A token was pushed; `issuer`: its short name, when it could be told. */
  signal(issuer: string | undefined, result: SignalResult): void
  /** One was refused, and why; beside `signal` with `refused`. */
  signalRefused(issuer: string | undefined, fault: SignalFaultLabel): void
  webhookDelivery(webhook: string, result: WebhookResult, events?: number): void
  /** Age of the oldest event that the webhook has not taken. */
  webhookLag(webhook: string, ms: number): void
  /** Files of the webhook that cannot be used as they are now. */
  webhookFilesUnusable(webhook: string, files: number): void
}

/** Counts in `families`. */
export function noticeMethods(families: Families): NoticeMetrics {
  return {
    signal: (issuer = NONE, result) => void (families.signals.at(issuer, result).value += 1),
    signalRefused: (issuer = NONE, fault) =>
      void (families.signalsRefused.at(issuer, fault).value += 1),
    webhookDelivery: (webhook, result, events = 1) =>
      void (families.webhookDeliveries.at(webhook, result).value += events),
    webhookLag: (webhook, ms) => void (families.webhookLag.at(webhook).value = ms / 1_000),
    webhookFilesUnusable: (webhook, files) =>
      void (families.webhookFilesUnusable.at(webhook).value = files),
  }
}
