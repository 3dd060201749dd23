/** One text for one meaning (RFC 8785), so that a digest says what was agreed to. */
import { createHash } from 'node:crypto'

/** A value of JSON; members that are undefined are not there. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json | undefined }

/**
 * The canonical text of `value` (RFC 8785 §3.2): members in the order of their UTF-16 code units,
 * no spaces; numbers and strings as ECMAScript writes them.
 * @throws TypeError for numbers that are not finite and for strings with lone surrogates (§3.2.2.2)
 */
export function canonicalText(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalText).join(',')}]`
  if (typeof value === 'object' && value !== null) return objectText(value as Members)
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('no JSON number')
  if (typeof value === 'string') return stringText(value)
  return JSON.stringify(value)
}

type Members = Readonly<Record<string, Json | undefined>>

function objectText(members: Members): string {
  const parts: string[] = []
  // The default order of sort is that of UTF-16 code units.
  for (const name of Object.keys(members).sort()) {
    const value = members[name]
    if (value !== undefined) parts.push(`${stringText(name)}:${canonicalText(value)}`)
  }
  return `{${parts.join(',')}}`
}

function stringText(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('a string with half a character')
  return JSON.stringify(text)
}

/** `sha256:<hex>` over the canonical text of `value`. */
export function digestOf(value: Json): string {
  return `sha256:${createHash('sha256').update(canonicalText(value)).digest('hex')}`
}
