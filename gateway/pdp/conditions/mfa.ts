/**
 * Kind `mfa`: how and when the subject authenticated, as its issuer says. Says which step-up would
 * satisfy it (RFC 9470 §3), so that a client can come back stronger instead of giving up.
 */
import type { StepUp } from '../../domain/access.ts'
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
  if (spec.acrs !== undefined) {
    const what = 'the authentication contexts'
    tests.push(anyOf((r) => r.subject.authentication.acrs, spec.acrs, what))
  }
  if (spec.max_age !== undefined) {
    const words = {
      missing: 'when the caller authenticated is not known',
      tooOld: `the caller authenticated more than ${durationText(spec.max_age)} ago`,
    }
    tests.push(ageTest((r) => r.subject.authentication.authTime, spec.max_age, words))
  }
  return allOf(tests)
}

/** What a client must ask its issuer for. Empty when a second factor alone is asked for. */
export function mfaStepUp(spec: SpecOf<'mfa'>): StepUp {
  return {
    ...(spec.acr !== undefined && { acrValues: spec.acr.join(' ') }),
    ...(spec.max_age !== undefined && { maxAge: Math.floor(spec.max_age / 1000) }),
  }
}

const MISSING = unknown('whether a second factor was used is not known')
const NOT_USED = fails('no second factor was used')

const requiredTest: Test = ({ subject }) => {
  const mfa: unknown = subject.authentication.mfa
  if (mfa === true) return HOLDS
  return mfa === false ? NOT_USED : MISSING
}
