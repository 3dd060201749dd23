/** Which person stands behind an account, so that one human with two accounts counts once. */
import { claimAt } from './claim-path.ts'
import type { Claims } from './claim-checks.ts'
import type { IssuerProfile } from './issuer.ts'
import { isName } from './names.ts'

/** Characters nobody sees: two names that look alike must not be two people. */
const UNSEEN = /\p{Cf}/u

/**
 * The person key of `claims`: `person:<account>` where the issuer names no claim; where it does,
 * `person:` and the value, trimmed, in lower case and NFC, a whole number as its digits. `undefined`
 * when the claim is missing, of another type, longer than a name may be, or holds what is not seen.
 *
 * Writing that differs only in case makes one person: to count two people as one refuses an
 * approval, to count one as two gives it.
 */
export function personKey(
  claims: Claims,
  profile: Pick<IssuerProfile, 'person'>,
  account: string,
): string | undefined {
  if (profile.person === undefined) return `person:${account}`
  const value = claimAt(claims, profile.person)
  const text = Number.isSafeInteger(value) ? String(value) : value
  if (typeof text !== 'string' || text.length > 1_024) return undefined
  const name = text.normalize('NFC').trim().toLowerCase().normalize('NFC')
  return isName(name) && !UNSEEN.test(name) ? `person:${name}` : undefined
}
