/** Kind `geo`: the country the request comes from, where a trusted hop or a database says it. */
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { oneOf, type Test } from './condition.ts'

/** Compiles a `geo` condition. */
export function geoTest(spec: SpecOf<'geo'>): Test {
  return oneOf((r) => r.environment.country?.code, spec.countries, 'the country')
}
