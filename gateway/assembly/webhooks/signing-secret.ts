import { readWebhookSecret } from '../../access/webhooks/signature.ts'

/** Secrets that sign: the one of now and, while receivers change, the one before. */
export interface SigningSecrets {
  /** The newest first; empty when there is none. */
  current(): readonly Buffer[]
}

/** Receivers have so long to take up a new secret. */
const OVERLAP_MS = 24 * 3_600_000

/**
 * Reads `text` on every use, which is what the secret file holds at that moment. One that is no
 * secret leaves the one before in force. `now`: monotonic milliseconds.
 */
export function createSigningSecrets(
  text: () => string | undefined,
  now: () => number,
): SigningSecrets {
  let seen: string | undefined
  let secret: Buffer | undefined
  let before: { readonly secret: Buffer; readonly until: number } | undefined
  return {
    current() {
      const read = text()
      const fresh = read === undefined || read === seen ? undefined : readWebhookSecret(read)
      if (fresh !== undefined) {
        if (secret !== undefined) before = { secret, until: now() + OVERLAP_MS }
        seen = read
        secret = fresh
      }
      if (before !== undefined && before.until <= now()) before = undefined
      return [secret, before?.secret].filter((one) => one !== undefined)
    },
  }
}
