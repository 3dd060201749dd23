/** Webhooks as configured, at work. */
import type { Clock } from '../../domain/clock.ts'
import type { JournalStore } from '../../domain/journal.ts'
import type { QuotaStore } from '../../domain/shared-state.ts'
import type { Logger } from '../../log/logger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import type { Notices } from '../notices/open-notices.ts'
import { createCourier, type CourierEvent } from './courier.ts'
import { startCouriers, type RunningCouriers } from './couriers.ts'
import { openTarget, type OpenTarget, type WebhookSettings } from './open-target.ts'

/** What webhooks are started with. */
export interface WebhooksDeps {
  readonly webhooks: readonly WebhookSettings[]
  readonly journal: Pick<JournalStore, 'head' | 'entriesAfter' | 'cursor'>
  readonly store: Pick<QuotaStore, 'hold'>
  /** What is told beside the journal's own; it ends before those who tell of it. */
  readonly notices: Pick<Notices, 'stop'>
  /** This process; chosen at its start. */
  readonly holder: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Pick<
    Metrics,
    'webhookDelivery' | 'webhookLag' | 'webhookFilesUnusable' | 'admitNames'
  >
}

/** Between readings of files with secrets. */
const SECRETS_REFRESH_MS = 10_000

/**
 * Starts telling them; `undefined` when there are none.
 * @throws ERR_CONFIG_UNREADABLE, ERR_CONFIG_INVALID when a file of one cannot be used
 */
export async function startWebhooks(deps: WebhooksDeps): Promise<RunningCouriers | undefined> {
  const { webhooks, metrics, log } = deps
  if (webhooks.length === 0) return undefined
  metrics.admitNames({ upstreams: [], issuers: [], webhooks: webhooks.map(({ name }) => name) })
  const opened = await Promise.all(webhooks.map((one) => openTarget(one, deps.clock)))
  const timer = setInterval(() => void refresh(opened, deps), SECRETS_REFRESH_MS)
  timer.unref()
  const couriers = opened.map(({ target }) => {
    const { clock, journal } = deps
    const onEvent = (event: CourierEvent): void => tellOf(target.name, event, deps)
    const now = (): number => clock.now()
    return {
      name: target.name,
      courier: createCourier(target, { journal, now, random: Math.random, onEvent }),
    }
  })
  const onFailure = (webhook: string): void =>
    log.warn({ webhook }, 'the journal cannot be read for a webhook')
  // Before anything can happen that they are told of.
  await Promise.all(
    couriers.map(({ name, courier }) => courier.begin().catch(() => onFailure(name))),
  )
  const running = startCouriers({
    couriers,
    store: deps.store,
    holder: deps.holder,
    schedule(ms, run) {
      const timeout = setTimeout(run, ms)
      timeout.unref()
      return () => clearTimeout(timeout)
    },
    onFailure,
  })
  return {
    async stop() {
      clearInterval(timer)
      await deps.notices.stop()
      await running.stop()
    },
  }
}

/** A file that cannot be used leaves what was good before in force; operators must hear of it. */
async function refresh(opened: readonly OpenTarget[], deps: WebhooksDeps): Promise<void> {
  for (const one of opened) {
    const { name: webhook } = one.target
    const unusable = await one.refresh()
    deps.metrics.webhookFilesUnusable(webhook, unusable.length)
    if (unusable.length === 0) continue
    const what = 'files of a webhook cannot be used; what they held before stays in force'
    deps.log.error({ webhook, files: unusable }, what)
  }
}

function tellOf(webhook: string, event: CourierEvent, { metrics, log }: WebhooksDeps): void {
  switch (event.type) {
    case 'delivered':
      metrics.webhookDelivery(webhook, 'delivered')
      return
    case 'failed':
      metrics.webhookDelivery(webhook, 'failed')
      log.warn({ webhook, why: event.why, retryInMs: event.retryInMs }, 'a webhook did not answer')
      return
    case 'dropped':
      metrics.webhookDelivery(webhook, 'dropped', event.events)
      log.error({ webhook, why: event.why, events: event.events }, 'a webhook was not told')
      return
    case 'lag':
      metrics.webhookLag(webhook, event.ms)
  }
}
