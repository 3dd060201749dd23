/** A webhook as configured, ready to be sent to: its address, what signs, and the files of both. */
import type { Clock } from '../../domain/clock.ts'
import { GatewayError } from '../../domain/errors.ts'
import { parseNetwork, type Network } from '../../domain/network.ts'
import { createReach } from '../../domain/reserved-networks.ts'
import { createSecretFile, type SecretFile } from '../../settings/secret-file.ts'
import type { Settings } from '../../settings/settings.ts'
import { pem, required } from '../issuer-options.ts'
import type { Target } from './courier.ts'
import { post } from './post.ts'
import { createSigningSecrets, type SigningSecrets } from './signing-secret.ts'

/** One of `webhooks`. */
export type WebhookSettings = Settings['webhooks'][number]

/** A webhook with its files. */
export interface OpenTarget {
  readonly target: Target
  /**
   * Reads the files again and answers which of them cannot be used as they are now, if any: what was
   * good last stays in force, a message is never sent without its signature. Never throws.
   */
  refresh(): Promise<readonly string[]>
}

/** @throws ERR_CONFIG_UNREADABLE, ERR_CONFIG_INVALID when a file cannot be used, with its name */
export async function openTarget(webhook: WebhookSettings, clock: Clock): Promise<OpenTarget> {
  const { name, events, template, timeout: timeoutMs, giveUpAfter: giveUpMs } = webhook
  const secret = await openSecret(webhook, clock)
  const address = await openAddress(webhook)
  const ca = webhook.caFile === undefined ? undefined : await pem(webhook.caFile)
  const mayReach = createReach({
    loopback: webhook.allowLoopback,
    networks: webhook.allowNetworks.map((text) => parseNetwork(text)).filter(isNetwork),
  })
  const send: Target['post'] = (headers, body) =>
    post({ url: address.url(), mayReach, timeoutMs, ca }, headers, body)
  const signed = secret === undefined ? {} : { secrets: () => secret.secrets.current() }
  const target = { name, events, template, giveUpMs, ...signed, post: send }
  const takes = [
    ...(secret === undefined ? [] : [taking(secret.file, (text) => secret.secrets.take(text))]),
    ...(address.file === undefined ? [] : [taking(address.file, (text) => address.take(text))]),
  ]
  return {
    target,
    refresh: async () => (await Promise.all(takes.map((take) => take()))).flat(),
  }
}

function taking(
  file: SecretFile,
  take: (text: string | undefined) => boolean,
): () => Promise<readonly string[]> {
  return async () => {
    const { ok } = await file.refresh()
    return ok && take(file.current()) ? [] : [file.path]
  }
}

async function openSecret(
  { name, secretFile: path }: WebhookSettings,
  clock: Clock,
): Promise<{ readonly file: SecretFile; readonly secrets: SigningSecrets } | undefined> {
  if (path === undefined) return undefined
  const file = await openFile(path)
  const secrets = createSigningSecrets(file.current(), () => clock.monotonicMs())
  if (secrets !== undefined) return { file, secrets }
  const what = 'holds no whsec_<base64> and no text of 24 to 1,024 bytes'
  throw invalid(name, `the secret file ${path} ${what}`)
}

async function openAddress(webhook: WebhookSettings) {
  const { name, urlFile: path } = webhook
  const file = path === undefined ? undefined : await openFile(path)
  const first = urlOf(webhook.url ?? file?.current(), webhook)
  if (first === undefined) {
    const where = path === undefined ? '' : ` in ${path}`
    const what = 'https is needed; plain http is for 127.0.0.1 and allow_loopback alone'
    throw invalid(name, `the address${where} cannot be used: ${what}`)
  }
  let url = first
  return {
    file,
    url: () => url,
    take(text: string | undefined): boolean {
      const next = urlOf(text, webhook)
      url = next ?? url
      return next !== undefined
    },
  }
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

async function openFile(path: string): Promise<SecretFile> {
  const file = createSecretFile({ path })
  required(await file.refresh())
  return file
}

function isNetwork(read: ReturnType<typeof parseNetwork>): read is Network {
  return !('problem' in read)
}

function invalid(name: string, what: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', `webhook ${name}: ${what}`)
}
