/** Kind `token`: where the token comes from, for whom it was issued, its age, and its claims. */
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { ageTest, allOf, durationText, fails, HOLDS, oneOf, unknown } from './condition.ts'
import type { Test } from './condition.ts'

type Scalar = string | number | boolean

interface Range {
  readonly min?: number | undefined
  readonly max?: number | undefined
}

/** Compiles a `token` condition: every field written must be satisfied. */
export function tokenTest(spec: SpecOf<'token'>): Test {
  const tests: Test[] = []
  if (spec.issuers !== undefined) {
    tests.push(oneOf((r) => r.subject.issuerName, spec.issuers, 'the issuer'))
  }
  if (spec.clients !== undefined) {
    tests.push(oneOf((r) => r.subject.clientId, spec.clients, 'the client'))
  }
  for (const [path, wanted] of Object.entries(spec.claims ?? {})) {
    if (Array.isArray(wanted)) tests.push(claimTest(path, wanted))
    else
      tests.push(typeof wanted === 'object' ? rangeTest(path, wanted) : claimTest(path, [wanted]))
  }
  if (spec.max_age !== undefined) {
    const words = {
      missing: 'when the token was issued is not known',
      tooOld: `the token was issued more than ${durationText(spec.max_age)} ago`,
    }
    tests.push(ageTest((r) => r.subject.issuedAt, spec.max_age, words))
  }
  if (spec.max_remaining !== undefined) tests.push(remainingTest(spec.max_remaining))
  if (spec.max_lifetime !== undefined) tests.push(lifetimeTest(spec.max_lifetime))
  return allOf(tests)
}

/**
 * Equality without coercion: `'9'` is not `9`. A claim that is absent, empty, not finite, or of
 * another type than everything it is compared with is unknown, not unequal.
 */
function claimTest(path: string, wanted: readonly Scalar[]): Test {
  const missing = unknown(`the claim ${path} is not known or of another type`)
  const wrong = fails(`the claim ${path} has another value`)
  const types = new Set(wanted.map((value) => typeof value))
  return ({ subject }) => {
    const claim: unknown = subject.claims.get(path)
    const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim]
    if (values.some((value) => wanted.some((want) => want === value))) return HOLDS
    return values.length > 0 && values.every((value) => isComparable(value, types))
      ? wrong
      : missing
  }
}

/** Both ends belong to the range. Only one finite number is compared; anything else is unknown. */
function rangeTest(path: string, { min = -Infinity, max = Infinity }: Range): Test {
  const missing = unknown(`the claim ${path} is not known or not a number`)
  const below = fails(`the claim ${path} is below ${min}`)
  const above = fails(`the claim ${path} is above ${max}`)
  return ({ subject }) => {
    const claim: unknown = subject.claims.get(path)
    if (typeof claim !== 'number' || !Number.isFinite(claim)) return missing
    if (claim < min) return below
    return claim <= max ? HOLDS : above
  }
}

function isComparable(value: unknown, types: ReadonlySet<string>): boolean {
  if (value === '' || (typeof value === 'number' && !Number.isFinite(value))) return false
  return types.has(typeof value)
}

function remainingTest(maxRemainingMs: number): Test {
  const missing = unknown('when the token expires is not known')
  const tooLong = fails(`the token is valid for more than another ${durationText(maxRemainingMs)}`)
  return ({ subject, environment }) => {
    const leftMs = subject.expiresAt - environment.now
    if (!Number.isFinite(leftMs)) return missing
    return leftMs <= maxRemainingMs ? HOLDS : tooLong
  }
}

function lifetimeTest(maxLifetimeMs: number): Test {
  const missing = unknown('for how long the token was issued is not known')
  const tooLong = fails(`the token was issued for more than ${durationText(maxLifetimeMs)}`)
  return ({ subject }) => {
    const lifetimeMs = subject.expiresAt - subject.issuedAt
    // One that ends before it begins says nothing about how long it was meant to live.
    if (!Number.isFinite(lifetimeMs) || lifetimeMs < 0) return missing
    return lifetimeMs <= maxLifetimeMs ? HOLDS : tooLong
  }
}
