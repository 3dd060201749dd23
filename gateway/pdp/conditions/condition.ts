import type { AccessRequest, StepUp, Truth } from '../../domain/access.ts'
import { and } from '../policy/truth.ts'

/** What a condition says of one request. `detail` is made of constants and operator text only. */
export interface Verdict {
  readonly truth: Truth
  /** Why it does not hold, without personal data; `holds` when it does. */
  readonly detail: string
}

/** One test of a request. Pure, total, never throws; what is missing gives `unknown`. */
export type Test = (request: AccessRequest) => Verdict

/** A named condition, compiled. */
export interface Condition {
  readonly name: string
  readonly kind: string
  readonly test: Test
  /** For kind `mfa`: what step-up would satisfy it for this caller (RFC 9470). */
  readonly stepUp?: (request: AccessRequest) => StepUp
}

/** It holds. */
export const HOLDS: Verdict = { truth: 'true', detail: 'holds' }

/** It is known not to hold, and why. */
export const fails = (detail: string): Verdict => ({ truth: 'false', detail })

/** It cannot be known, and what is missing. */
export const unknown = (detail: string): Verdict => ({ truth: 'unknown', detail })

/** All of `tests`, in Kleene's logic: the first that is false speaks, else the first unknown. */
export function allOf(tests: readonly Test[]): Test {
  const only = tests[0]
  if (only !== undefined && tests.length === 1) return only
  return (request) => {
    let verdict = HOLDS
    for (const test of tests) {
      const next = test(request)
      const truth = and(verdict.truth, next.truth)
      if (truth !== verdict.truth) verdict = next
      if (truth === 'false') return verdict
    }
    return verdict
  }
}

/** How far ahead of the gateway's clock another machine's may run, in milliseconds. */
export const CLOCK_SKEW_MS = 60_000

/** What an age test says, as constants. */
export interface AgeWords {
  /** When the moment is missing, or so far ahead that it cannot be right. */
  readonly missing: string
  readonly tooOld: string
}

/** Tests that the moment `momentOf` gives is at most `maxAgeMs` old. */
export function ageTest(
  momentOf: (request: AccessRequest) => number | undefined,
  maxAgeMs: number,
  words: AgeWords,
): Test {
  const missing = unknown(words.missing)
  const tooOld = fails(words.tooOld)
  return (request) => {
    const moment = momentOf(request)
    if (moment === undefined || !Number.isFinite(moment)) return missing
    const ageMs = request.environment.now - moment
    if (!Number.isFinite(ageMs) || ageMs < -CLOCK_SKEW_MS) return missing
    return ageMs <= maxAgeMs ? HOLDS : tooOld
  }
}

/** Tests that a text attribute is one of `allowed`, byte for byte. An empty one is missing. */
export function oneOf(
  attributeOf: (request: AccessRequest) => string | undefined,
  allowed: readonly string[],
  what: string,
): Test {
  const set = new Set(allowed)
  const missing = unknown(`${what} is not known`)
  const wrong = fails(`${what} is none of: ${listed(allowed)}`)
  return (request) => {
    const value = attributeOf(request)
    if (typeof value !== 'string' || value === '') return missing
    return set.has(value) ? HOLDS : wrong
  }
}

/** Tests that a list attribute shares a value with `wanted`. An empty list is missing. */
export function anyOf(
  attributeOf: (request: AccessRequest) => readonly string[] | undefined,
  wanted: readonly string[],
  what: string,
): Test {
  const missing = unknown(`${what} are not known`)
  const wrong = fails(`${what} include none of: ${listed(wanted)}`)
  return (request) => {
    const values = attributeOf(request)
    if (!Array.isArray(values) || values.length === 0) return missing
    return wanted.some((value) => values.includes(value)) ? HOLDS : wrong
  }
}

/** A bounded list for people. */
export function listed(values: readonly string[]): string {
  const shown = values.slice(0, 8).join(', ')
  return values.length > 8 ? `${shown} and ${values.length - 8} more` : shown
}

/** A duration for people: `90 s`, `15 min`, `8 h`. */
export function durationText(ms: number): string {
  if (ms % 3_600_000 === 0 && ms > 0) return `${ms / 3_600_000} h`
  if (ms % 60_000 === 0 && ms > 0) return `${ms / 60_000} min`
  return `${ms / 1000} s`
}
