/** Kinds of JSON values by their first byte, and which of several verdicts on one counts. */
import type { Span, Verdict } from './json-edit.ts'

/** `flag`: `true` or `false`. */
export type Kind = 'null' | 'flag' | 'number' | 'string' | 'object' | 'array'

/** The kind of a value that has been read. */
export function kindOf(bytes: Buffer, { start }: Span): Kind {
  const first = bytes[start]
  if (first === 0x6e) return 'null'
  if (first === 0x74 || first === 0x66) return 'flag'
  if (first === 0x22) return 'string'
  if (first === 0x7b) return 'object'
  return first === 0x5b ? 'array' : 'number'
}

/** Whether a value that is a flag says no. */
export function isFalse(bytes: Buffer, { start }: Span): boolean {
  return bytes[start] === 0x66
}

/** Reject before remove before the smallest number, before keep. */
export function strictest(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('reject')) return 'reject'
  if (verdicts.includes('remove')) return 'remove'
  let smallest: Verdict = 'keep'
  for (const verdict of verdicts) {
    if (typeof verdict !== 'object') continue
    const isSmaller = typeof smallest !== 'object' || Number(verdict.text) < Number(smallest.text)
    if (isSmaller) smallest = verdict
  }
  return smallest
}
