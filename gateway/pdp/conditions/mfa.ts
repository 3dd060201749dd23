/**
 * Kind `mfa`: how and when the subject authenticated, as its issuer says. Says which step-up would
 * satisfy it (RFC 9470 §3), so that a client can come back stronger instead of giving up.
 */
import type { AccessRequest, StepUp } from '../../domain/access.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import {
  ageTest,
  allOf,
  anyOf,
  durationText,
  fails,
  HOLDS,
  oneOf,
  unknown,
  type Test,
} from './condition.ts'

/** Compiles an `mfa` condition: every field written must be satisfied. */
export function mfaTest(spec: SpecOf<'mfa'>): Test {
  const tests: Test[] = []
  if (spec.required === true) tests.push(requiredTest)
  if (spec.amr !== undefined) {
    tests.push(anyOf((r) => r.subject.authentication.amr, spec.amr, 'the authentication methods'))
  }
  if (spec.acr !== undefined) {
    tests.push(oneOf((r) => r.subject.authentication.acr, spec.acr, 'the authentication class'))
  }
  if (spec.acrs !== undefined) tests.push(contextsTest(spec.acrs))
  if (spec.max_age !== undefined) tests.push(authAgeTest(spec.max_age))
  return allOf(tests)
}

/**
 * What a client must ask its issuer for, which may be nothing but a second factor. The contexts of
 * Entra are asked for only when they are what is missing: another challenge carries them.
 */
export function mfaStepUp(spec: SpecOf<'mfa'>): (request: AccessRequest) => StepUp {
  const { acr, acrs } = spec
  const hasContexts = acrs && contextsTest(acrs)
  const maxAgeOf = spec.max_age === undefined ? undefined : maxAges(spec.max_age)
  return (request) => {
    const maxAgeMs = maxAgeOf?.(request)
    return {
      ...(acr !== undefined && { acrValues: acr.join(' ') }),
      ...(acrs !== undefined && hasContexts?.(request).truth !== 'true' && { acrs }),
      ...(maxAgeMs !== undefined && { maxAge: Math.floor(maxAgeMs / 1000) }),
    }
  }
}

const contextsTest = (acrs: readonly string[]): Test =>
  anyOf((r) => r.subject.authentication.acrs, acrs, 'the authentication contexts')

type MaxAge = NonNullable<SpecOf<'mfa'>['max_age']>

/** The age that counts for the issuer of a request. */
function maxAges(maxAge: MaxAge): (request: AccessRequest) => number {
  if (typeof maxAge === 'number') return () => maxAge
  const byIssuer = new Map(Object.entries(maxAge.by_issuer))
  return ({ subject }) => byIssuer.get(subject.issuerName) ?? maxAge.default
}

/** One test for each age, made once: its words are constants. */
function authAgeTest(maxAge: MaxAge): Test {
  const ageOf = maxAges(maxAge)
  const all = typeof maxAge === 'number' ? [maxAge] : Object.values(maxAge.by_issuer)
  const otherwise = authAgeWithin(typeof maxAge === 'number' ? maxAge : maxAge.default)
  const tests = new Map(all.map((ageMs) => [ageMs, authAgeWithin(ageMs)]))
  return (request) => (tests.get(ageOf(request)) ?? otherwise)(request)
}

function authAgeWithin(maxAgeMs: number): Test {
  return ageTest((r) => r.subject.authentication.authTime, maxAgeMs, {
    missing: 'when the caller authenticated is not known',
    tooOld: `the caller authenticated more than ${durationText(maxAgeMs)} ago`,
  })
}

const MISSING = unknown('whether a second factor was used is not known')
const NOT_USED = fails('no second factor was used')

const requiredTest: Test = ({ subject }) => {
  const mfa: unknown = subject.authentication.mfa
  if (mfa === true) return HOLDS
  return mfa === false ? NOT_USED : MISSING
}
