/** Webhooks as configured, at work. */
import { readWebhookSecret } from '../../access/webhooks/signature.ts'
import type { Clock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { JournalStore } from '../../domain/journal.ts'
import { parseNetwork, type Network } from '../../domain/network.ts'
import { createReach } from '../../domain/reserved-networks.ts'
import type { QuotaStore } from '../../domain/shared-state.ts'
import type { Logger } from '../../log/logger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import { createSecretFile, type SecretFile } from '../../settings/secret-file.ts'
import type { Settings } from '../../settings/settings.ts'
import { pem, required } from '../issuer-options.ts'
import { createCourier, type CourierEvent, type Target } from './courier.ts'
import { startCouriers, type RunningCouriers } from './couriers.ts'
import { post } from './post.ts'
import { createSigningSecrets } from './signing-secret.ts'

/** One of `webhooks`. */
export type WebhookSettings = Settings['webhooks'][number]

/** What webhooks are started with. */
export interface WebhooksDeps {
  readonly webhooks: readonly WebhookSettings[]
  readonly journal: Pick<JournalStore, 'head' | 'entriesAfter' | 'cursor'>
  readonly store: Pick<QuotaStore, 'hold'>
  /** This process; chosen at its start. */
  readonly holder: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'webhookDelivery' | 'webhookLag' | 'admitNames'>
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
  const timer = setInterval(() => void refresh(opened, log), SECRETS_REFRESH_MS)
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
  const running = startCouriers({
    couriers,
    store: deps.store,
    holder: deps.holder,
    schedule(ms, run) {
      const timeout = setTimeout(run, ms)
      timeout.unref()
      return () => clearTimeout(timeout)
    },
    onFailure: (name) => log.warn({ webhook: name }, 'the journal cannot be read for a webhook'),
  })
  return {
    stop() {
      clearInterval(timer)
      return running.stop()
    },
  }
}

interface OpenTarget {
  readonly target: Target
  readonly files: readonly SecretFile[]
}

async function openTarget(webhook: WebhookSettings, clock: Clock): Promise<OpenTarget> {
  const { name, events, template, timeout: timeoutMs, giveUpAfter: giveUpMs } = webhook
  const secret = await openFile(webhook.secretFile)
  const address = await openFile(webhook.urlFile)
  if (secret !== undefined && readWebhookSecret(secret.current() ?? '') === undefined) {
    throw invalid(name, 'the secret is no whsec_<base64> and no text of at least 24 bytes')
  }
  if (urlOf(webhook.url ?? address?.current(), webhook) === undefined) {
    throw invalid(name, 'https is needed; plain http is for 127.0.0.1 and allow_loopback alone')
  }
  const ca = webhook.caFile === undefined ? undefined : await pem(webhook.caFile)
  const mayReach = createReach({
    loopback: webhook.allowLoopback,
    networks: webhook.allowNetworks.map(parseNetwork).filter(isNetwork),
  })
  const secrets = createSigningSecrets(
    () => secret?.current(),
    () => clock.monotonicMs(),
  )
  const send: Target['post'] = (headers, body) => {
    const url = urlOf(webhook.url ?? address?.current(), webhook)
    const lost = { status: 0, why: 'url-unusable', retryAfterMs: 0 }
    if (url === undefined) return Promise.resolve(lost)
    return post({ url, mayReach, timeoutMs, ca }, headers, body)
  }
  const target = { name, events, template, giveUpMs, secrets: () => secrets.current(), post: send }
  return { target, files: [secret, address].filter((one) => one !== undefined) }
}

/** https; plain http only where this machine may be reached, and to an address that is no name. */
function urlOf(text: string | undefined, { allowLoopback }: WebhookSettings): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.username !== '' || url.password !== '' || url.hash !== '') return undefined
  if (url.protocol === 'https:') return url
  const isLocal = url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname)
  return url.protocol === 'http:' && allowLoopback && isLocal ? url : undefined
}

async function openFile(path: string | undefined): Promise<SecretFile | undefined> {
  if (path === undefined) return undefined
  const file = createSecretFile({ path })
  required(await file.refresh())
  return file
}

/** A file that cannot be read stays as it was; the operator must hear of it. */
async function refresh(opened: readonly OpenTarget[], log: Logger): Promise<void> {
  for (const { target, files } of opened) {
    for (const file of files) {
      const loaded = await file.refresh()
      if (loaded.ok) continue
      log.error({ webhook: target.name }, 'a secret of a webhook cannot be read again')
    }
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

function isNetwork(read: ReturnType<typeof parseNetwork>): read is Network {
  return !('problem' in read)
}

function invalid(name: string, what: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', `webhook ${name}: ${what}`)
}
