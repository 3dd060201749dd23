/** Which texts of a token may become names that rules, records and headers carry. */

const NAME_CHARS_MAX = 256

/**
 * Control characters, lone surrogates, line separators and bidirectional overrides: nothing that
 * could break a line of the ledger, a header, or the eye of its reader.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u

/** 1 to 256 characters, printable, no comma (it separates columns and values), not padded. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > NAME_CHARS_MAX) return false
  return !UNPRINTABLE.test(value) && !value.includes(',') && value.trim() === value
}

/**
 * A name that may be a subject: also without `::` and `$$`, which policy engines read as
 * separators and placeholders.
 */
export function isSubjectName(value: unknown): value is string {
  return isName(value) && !value.includes('::') && !value.includes('$$')
}

/** A list of strings with at most `max` members, or `undefined` for anything else. */
export function stringList(value: unknown, max: number): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > max) return undefined
  return value.every((member) => typeof member === 'string') ? value : undefined
}
