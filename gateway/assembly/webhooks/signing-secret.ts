import { readWebhookSecret } from '../../access/webhooks/signature.ts'

/** Secrets that sign: the one of now and, while receivers change, the one before. */
export interface SigningSecrets {
  /** The newest first; never none. */
  current(): readonly [Buffer, ...Buffer[]]
  /** Takes up what the file holds now; `false` when that is no secret, and the last good one stays. */
  take(text: string | undefined): boolean
}

/** Receivers have so long to take up a new secret. */
const OVERLAP_MS = 24 * 3_600_000

/**
 * Signs with the secret of `text` until another is taken up; `undefined` when it is none, so that
 * nothing can be started that would not sign. `now`: monotonic milliseconds.
 */
export function createSigningSecrets(
  text: string | undefined,
  now: () => number,
): SigningSecrets | undefined {
  const first = text === undefined ? undefined : readWebhookSecret(text)
  if (first === undefined) return undefined
  let secret = first
  let before: { readonly secret: Buffer; readonly until: number } | undefined
  return {
    current() {
      if (before !== undefined && before.until <= now()) before = undefined
      return before === undefined ? [secret] : [secret, before.secret]
    },
    take(next) {
      const fresh = next === undefined ? undefined : readWebhookSecret(next)
      if (fresh === undefined) return false
      if (fresh.equals(secret)) return true
      before = { secret, until: now() + OVERLAP_MS }
      secret = fresh
      return true
    },
  }
}
