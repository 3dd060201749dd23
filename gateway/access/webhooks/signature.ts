/** Signatures of webhooks, as Standard Webhooks 1.0.0 has them. */
import { createHmac } from 'node:crypto'

/** A secret shorter than this can be guessed. */
const SECRET_BYTES_MIN = 24
const SECRET_BYTES_MAX = 1_024
const PREFIX = 'whsec_'

/**
 * The bytes of a secret: base64 behind `whsec_`, else the text itself.
 * `undefined` when they are fewer than 24 or more than 1,024, or the base64 is not canonical.
 */
export function readWebhookSecret(text: string): Buffer | undefined {
  const isEncoded = text.startsWith(PREFIX)
  const encoded = text.slice(PREFIX.length)
  const secret = isEncoded ? Buffer.from(encoded, 'base64') : Buffer.from(text)
  // Node reads whatever it finds of base64: what it left out was no part of the secret.
  if (isEncoded && secret.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, '')) {
    return undefined
  }
  const isFit = secret.length >= SECRET_BYTES_MIN && secret.length <= SECRET_BYTES_MAX
  return isFit ? secret : undefined
}

/** What is signed. */
export interface SignedMessage {
  /** The same for every attempt: receivers tell repetitions by it. No dots. */
  readonly id: string
  /** Of this attempt; whole seconds since the epoch. */
  readonly timestamp: number
  readonly body: string
}

/**
 * The fields of a message, with one signature for each of `secrets`, the newest first. Without any
 * secrets it is not signed: only of a target that never had one.
 */
export function signatureHeaders(
  { id, timestamp, body }: SignedMessage,
  secrets: readonly [Buffer, ...Buffer[]] | undefined,
): Readonly<Record<string, string>> {
  const fields = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) }
  if (secrets === undefined) return fields
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`)
    return `v1,${mac.digest('base64')}`
  })
  return { ...fields, 'webhook-signature': signatures.join(' ') }
}
