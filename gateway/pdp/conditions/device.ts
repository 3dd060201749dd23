/**
 * Kind `device`: the posture of the device. Missing posture, posture of a source that does not count
 * here, and each missing field, is unknown: neither a permit for those who ask for it nor an escape
 * from a deny.
 */
import type { AccessRequest } from '../../domain/access.ts'
import type { DevicePosture } from '../../domain/subject.ts'
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
  const deviceOf = postureFrom(spec.sources)
  for (const flag of ['managed', 'compliant', 'encrypted'] as const) {
    if (spec[flag] === true) tests.push(flagTest(flag, deviceOf))
  }
  if (spec.os !== undefined) {
    tests.push(oneOf((r) => deviceOf(r)?.os, spec.os, 'the operating system'))
  }
  if (spec.os_version_min !== undefined) tests.push(versionTest(spec.os_version_min, deviceOf))
  if (spec.max_age !== undefined) {
    const words = {
      missing: 'when the device was assessed is not known',
      tooOld: `the device was assessed more than ${durationText(spec.max_age)} ago`,
    }
    tests.push(ageTest((r) => deviceOf(r)?.assessedAt, spec.max_age, words))
  }
  return allOf(tests)
}

/** The posture of a request, as far as it counts here. */
type PostureOf = (request: AccessRequest) => DevicePosture | undefined

function postureFrom(sources: readonly DevicePosture['source'][] | undefined): PostureOf {
  if (sources === undefined) return ({ environment }) => environment.device
  return ({ environment: { device } }) =>
    device !== undefined && sources.includes(device.source) ? device : undefined
}

function flagTest(flag: 'managed' | 'compliant' | 'encrypted', deviceOf: PostureOf): Test {
  const missing = unknown(`whether the device is ${flag} is not known`)
  const refused = fails(`the device is not ${flag}`)
  return (request) => {
    const value: unknown = deviceOf(request)?.[flag]
    if (value === true) return HOLDS
    return value === false ? refused : missing
  }
}

function versionTest(minimums: Readonly<Record<string, string>>, deviceOf: PostureOf): Test {
  const byOs = new Map(Object.entries(minimums).map(([os, text]) => [os, versionOf(text) ?? []]))
  const missing = unknown('the operating system or its version is not known')
  const noMinimum = fails('no minimum version is set for this operating system')
  const tooOld = fails('the version of the operating system is below the minimum')
  return (request) => {
    const { os, osVersion } = deviceOf(request) ?? {}
    const version = versionOf(osVersion)
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
