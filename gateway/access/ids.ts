/** Ids of requests, grants, locks, drills, reviews and notices: they sort by time and can be read aloud. */
import { randomBytes } from 'node:crypto'

/** Crockford's base 32: no I, L, O or U. */
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz'

/** What ids are of. */
export type IdKind = 'req' | 'lock' | 'drill' | 'review' | 'notice'

/** `<kind>-` and 26 digits: 48 bits of time and 82 of chance, in the manner of UUIDv7 (RFC 9562 §5.7). */
export function newId(kind: IdKind, now: number): string {
  return `${kind}-${digits(BigInt(Math.trunc(now)), 10)}${random(16)}`
}

/** The grant of a request has the request's digits. */
export function grantIdOf(requestId: string): string {
  return requestId.replace(/^req-/, 'grant-')
}

/** Whether `text` is an id of this kind. */
export function isId(kind: IdKind | 'grant', text: string): boolean {
  const [head, tail = ''] = text.split('-')
  return head === kind && /^[0-9a-hjkmnp-tv-z]{26}$/.test(tail)
}

function random(count: number): string {
  return [...randomBytes(count)].map((byte) => DIGITS.charAt(byte % 32)).join('')
}

function digits(value: bigint, count: number): string {
  let text = ''
  for (let rest = value; text.length < count; rest /= 32n) {
    text = DIGITS.charAt(Number(rest % 32n)) + text
  }
  return text
}
