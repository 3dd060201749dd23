/**
 * Kind `device`: the posture of the device, from the token or from a trusted hop. Missing posture,
 * and each missing field, is unknown: neither a permit for those who ask for it nor an escape from
 * a deny.
 */
import type { AccessRequest } from '../../domain/access.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import {
  ageTest,
  allOf,
  durationText,
  fails,
  HOLDS,
  oneOf,
  unknown,
  type Test,
} from './condition.ts'

/** Compiles a `device` condition: every field written must be satisfied. */
export function deviceTest(spec: SpecOf<'device'>): Test {
  const tests: Test[] = []
  for (const flag of ['managed', 'compliant', 'encrypted'] as const) {
    if (spec[flag] === true) tests.push(flagTest(flag))
  }
  if (spec.os !== undefined) {
    tests.push(oneOf((r) => r.environment.device?.os, spec.os, 'the operating system'))
  }
  if (spec.os_version_min !== undefined) tests.push(versionTest(spec.os_version_min))
  if (spec.max_age !== undefined) {
    const words = {
      missing: 'when the device was assessed is not known',
      tooOld: `the device was assessed more than ${durationText(spec.max_age)} ago`,
    }
    tests.push(ageTest((r) => r.environment.device?.assessedAt, spec.max_age, words))
  }
  return allOf(tests)
}

function flagTest(flag: 'managed' | 'compliant' | 'encrypted'): Test {
  const missing = unknown(`whether the device is ${flag} is not known`)
  const refused = fails(`the device is not ${flag}`)
  return ({ environment }) => {
    const value: unknown = environment.device?.[flag]
    if (value === true) return HOLDS
    return value === false ? refused : missing
  }
}

function versionTest(minimums: Readonly<Record<string, string>>): Test {
  const byOs = new Map(Object.entries(minimums).map(([os, text]) => [os, versionOf(text) ?? []]))
  const missing = unknown('the operating system or its version is not known')
  const noMinimum = fails('no minimum version is set for this operating system')
  const tooOld = fails('the version of the operating system is below the minimum')
  return ({ environment }: AccessRequest) => {
    const os = environment.device?.os
    const version = versionOf(environment.device?.osVersion)
    if (typeof os !== 'string' || os === '' || version === undefined) return missing
    const minimum = byOs.get(os)
    if (minimum === undefined) return noMinimum
    return compareVersions(version, minimum) >= 0 ? HOLDS : tooOld
  }
}

/** Up to six numbers with dots; anything else has no order and is unknown. */
function versionOf(text: string | undefined): number[] | undefined {
  if (typeof text !== 'string' || !/^\d{1,9}(\.\d{1,9}){0,5}$/.test(text)) return undefined
  return text.split('.').map(Number)
}

/** Numeric, part by part; a missing part counts as 0. */
function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
