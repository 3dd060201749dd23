/** Kind `resource`: what `resources.yaml` says of the resource. What it does not say is unknown. */
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { allOf, anyOf, fails, HOLDS, listed, oneOf, unknown, type Test } from './condition.ts'

/** Compiles a `resource` condition: every field written must be satisfied. */
export function resourceTest(spec: SpecOf<'resource'>): Test {
  const tests: Test[] = []
  for (const field of ['classification', 'environment', 'owner'] as const) {
    const allowed = spec[field]
    if (allowed === undefined) continue
    tests.push(oneOf((r) => r.resourceAttributes?.[field], allowed, `the ${field} of the resource`))
  }
  if (spec.tags_any !== undefined) {
    tests.push(anyOf((r) => r.resourceAttributes?.tags, spec.tags_any, 'the tags of the resource'))
  }
  if (spec.tags_all !== undefined) tests.push(allTagsTest(spec.tags_all))
  return allOf(tests)
}

function allTagsTest(wanted: readonly string[]): Test {
  const missing = unknown('the tags of the resource are not known')
  const wrong = fails(`the resource does not have all of the tags: ${listed(wanted)}`)
  return ({ resourceAttributes }) => {
    const tags = resourceAttributes?.tags
    if (!Array.isArray(tags) || tags.length === 0) return missing
    return wanted.every((tag) => tags.includes(tag)) ? HOLDS : wrong
  }
}
